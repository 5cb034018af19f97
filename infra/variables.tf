variable "project" {
  description = "Id of the Google Cloud project. Every other name follows from it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "This is no project's id: 6 to 30 of a-z, 0-9 and -, with a letter first."
  }
}

variable "region" {
  description = "Region of the bucket, the images and the runs."
  type        = string
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "This is no region, such as us-central1."
  }
}

variable "github_repository" {
  description = "OWNER/NAME of the GitHub repository whose workflow trains."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "Expected OWNER/NAME, without https:// and .git."
  }
}

variable "github_repository_id" {
  description = "Number of that repository: gh api repos/OWNER/NAME --jq .id"
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.github_repository_id))
    error_message = "Expected digits, as `gh api repos/OWNER/NAME --jq .id` prints them."
  }
}

variable "new_data_trigger" {
  description = "Whether a data set that is written to data/ starts a training. Needs a GitHub token."
  type        = bool
  default     = false
}

variable "alert_email" {
  description = "Address that is told when new data could not start a training. Needed with new_data_trigger."
  type        = string
  default     = ""

  validation {
    condition     = !var.new_data_trigger || can(regex("^[^@ ]+@[^@ ]+$", var.alert_email))
    error_message = "new_data_trigger needs alert_email, an address such as you@example.com: it is told when the token of GitHub has ended."
  }
}
