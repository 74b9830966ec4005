# The workbook that shows how Slipway itself is doing.
resource "azurerm_application_insights_workbook" "slipway" {
  name                = uuidv5("url", azurerm_log_analytics_workspace.slipway.id)
  resource_group_name = azurerm_resource_group.slipway.name
  location            = var.location
  display_name        = "Slipway"
  # The provider wants the workspace's id in lower case.
  source_id = lower(azurerm_log_analytics_workspace.slipway.id)
  data_json = file("${path.module}/../workbook.json")
}
