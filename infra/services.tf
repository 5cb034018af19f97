locals {
  services = [
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com", # Terraform's and Beam's questions about the project
    "compute.googleapis.com",              # Dataflow's workers and their network
    "dataflow.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com", # the workflow acts as a service account
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com", # exchanges the workflow's identity for credentials
  ]
  new_data_services = [
    "eventarc.googleapis.com",
    "pubsub.googleapis.com",
    "workflowexecutions.googleapis.com",
    "workflows.googleapis.com",
  ]
}

resource "google_project_service" "needed" {
  for_each = toset(concat(local.services, var.new_data_trigger ? local.new_data_services : []))

  service = each.value
  # Something else in the project may need it.
  disable_on_destroy = false
}
