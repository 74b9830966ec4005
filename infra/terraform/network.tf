# The private network: a subnet for the app's calls, one for private endpoints, and a DNS zone a kind of endpoint.
locals {
  targets = var.private_network ? merge(
    {
      host-blob     = { id = azurerm_storage_account.host.id, kind = "blob", zone = "privatelink.blob.core.windows.net" }
      host-queue    = { id = azurerm_storage_account.host.id, kind = "queue", zone = "privatelink.queue.core.windows.net" }
      host-table    = { id = azurerm_storage_account.host.id, kind = "table", zone = "privatelink.table.core.windows.net" }
      audit-blob    = { id = azurerm_storage_account.audit.id, kind = "blob", zone = "privatelink.blob.core.windows.net" }
      messaging     = { id = azurerm_servicebus_namespace.slipway.id, kind = "namespace", zone = "privatelink.servicebus.windows.net" }
      vault         = { id = azurerm_key_vault.slipway.id, kind = "vault", zone = "privatelink.vaultcore.azure.net" }
      configuration = { id = azurerm_app_configuration.slipway.id, kind = "configurationStores", zone = "privatelink.azconfig.io" }
    },
    { for scheduler in azapi_resource.scheduler : "scheduler" => { id = scheduler.id, kind = "scheduler", zone = "privatelink.durabletask.io" } },
  ) : {}
  zones = toset([for target in local.targets : target.zone])
}

resource "azurerm_virtual_network" "slipway" {
  count               = var.private_network ? 1 : 0
  name                = module.conventions.names.network
  resource_group_name = azurerm_resource_group.slipway.name
  location            = var.location
  address_space       = ["10.20.0.0/24"]
}

# Flex Consumption takes about 40 addresses an app. No underscore in the name, no other plan or Container App.
resource "azurerm_subnet" "app" {
  # checkov:skip=CKV2_AZURE_31: nothing comes in: Flex Consumption calls out of this subnet only
  count                = var.private_network ? 1 : 0
  name                 = "app"
  resource_group_name  = azurerm_resource_group.slipway.name
  virtual_network_name = azurerm_virtual_network.slipway[0].name
  address_prefixes     = ["10.20.0.0/26"]

  # Deployments sync triggers with the site itself: that call must leave the subnet.
  service_endpoint {
    service = "Microsoft.Web"
  }

  delegation {
    name = "flex"
    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  # checkov:skip=CKV2_AZURE_31: only private endpoints are here, and each asks for a token
  count                             = var.private_network ? 1 : 0
  name                              = "endpoints"
  resource_group_name               = azurerm_resource_group.slipway.name
  virtual_network_name              = azurerm_virtual_network.slipway[0].name
  address_prefixes                  = ["10.20.0.64/26"]
  private_endpoint_network_policies = "Disabled"
}

resource "azurerm_private_dns_zone" "zone" {
  for_each            = local.zones
  name                = each.key
  resource_group_name = azurerm_resource_group.slipway.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "link" {
  for_each             = local.zones
  name                 = "slipway"
  private_dns_zone_id  = azurerm_private_dns_zone.zone[each.key].id
  virtual_network_id   = azurerm_virtual_network.slipway[0].id
  registration_enabled = false
}

resource "azurerm_private_endpoint" "endpoint" {
  for_each            = local.targets
  name                = "pe-${each.key}-${local.token}"
  resource_group_name = azurerm_resource_group.slipway.name
  location            = var.location
  subnet_id           = azurerm_subnet.endpoints[0].id

  private_service_connection {
    name                           = each.value.kind
    private_connection_resource_id = each.value.id
    subresource_names              = [each.value.kind]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "default"
    private_dns_zone_ids = [azurerm_private_dns_zone.zone[each.value.zone].id]
  }
}
