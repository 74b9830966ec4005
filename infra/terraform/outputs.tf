output "AZURE_RESOURCE_GROUP" {
  value = azurerm_resource_group.slipway.name
}

output "SLIPWAY_APPLICATION_ID" {
  value = local.application_id
}

output "SLIPWAY_APPLICATION_OBJECT_ID" {
  description = "The same as directory object, by which a secure webhook names it."
  value       = local.own_entra ? module.entra[0].object_id : var.application_object_id
}

output "SLIPWAY_APPLICATION_URI" {
  value = var.identifier_uri
}

output "SLIPWAY_SITE_NAME" {
  value = module.conventions.names.site
}

output "SLIPWAY_HOST_NAME" {
  value = local.host_name
}

output "SLIPWAY_URL" {
  value = "https://${local.host_name}"
}

output "SLIPWAY_PRINCIPAL_ID" {
  description = "Whom to give rights on the targets that Slipway releases to."
  value       = azurerm_user_assigned_identity.run.principal_id
}

output "SLIPWAY_NAMESPACE" {
  value = azurerm_servicebus_namespace.slipway.name
}

output "SLIPWAY_NAMESPACE_ID" {
  value = azurerm_servicebus_namespace.slipway.id
}

output "SLIPWAY_AUDIT_ACCOUNT" {
  value = azurerm_storage_account.audit.name
}

output "SLIPWAY_AUDIT_CONTAINER" {
  value = module.conventions.audit_container
}

output "SLIPWAY_VAULT_NAME" {
  value = azurerm_key_vault.slipway.name
}

output "SLIPWAY_CONFIGURATION_ENDPOINT" {
  value = azurerm_app_configuration.slipway.endpoint
}

output "SLIPWAY_DURABLE_BACKEND" {
  value = var.durable_backend
}
