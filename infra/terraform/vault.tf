# Values of headers that health checks and load tests send, and the key that signs the audit trail's checkpoints.
# Slipway reads secrets and writes none; the key's private half never leaves the vault.
resource "azurerm_key_vault" "slipway" {
  # checkov:skip=CKV_AZURE_109: said of private_network: it shuts public access; without it identity is the only door
  # checkov:skip=CKV_AZURE_189: said of private_network: it shuts public access; without it identity is the only door
  # checkov:skip=CKV2_AZURE_32: comes with private_network (network.tf)
  name                          = module.conventions.names.vault
  resource_group_name           = azurerm_resource_group.slipway.name
  location                      = var.location
  tenant_id                     = data.azurerm_client_config.me.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  soft_delete_retention_days    = var.vault_retention_days
  purge_protection_enabled      = true
  public_network_access_enabled = !var.private_network

  network_acls {
    bypass         = "AzureServices"
    default_action = var.private_network ? "Deny" : "Allow"
  }
}

# Made once: a later apply finds it and leaves it as it is. Rotation is a person's or a policy's (docs/audit.md).
# By Resource Manager, so that whoever deploys needs no rights on keys; it knows no way to delete one, so neither do we.
resource "azapi_resource_action" "audit_key" {
  type        = "Microsoft.KeyVault/vaults/keys@2024-11-01"
  resource_id = "${azurerm_key_vault.slipway.id}/keys/${module.conventions.audit_key}"
  method      = "PUT"

  body = {
    properties = {
      kty       = "EC"
      curveName = "P-256"
      keyOps    = ["sign", "verify"]
    }
  }
}
