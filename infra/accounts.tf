# The steps act as it.
resource "google_service_account" "pipeline" {
  account_id   = "pipeline"
  display_name = "Steps of the segmentation pipeline"

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "pipeline" {
  # checkov:skip=CKV_GCP_49:It counts dataflow.developer among the roles that impersonate, which has no permission of IAM's.
  for_each = toset([
    "roles/aiplatform.user",    # steps, metadata, Vertex Training, model registry, endpoints
    "roles/dataflow.developer", # submits jobs
    "roles/dataflow.worker",    # is their workers; writes logs and metrics
  ])

  project = var.project
  role    = each.value
  member  = google_service_account.pipeline.member
}

# A step gives the jobs and the endpoint that it starts its own account.
resource "google_service_account_iam_member" "pipeline_as_itself" {
  service_account_id = google_service_account.pipeline.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.pipeline.member
}

# The GitHub workflow acts as it: builds the image, submits the job and follows it.
resource "google_service_account" "github" {
  account_id   = "github"
  display_name = "GitHub workflow that trains"

  depends_on = [google_project_service.needed]
}

resource "google_project_iam_member" "github" {
  # checkov:skip=CKV_GCP_49:It counts dataflow.developer among the roles that impersonate, which has no permission of IAM's.
  for_each = toset([
    "roles/aiplatform.user",
    "roles/dataflow.developer", # cancels what a cancelled run's steps began
  ])

  project = var.project
  role    = each.value
  member  = google_service_account.github.member
}

# It was the only one: applied again, the grant is kept, not taken away after it was made again.
moved {
  from = google_project_iam_member.github
  to   = google_project_iam_member.github["roles/aiplatform.user"]
}

resource "google_service_account_iam_member" "github_as_pipeline" {
  service_account_id = google_service_account.pipeline.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.github.member
}
