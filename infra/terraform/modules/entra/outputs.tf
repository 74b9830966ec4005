output "client_id" {
  value = azuread_application.slipway.client_id
}

output "object_id" {
  value = azuread_application.slipway.object_id
}

output "id" {
  description = "The application as the provider names it, for its redirect URIs."
  value       = azuread_application.slipway.id
}
