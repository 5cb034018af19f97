# data/ holds data sets, pipeline/ what the steps put out, serving/ the pushed models.
resource "google_storage_bucket" "segmentation" {
  # checkov:skip=CKV_GCP_62:Access logs need a second bucket; audit logs can be turned on where someone reads them.
  # checkov:skip=CKV_GCP_78:Soft delete keeps for 7 days what was deleted or overwritten; versions would be paid for until somebody deletes them.
  name     = "${var.project}-segmentation"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 3600
  }

  # What a Dataflow job that was killed left behind.
  lifecycle_rule {
    condition {
      age            = 7
      matches_prefix = ["pipeline/dataflow/"]
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  depends_on = [google_project_service.needed]
}

resource "google_storage_bucket_iam_member" "pipeline" {
  bucket = google_storage_bucket.segmentation.name
  role   = "roles/storage.objectUser"
  member = google_service_account.pipeline.member
}

resource "google_storage_bucket_iam_member" "github_reads" {
  bucket = google_storage_bucket.segmentation.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.github.member
}

# `pipeline check` writes .check-ID into PIPELINE_ROOT and SERVING_DIR, which is a folder of the
# recipe's, `pipeline turn` the record of new data; the workflow may write nothing else, neither data
# nor models.
resource "google_storage_bucket_iam_member" "github_probes" {
  bucket = google_storage_bucket.segmentation.name
  role   = "roles/storage.objectUser"
  member = google_service_account.github.member

  condition {
    title = "probes-and-record-only"
    expression = join(" || ", concat(
      [
        for name in ["pipeline/.check-", "pipeline/announcements.json"] :
        "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.segmentation.name}/objects/${name}\")"
      ],
      ["resource.name.extract(\"projects/_/buckets/${google_storage_bucket.segmentation.name}/objects/serving/{recipe}/.check-\") != \"\""],
    ))
  }
}
