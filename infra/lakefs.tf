# The key of lakeFS, with which the steps push models: the containers only, as of the Hub's token.
resource "google_secret_manager_secret" "lakefs_access_key" {
  secret_id = "lakefs-access-key"

  replication {
    auto {}
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret" "lakefs_secret_key" {
  secret_id = "lakefs-secret-key"

  replication {
    auto {}
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_iam_member" "pipeline_lakefs_access_key" {
  secret_id = google_secret_manager_secret.lakefs_access_key.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.pipeline.member
}

resource "google_secret_manager_secret_iam_member" "pipeline_lakefs_secret_key" {
  secret_id = google_secret_manager_secret.lakefs_secret_key.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.pipeline.member
}
