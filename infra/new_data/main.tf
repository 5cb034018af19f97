# A dataset.json under data/ -> Pub/Sub -> Eventarc -> Workflows -> repository_dispatch on GitHub,
# which takes nothing but a token of its own.

resource "google_service_account" "new_data" {
  account_id   = "new-data"
  display_name = "Tells GitHub of new data"
}

resource "google_project_iam_member" "new_data" {
  project = var.project
  role    = "roles/workflows.invoker"
  member  = google_service_account.new_data.member
}

resource "google_secret_manager_secret" "github_token" {
  secret_id = "github-dispatch-token"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "new_data" {
  secret_id = google_secret_manager_secret.github_token.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.new_data.member
}

# Eventarc's own trigger for buckets knows no folders: it would run for every file of every run.
resource "google_pubsub_topic" "new_data" {
  # checkov:skip=CKV_GCP_83:Google's own keys encrypt the messages, which hold no more than a file's name.
  name = "new-data"
}

data "google_storage_project_service_account" "this" {}

resource "google_pubsub_topic_iam_member" "storage" {
  topic  = google_pubsub_topic.new_data.id
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${data.google_storage_project_service_account.this.email_address}"
}

resource "google_storage_notification" "new_data" {
  bucket             = var.bucket
  topic              = google_pubsub_topic.new_data.id
  payload_format     = "JSON_API_V1"
  event_types        = ["OBJECT_FINALIZE"]
  object_name_prefix = "data/"

  depends_on = [google_pubsub_topic_iam_member.storage]
}

resource "google_workflows_workflow" "new_data" {
  name            = "new-data"
  region          = var.region
  description     = "Tells GitHub of a new data set"
  service_account = google_service_account.new_data.id
  source_contents = file("${path.module}/new-data.yaml")

  user_env_vars = {
    REPOSITORY = var.github_repository
    SECRET     = google_secret_manager_secret.github_token.secret_id
  }

  # Calls and their results are what the token would be seen in.
  call_log_level          = "LOG_NONE"
  execution_history_level = "EXECUTION_HISTORY_BASIC"
  deletion_protection     = false
}

# A token ends one day, and from then on every execution fails where nobody looks.
resource "google_monitoring_notification_channel" "email" {
  display_name = "New data"
  type         = "email"

  labels = {
    email_address = var.alert_email
  }
}

resource "google_monitoring_alert_policy" "new_data" {
  display_name          = "New data started no training"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.id]

  conditions {
    display_name = "An execution of the workflow new-data failed"

    condition_threshold {
      filter = join(" AND ", [
        "resource.type = \"workflows.googleapis.com/Workflow\"",
        "resource.labels.workflow_id = \"${google_workflows_workflow.new_data.name}\"",
        "metric.type = \"workflows.googleapis.com/finished_execution_count\"",
        "metric.labels.status = \"FAILED\"",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_SUM"
      }
    }
  }

  # What has ended is closed, so that the next failure is told again.
  alert_strategy {
    auto_close = "1800s"
  }

  documentation {
    content = "GitHub was not told of a new data set. The workflow's newest execution says why; most often the token has ended: step 7 of docs/google-cloud.md stores a new one. Then start the workflow Train by hand."
  }
}

resource "google_eventarc_trigger" "new_data" {
  name            = "new-data"
  location        = var.region
  service_account = google_service_account.new_data.email

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.pubsub.topic.v1.messagePublished"
  }

  transport {
    pubsub {
      topic = google_pubsub_topic.new_data.id
    }
  }

  destination {
    workflow = google_workflows_workflow.new_data.id
  }

  depends_on = [google_project_iam_member.new_data]
}
