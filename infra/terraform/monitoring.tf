# Where Slipway's own telemetry goes, and by default that of the services whose canaries it judges.
resource "azurerm_log_analytics_workspace" "slipway" {
  name                            = module.conventions.names.workspace
  resource_group_name             = azurerm_resource_group.slipway.name
  location                        = var.location
  sku                             = "PerGB2018"
  retention_in_days               = var.log_retention_days
  local_authentication_enabled    = false
  allow_resource_only_permissions = true
}

resource "azurerm_application_insights" "slipway" {
  name                         = module.conventions.names.insights
  resource_group_name          = azurerm_resource_group.slipway.name
  location                     = var.location
  application_type             = "web"
  workspace_id                 = azurerm_log_analytics_workspace.slipway.id
  local_authentication_enabled = false
}
