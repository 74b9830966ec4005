# Durable Task Scheduler, by azapi: azurerm knows no such resource.
resource "azapi_resource" "scheduler" {
  count     = local.on_scheduler ? 1 : 0
  type      = "Microsoft.DurableTask/schedulers@2026-02-01"
  name      = module.conventions.names.scheduler
  parent_id = azurerm_resource_group.slipway.id
  location  = var.location

  body = {
    properties = {
      sku                 = merge({ name = var.scheduler_sku }, var.scheduler_sku == "Dedicated" ? { capacity = var.scheduler_capacity } : {})
      ipAllowlist         = var.scheduler_ip_allowlist
      publicNetworkAccess = var.private_network ? "Disabled" : "Enabled"
    }
  }

  response_export_values = ["properties.endpoint"]
}

resource "azapi_resource" "hub" {
  count     = local.on_scheduler ? 1 : 0
  type      = "Microsoft.DurableTask/schedulers/taskHubs@2026-02-01"
  name      = module.conventions.hub_name
  parent_id = azapi_resource.scheduler[0].id

  body = {
    properties = {}
  }
}
