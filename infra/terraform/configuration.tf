# Feature flags and labelled settings of the services that Slipway releases.
# Its identity reads and writes them (roles.tf): Azure has no role for flags alone. Private endpoints begin with standard.
resource "azurerm_app_configuration" "slipway" {
  # checkov:skip=CKV_AZURE_185: said of private_network: it shuts public access; without it identity is the only door
  # checkov:skip=CKV_AZURE_188: configuration_sku: applications keep the flags that they have read last
  # checkov:skip=CKV_AZURE_186: keys of the platform are enough: names, versions and evidence are kept here, no personal or payment data
  # checkov:skip=CKV_AZURE_187: on from standard, which alone has it
  name                                 = module.conventions.names.configuration
  resource_group_name                  = azurerm_resource_group.slipway.name
  location                             = var.location
  sku                                  = var.private_network && var.configuration_sku != "premium" ? "standard" : var.configuration_sku
  local_auth_enabled                   = false
  data_plane_proxy_authentication_mode = "Pass-through"
  purge_protection_enabled             = var.private_network || contains(["standard", "premium"], var.configuration_sku)
  public_network_access                = var.private_network ? "Disabled" : "Enabled"
}
