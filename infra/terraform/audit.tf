# The audit trail: an account of its own, so that its retention and its lock touch nothing else.
resource "azurerm_storage_account" "audit" {
  name                             = module.conventions.names.audit_storage
  resource_group_name              = azurerm_resource_group.slipway.name
  location                         = var.location
  account_kind                     = "StorageV2"
  account_tier                     = "Standard"
  account_replication_type         = var.storage_redundancy
  access_tier                      = "Hot"
  shared_access_key_enabled        = false
  default_to_oauth_authentication  = true
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false
  min_tls_version                  = "TLS1_2"
  https_traffic_only_enabled       = true
  public_network_access_enabled    = !var.private_network

  network_rules {
    bypass         = ["AzureServices"]
    default_action = var.private_network ? "Deny" : "Allow"
  }
}

resource "azurerm_storage_container" "audit" {
  name                  = module.conventions.audit_container
  storage_account_id    = azurerm_storage_account.audit.id
  container_access_type = "private"
}

resource "azurerm_storage_container_immutability_policy" "audit" {
  storage_container_resource_manager_id = azurerm_storage_container.audit.id
  immutability_period_in_days           = var.audit_retention_days
  # Append blobs may still grow at their end: that is all that the audit trail does.
  protected_append_writes_enabled = true
  # The lock cannot be undone: a person turns it, not a template (docs/deploy.md).
  locked = false
}
