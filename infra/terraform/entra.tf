# The application and the identity that stands in for its secret; both come from outside when application_id is given.
resource "azurerm_user_assigned_identity" "auth" {
  count               = local.own_entra ? 1 : 0
  name                = module.conventions.names.auth
  resource_group_name = azurerm_resource_group.slipway.name
  location            = var.location
}

module "entra" {
  source = "./modules/entra"
  count  = local.own_entra ? 1 : 0

  display_name       = "Slipway ${var.environment_name}"
  identifier_uri     = var.identifier_uri
  tenant_id          = data.azurerm_client_config.me.tenant_id
  auth_principal_id  = azurerm_user_assigned_identity.auth[0].principal_id
  admin_principal_id = var.admin_principal_id
  pipeline_roles     = var.pipeline_roles
}

# Beside the application, not in it: the address is known after the site, the site wants the application first.
resource "azuread_application_redirect_uris" "site" {
  count          = local.own_entra ? 1 : 0
  application_id = module.entra[0].id
  type           = "Web"
  redirect_uris  = ["https://${local.host_name}/.auth/login/aad/callback"]
}

locals {
  application_id          = local.own_entra ? module.entra[0].client_id : var.application_id
  auth_identity_id        = local.own_entra ? azurerm_user_assigned_identity.auth[0].id : var.auth_identity_id
  auth_identity_client_id = local.own_entra ? azurerm_user_assigned_identity.auth[0].client_id : var.auth_identity_client_id
}
