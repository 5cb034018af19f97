locals {
  set_variable = "gh variable set --repo ${var.github_repository}"
}

output "github_variables" {
  description = "Commands that tell the GitHub workflow where to train."
  value       = <<-EOT
    ${local.set_variable} GOOGLE_CLOUD_PROJECT --body ${var.project}
    ${local.set_variable} GOOGLE_CLOUD_REGION --body ${var.region}
    ${local.set_variable} WORKLOAD_IDENTITY_PROVIDER --body ${google_iam_workload_identity_pool_provider.github.name}
  EOT
}

output "publishing_variables" {
  description = "Commands that tell it where to publish; HF_REPO_ID and HF_LICENSE come from the shell."
  value       = <<-EOT
    ${local.set_variable} HF_REPO_ID --body "$${HF_REPO_ID:?is the model repository, OWNER/NAME}"
    ${local.set_variable} HF_LICENSE --body "$${HF_LICENSE:?is the licence, such as cc0-1.0}"
    ${local.set_variable} HF_TOKEN_SECRET --body projects/${var.project}/secrets/${google_secret_manager_secret.hf_token.secret_id}
  EOT
}

output "lakefs_variables" {
  description = "Commands that tell it of lakeFS; both names come from the shell."
  value       = <<-EOT
    ${local.set_variable} LAKEFS_REPOSITORY --body "$${LAKEFS_REPOSITORY:?is a name, such as image-segmentation-repo}"
    ${local.set_variable} LAKEFS_ENDPOINT --body "$${LAKEFS_ENDPOINT:?is the address of lakeFS}"
    ${local.set_variable} LAKEFS_ACCESS_KEY_SECRET --body projects/${var.project}/secrets/${google_secret_manager_secret.lakefs_access_key.secret_id}
    ${local.set_variable} LAKEFS_SECRET_KEY_SECRET --body projects/${var.project}/secrets/${google_secret_manager_secret.lakefs_secret_key.secret_id}
  EOT
}

output "mlflow_variables" {
  description = "Commands that tell it of MLflow; the address comes from the shell."
  value       = <<-EOT
    ${local.set_variable} MLFLOW_TRACKING_URI --body "$${MLFLOW_TRACKING_URI:?is the address of MLflow, without a password}"
    ${local.set_variable} MLFLOW_USERNAME_SECRET --body projects/${var.project}/secrets/${google_secret_manager_secret.mlflow_username.secret_id}
    ${local.set_variable} MLFLOW_PASSWORD_SECRET --body projects/${var.project}/secrets/${google_secret_manager_secret.mlflow_password.secret_id}
  EOT
}
