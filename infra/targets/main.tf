# Roles for the services that Slipway releases to: what it does there (slipway/promotion/rights), and nothing else.
# Whoever owns the targets applies this once and gives the roles to the identity `run` (docs/deploy.md).
terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.2"
    }
  }
}

provider "azurerm" {
  subscription_id = var.subscription_id

  features {}
}

variable "subscription_id" {
  type = string
}

variable "assignable_scopes" {
  description = "Where the roles may be given: resource groups of the subscription; empty for all of it."
  type        = list(string)
  default     = []
}

variable "suffix" {
  description = "Goes behind the name of each role. Names are unique in the tenant: a second subscription needs one."
  type        = string
  default     = ""
}

locals {
  roles  = { for role in jsondecode(file("${path.module}/roles.json")) : role.name => role }
  scopes = length(var.assignable_scopes) > 0 ? var.assignable_scopes : ["/subscriptions/${var.subscription_id}"]
}

resource "azurerm_role_definition" "target" {
  for_each = local.roles

  name              = "${each.key}${var.suffix}"
  description       = each.value.says
  scope             = local.scopes[0]
  assignable_scopes = local.scopes

  permissions {
    actions      = each.value.actions
    data_actions = each.value.dataActions
  }
}
