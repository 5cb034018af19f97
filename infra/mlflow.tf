# MLflow's user and password, with which runs are recorded: by the steps, and by the workflow, whose
# submission opens a run. Since it may act as `pipeline`, this lets it do nothing more.
locals {
  mlflow_secrets = {
    username = google_secret_manager_secret.mlflow_username.secret_id
    password = google_secret_manager_secret.mlflow_password.secret_id
  }
}

resource "google_secret_manager_secret" "mlflow_username" {
  secret_id = "mlflow-username"

  replication {
    auto {}
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret" "mlflow_password" {
  secret_id = "mlflow-password"

  replication {
    auto {}
  }

  depends_on = [google_project_service.needed]
}

resource "google_secret_manager_secret_iam_member" "pipeline_mlflow" {
  for_each  = local.mlflow_secrets
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.pipeline.member
}

resource "google_secret_manager_secret_iam_member" "github_mlflow" {
  for_each  = local.mlflow_secrets
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.github.member
}
