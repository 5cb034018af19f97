module "new_data" {
  source = "./new_data"
  count  = var.new_data_trigger ? 1 : 0

  project           = var.project
  region            = var.region
  bucket            = google_storage_bucket.segmentation.name
  github_repository = var.github_repository
  alert_email       = var.alert_email

  depends_on = [google_project_service.needed]
}
