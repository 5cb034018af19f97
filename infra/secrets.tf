# Only the container: a value in Terraform would lie readable in its state. It is added with
# `gcloud secrets versions add`.
resource "google_secret_manager_secret" "hf_token" {
  secret_id = "hf-token"

  replication {
    auto {}
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_iam_member" "pipeline" {
  secret_id = google_secret_manager_secret.hf_token.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.pipeline.member
}

# The workflow tries the token before anything is built. Since it may act as `pipeline`, this lets
# it do nothing more.
resource "google_secret_manager_secret_iam_member" "github" {
  secret_id = google_secret_manager_secret.hf_token.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.github.member
}
