# Premium alone has private endpoints.
resource "azurerm_servicebus_namespace" "slipway" {
  # checkov:skip=CKV_AZURE_202: the namespace calls nobody, so it needs no identity
  # checkov:skip=CKV_AZURE_201: keys of the platform are enough: names, versions and evidence are kept here, no personal or payment data
  # checkov:skip=CKV_AZURE_199: Premium only, with a key of one's own
  # checkov:skip=CKV_AZURE_204: said of private_network: it shuts public access; without it identity is the only door
  name                          = module.conventions.names.namespace
  resource_group_name           = azurerm_resource_group.slipway.name
  location                      = var.location
  sku                           = var.private_network ? "Premium" : "Standard"
  capacity                      = var.private_network ? 1 : 0
  premium_messaging_partitions  = var.private_network ? 1 : 0
  local_auth_enabled            = false
  minimum_tls_version           = "1.2"
  public_network_access_enabled = !var.private_network
}

resource "azurerm_servicebus_queue" "queue" {
  for_each = module.conventions.queues

  name                                 = each.key
  namespace_id                         = azurerm_servicebus_namespace.slipway.id
  requires_duplicate_detection         = each.value.requires_duplicate_detection
  requires_session                     = false
  partitioning_enabled                 = false
  lock_duration                        = each.value.lock_duration
  max_delivery_count                   = each.value.max_delivery_count
  default_message_ttl                  = each.value.default_message_ttl
  dead_lettering_on_message_expiration = each.value.dead_lettering_on_message_expiration
}

resource "azurerm_servicebus_topic" "topic" {
  for_each = module.conventions.topics

  name                         = each.key
  namespace_id                 = azurerm_servicebus_namespace.slipway.id
  requires_duplicate_detection = each.value.requires_duplicate_detection
  partitioning_enabled         = false
  support_ordering             = true
  max_size_in_megabytes        = each.value.max_size_in_megabytes
  default_message_ttl          = each.value.default_message_ttl
}

resource "azurerm_servicebus_subscription" "subscription" {
  for_each = module.conventions.subscriptions

  name                                 = each.key
  topic_id                             = azurerm_servicebus_topic.topic[each.value.topic].id
  requires_session                     = false
  lock_duration                        = each.value.lock_duration
  max_delivery_count                   = each.value.max_delivery_count
  default_message_ttl                  = each.value.default_message_ttl
  dead_lettering_on_message_expiration = each.value.dead_lettering_on_message_expiration
}

# In the place of the rule that every subscription is born with, which lets everything pass: by azapi, since azurerm
# makes rules and this one is there already.
resource "azapi_update_resource" "only_reported" {
  type        = "Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2024-01-01"
  resource_id = "${azurerm_servicebus_subscription.subscription["reports"].id}/rules/$Default"

  body = {
    properties = {
      filterType = "SqlFilter"
      sqlFilter = {
        sqlExpression = "reported = 'yes' AND action LIKE 'stage.%'"
      }
    }
  }
}
