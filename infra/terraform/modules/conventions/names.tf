# Names that more than one file uses. This module has no provider, so `terraform validate` checks it anywhere.
locals {
  hub_name           = "slipway"
  packages_container = "packages"
  audit_container    = "audit"
  audit_key          = "slipway-audit"
  evidence_container = "evidence"

  # Secrets of the key vault that somebody puts there; without one, its hook answers 503.
  azure_devops_hook_secret = "azure-devops-hook-key"
  github_hook_secret       = "github-hook-secret"

  names = {
    group         = "rg-slipway-${var.environment_name}"
    site          = "slipway-${var.environment_name}-${var.token}"
    run           = "id-slipway-run-${var.token}"
    auth          = "id-slipway-auth-${var.token}"
    host_storage  = "stslipway${var.token}"
    audit_storage = "stslipaudit${var.token}"
    namespace     = "sb-slipway-${var.token}"
    scheduler     = "dts-slipway-${var.token}"
    vault         = "kv-slip-${var.token}"
    configuration = "appcs-slipway-${var.token}"
    workspace     = "log-slipway-${var.token}"
    insights      = "appi-slipway-${var.token}"
    network       = "vnet-slipway-${var.token}"
    action_group  = "ag-slipway-${var.token}"
  }
}

output "names" {
  value = local.names
}

output "hub_name" {
  value = local.hub_name
}

output "packages_container" {
  value = local.packages_container
}

output "audit_container" {
  value = local.audit_container
}

output "audit_key" {
  value = local.audit_key
}

output "evidence_container" {
  value = local.evidence_container
}
