# Every setting of the app, the same as in ../../../azure/main.bicep. Slipway's own are those of slipway/settings.py.
locals {
  scheduler_connection = "Endpoint=${var.scheduler_endpoint};Authentication=ManagedIdentity;ClientID=${var.run_client_id}"

  settings = {
    AzureWebJobsStorage__accountName          = local.names.host_storage
    AzureWebJobsStorage__credential           = "managedidentity"
    AzureWebJobsStorage__clientId             = var.run_client_id
    APPLICATIONINSIGHTS_CONNECTION_STRING     = var.insights_connection
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=${var.run_client_id};Authorization=AAD"
    TASKHUB_NAME                              = local.hub_name
    DURABLE_TASK_SCHEDULER_CONNECTION_STRING  = var.on_scheduler ? local.scheduler_connection : ""
    SERVICEBUS__fullyQualifiedNamespace       = "${local.names.namespace}.servicebus.windows.net"
    SERVICEBUS__credential                    = "managedidentity"
    SERVICEBUS__clientId                      = var.run_client_id
    AZURE_CLIENT_ID                           = var.run_client_id
    SLIPWAY_TABLES_ENDPOINT                   = var.table_endpoint
    SLIPWAY_BLOBS_ENDPOINT                    = var.audit_endpoint
    SLIPWAY_AUDIT_CONTAINER                   = local.audit_container
    SLIPWAY_EVIDENCE_CONTAINER                = local.evidence_container
    SLIPWAY_EVIDENCE_HOSTS                    = var.evidence_hosts
    SLIPWAY_WORKSPACE                         = var.workspace
    SLIPWAY_VAULT                             = var.vault_uri
    SLIPWAY_AUDIT_KEY                         = "${var.vault_uri}keys/${local.audit_key}"
    SLIPWAY_APP_CONFIGURATION                 = var.configuration_endpoint
    SLIPWAY_AZURE_DEVOPS_HOOK_SECRET          = local.azure_devops_hook_secret
    SLIPWAY_GITHUB_HOOK_SECRET                = local.github_hook_secret
    SLIPWAY_PIPELINES                         = var.pipelines_folder
    SLIPWAY_POLICIES                          = var.policies_folder
    SLIPWAY_PEOPLE                            = var.people_file
    SLIPWAY_TENANT                            = var.tenant_id
    SLIPWAY_AUDIENCE                          = var.application_id
    # The client id of the identity `auth`: App Service signs in with it in the application's name.
    OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID = var.auth_identity_client_id
    WEBSITE_AUTH_AAD_ALLOWED_TENANTS       = var.tenant_id
  }
}

output "settings" {
  value = local.settings
}
