variable "display_name" {
  type = string
}

variable "identifier_uri" {
  description = "A second Slipway in the same tenant needs another one."
  type        = string
}

variable "tenant_id" {
  type = string
}

variable "auth_principal_id" {
  description = "Object id of the identity `auth`: the subject of the federated credential."
  type        = string
}

variable "admin_principal_id" {
  description = "Holds the role admin from the start; empty for nobody."
  type        = string
}

variable "pipeline_roles" {
  description = "Roles that pipelines name as role:x in their approvals, beside those of the API."
  type        = list(string)
}
