variable "environment_name" {
  description = "Name of this Slipway, such as prod."
  type        = string
}

variable "token" {
  description = "What makes globally unique names unique: 13 characters."
  type        = string
}

variable "on_scheduler" {
  description = "Whether Durable Task Scheduler keeps the histories; else Azure Storage."
  type        = bool
}

variable "pipelines_folder" {
  type = string
}

variable "policies_folder" {
  type = string
}

variable "people_file" {
  type = string
}

variable "evidence_hosts" {
  type = string
}

variable "tenant_id" {
  type = string
}

variable "application_id" {
  type = string
}

variable "auth_identity_client_id" {
  type = string
}

variable "run_client_id" {
  type = string
}

variable "insights_connection" {
  type = string
}

variable "scheduler_endpoint" {
  type = string
}

variable "table_endpoint" {
  type = string
}

variable "audit_endpoint" {
  type = string
}

variable "workspace" {
  description = "Customer id of the workspace whose logs judge canaries."
  type        = string
}

variable "vault_uri" {
  type = string
}

variable "configuration_endpoint" {
  type = string
}
