# Names, settings, queues and role ids are in modules/conventions; a file a concern here, as in infra/modules.
data "azurerm_client_config" "me" {}

locals {
  token        = substr(sha1("${var.subscription_id}/${var.environment_name}/${var.location}"), 0, 13)
  on_scheduler = var.durable_backend == "scheduler"
  own_entra    = var.application_id == ""
}

module "conventions" {
  source = "./modules/conventions"

  environment_name        = var.environment_name
  token                   = local.token
  on_scheduler            = local.on_scheduler
  pipelines_folder        = var.pipelines_folder
  policies_folder         = var.policies_folder
  people_file             = var.people_file
  evidence_hosts          = var.evidence_hosts
  tenant_id               = data.azurerm_client_config.me.tenant_id
  application_id          = local.application_id
  auth_identity_client_id = local.auth_identity_client_id
  run_client_id           = azurerm_user_assigned_identity.run.client_id
  insights_connection     = azurerm_application_insights.slipway.connection_string
  scheduler_endpoint      = local.on_scheduler ? azapi_resource.scheduler[0].output.properties.endpoint : ""
  table_endpoint          = azurerm_storage_account.host.primary_table_endpoint
  audit_endpoint          = azurerm_storage_account.audit.primary_blob_endpoint
  workspace               = var.telemetry_workspace == "" ? azurerm_log_analytics_workspace.slipway.workspace_id : var.telemetry_workspace
  vault_uri               = azurerm_key_vault.slipway.vault_uri
  configuration_endpoint  = azurerm_app_configuration.slipway.endpoint
}

resource "azurerm_resource_group" "slipway" {
  name     = module.conventions.names.group
  location = var.location
}

# Outlives the site, so rights given to it on targets survive a new site.
resource "azurerm_user_assigned_identity" "run" {
  name                = module.conventions.names.run
  resource_group_name = azurerm_resource_group.slipway.name
  location            = var.location
}
