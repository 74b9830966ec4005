# The same parameters, with the same defaults, as infra/azure/main.bicep and infra/entra/main.bicep.

variable "subscription_id" {
  type = string
}

variable "environment_name" {
  description = "Name of this Slipway, such as prod; part of every resource name."
  type        = string

  validation {
    condition     = length(var.environment_name) <= 20 && can(regex("^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", var.environment_name))
    error_message = "The name has 1 to 20 characters: letters, digits, single hyphens within."
  }
}

variable "location" {
  description = "A region that has Flex Consumption, Durable Task Scheduler, and ZRS unless storage_redundancy says otherwise."
  type        = string
}

variable "application_id" {
  description = "Client id of an application that an administrator made; empty to make one here, which needs rights in the directory."
  type        = string
  default     = ""
}

variable "application_object_id" {
  description = "With application_id: the same as directory object, by which a secure webhook names it."
  type        = string
  default     = ""
}

variable "auth_identity_id" {
  description = "With application_id: the identity that its federated credential names."
  type        = string
  default     = ""
}

variable "auth_identity_client_id" {
  type    = string
  default = ""
}

variable "identifier_uri" {
  description = "Identifier URI of the application. A second Slipway in the same tenant needs another one."
  type        = string
  default     = "api://slipway"
}

variable "admin_principal_id" {
  description = "Object id of the person or group that holds the role admin from the start; empty for nobody."
  type        = string
  default     = ""
}

variable "pipeline_roles" {
  description = "Roles that pipelines name as role:x in their approvals, beside those of the API."
  type        = list(string)
  default     = ["release-manager", "qa"]
}

variable "callers" {
  description = "Applications whose tokens the API accepts beside its own; the Azure CLI brings people."
  type        = list(string)
  default     = ["04b07795-8ddb-461a-bbee-02f9e1bf7b46"]
}

variable "durable_backend" {
  description = "Where durable histories are kept: scheduler (Durable Task Scheduler), or storage; host.json must agree."
  type        = string
  default     = "scheduler"

  validation {
    condition     = contains(["scheduler", "storage"], var.durable_backend)
    error_message = "scheduler or storage."
  }
}

variable "scheduler_sku" {
  type    = string
  default = "Consumption"
}

variable "scheduler_capacity" {
  description = "Capacity units of a Dedicated scheduler: 1, or 3 for high availability."
  type        = number
  default     = 1
}

variable "scheduler_ip_allowlist" {
  description = "Address ranges that may call the scheduler. An empty list denies everybody."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "private_network" {
  description = "Everything behind private endpoints, no public access to data; turns Service Bus to Premium."
  type        = bool
  default     = false
}

variable "storage_redundancy" {
  description = "Of both storage accounts; ZRS survives the loss of a zone, and LRS is for regions that have none."
  type        = string
  default     = "ZRS"
}

variable "audit_retention_days" {
  description = "For how many days the audit trail can be neither changed nor deleted. Only a locked policy is final."
  type        = number
  default     = 365
}

variable "audit_locked" {
  description = "True locks that policy, for ever."
  type        = bool
  default     = false
}

variable "vault_retention_days" {
  description = "How long removed secrets, and the vault's name, are kept."
  type        = number
  default     = 90
}

variable "configuration_sku" {
  type    = string
  default = "developer"
}

variable "log_retention_days" {
  type    = number
  default = 31
}

variable "telemetry_workspace" {
  description = "Workspace (customer id) with the telemetry of the services; empty for Slipway's own."
  type        = string
  default     = ""
}

variable "pipelines_folder" {
  description = "Folder of pipelines in the deployed package; empty for those that come with Slipway, the laptop's."
  type        = string
  default     = ""
}

variable "policies_folder" {
  description = "Folder of the organisation's policies in the deployed package, as docs/policies.md has them; empty for none."
  type        = string
  default     = ""
}

variable "people_file" {
  description = "File of people in the deployed package, for approvals with not: [author]; empty for none."
  type        = string
  default     = ""
}

variable "evidence_hosts" {
  description = "Hosts that evidence of builds may come from, as docs/gates.md has them; empty for none."
  type        = string
  default     = ""
}

variable "alert_email" {
  description = "Gets an e-mail for every alert; empty for nobody."
  type        = string
  default     = ""
}

variable "python_version" {
  type    = string
  default = "3.12"
}

variable "instance_memory_mb" {
  type    = number
  default = 2048
}

variable "maximum_instances" {
  type    = number
  default = 40
}

variable "always_ready" {
  description = "Instances that never sleep: [{ name = \"function:builds\", instanceCount = 1 }]."
  type        = list(object({ name = string, instanceCount = number }))
  default     = []
}

variable "site_update_strategy" {
  type    = string
  default = "Recreate"
}
