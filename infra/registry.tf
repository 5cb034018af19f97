# REGION-docker.pkg.dev/PROJECT/segmentation/pipeline. A run names its image by digest, which cannot
# move; were the tags immutable, no policy could delete an image that has one.
resource "google_artifact_registry_repository" "segmentation" {
  # checkov:skip=CKV_GCP_84:Google's own keys encrypt the images; a key of one's own costs money and work.
  repository_id = "segmentation"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the pipeline's steps"

  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }

  cleanup_policies {
    id     = "delete-the-rest"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "604800s" # 7 days: a run that waits for machines still finds its image
    }
  }

  depends_on = [google_project_service.needed]
}

resource "google_artifact_registry_repository_iam_member" "pipeline" {
  location   = google_artifact_registry_repository.segmentation.location
  repository = google_artifact_registry_repository.segmentation.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.pipeline.member
}

resource "google_artifact_registry_repository_iam_member" "github" {
  location   = google_artifact_registry_repository.segmentation.location
  repository = google_artifact_registry_repository.segmentation.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.github.member
}
