# The audit trail: an account of its own, so that its retention and its lock touch nothing else.
resource "azurerm_storage_account" "audit" {
  # checkov:skip=CKV_AZURE_59: said of private_network: it shuts public access; without it identity is the only door
  # checkov:skip=CKV_AZURE_35: said of private_network: it shuts public access; without it identity is the only door
  # checkov:skip=CKV_AZURE_206: storage_redundancy, ZRS unless said otherwise
  # checkov:skip=CKV_AZURE_33: nothing uses queues here
  # checkov:skip=CKV2_AZURE_33: comes with private_network (network.tf)
  # checkov:skip=CKV2_AZURE_1: keys of the platform are enough: names, versions and evidence are kept here, no personal or payment data
  # checkov:skip=CKV2_AZURE_38: an immutability policy is stronger than a bin
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
  # checkov:skip=CKV2_AZURE_21: who reads is a diagnostic setting of the account, for those who ask; what is written proves itself
  name                  = module.conventions.audit_container
  storage_account_id    = azurerm_storage_account.audit.id
  container_access_type = "private"
}

# What is kept of releases, to compare the next one with. Each blob is named by what it holds, so a change shows.
resource "azurerm_storage_container" "evidence" {
  # checkov:skip=CKV2_AZURE_21: who reads is a diagnostic setting of the account, for those who ask; what is kept proves itself
  name                  = module.conventions.evidence_container
  storage_account_id    = azurerm_storage_account.audit.id
  container_access_type = "private"
}

resource "azurerm_storage_container_immutability_policy" "audit" {
  storage_container_resource_manager_id = azurerm_storage_container.audit.id
  immutability_period_in_days           = var.audit_retention_days
  # Append blobs may still grow at their end: that is all that the audit trail does.
  protected_append_writes_enabled = true
  # Cannot be undone: a person says so.
  locked = var.audit_locked
}
