# The account of the Functions host: its leases, the deployed package, and Slipway's rows (Azure Tables).
resource "azurerm_storage_account" "host" {
  # checkov:skip=CKV_AZURE_59: said of private_network: it shuts public access; without it identity is the only door
  # checkov:skip=CKV_AZURE_35: said of private_network: it shuts public access; without it identity is the only door
  # checkov:skip=CKV_AZURE_206: storage_redundancy, ZRS unless said otherwise
  # checkov:skip=CKV_AZURE_33: Slipway uses no queues of this account, but where it keeps the histories there
  # checkov:skip=CKV2_AZURE_33: comes with private_network (network.tf)
  # checkov:skip=CKV2_AZURE_1: keys of the platform are enough: names, versions and evidence are kept here, no personal or payment data
  name                             = module.conventions.names.host_storage
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

  blob_properties {
    delete_retention_policy {
      days = 7
    }
    container_delete_retention_policy {
      days = 7
    }
  }
}

resource "azurerm_storage_container" "packages" {
  # checkov:skip=CKV2_AZURE_21: who reads is a diagnostic setting of the account, for those who ask; what is written proves itself
  name                  = module.conventions.packages_container
  storage_account_id    = azurerm_storage_account.host.id
  container_access_type = "private"
}
