variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the bucket."
  type        = string
}

variable "bucket" {
  description = "Bucket whose folder data/ is watched."
  type        = string
}

variable "alert_email" {
  description = "Address that is told when GitHub could not be told."
  type        = string
}

variable "github_repository" {
  description = "OWNER/NAME of the GitHub repository that is told."
  type        = string
}
