terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }

  # The bucket is named at `terraform init`: it exists before everything here.
  backend "gcs" {
    prefix = "segmentation"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
