"""What every setting, grant and parameter of infra has to be, in Bicep and in Terraform beside each other.

Two languages that agree may be wrong together, and names that are all there may hold each other's values: this is the
table that both are compared with; wanted_doors.py and wanted_conditions.py go on with it. wiring.py says how addresses
and spellings read.
"""

from typing import NamedTuple

from tests.infra.wiring import NOTHING

RUN = ("run.outputs.clientId", "azurerm_user_assigned_identity.run.client_id")
IDENTITY = ('"managedidentity"', '"managedidentity"')
TENANT = ("tenant().tenantId", "data.azurerm_client_config.me.tenant_id")

SETTINGS: dict[str, tuple[str, str]] = {
    "AzureWebJobsStorage__accountName": ("storage.outputs.name", "local.names.host_storage"),
    "AzureWebJobsStorage__credential": IDENTITY,
    "AzureWebJobsStorage__clientId": RUN,
    "APPLICATIONINSIGHTS_CONNECTION_STRING": (
        "monitoring.outputs.insightsConnection",
        "azurerm_application_insights.slipway.connection_string",
    ),
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": (
        f"'ClientId=${{{RUN[0]}}};Authorization=AAD'",
        f'"ClientId=${{{RUN[1]}}};Authorization=AAD"',
    ),
    "TASKHUB_NAME": ("hubName", "local.hub_name"),
    "DURABLE_TASK_SCHEDULER_CONNECTION_STRING": (
        "onScheduler ? schedulerConnection : ''",
        'local.on_scheduler ? "Endpoint=${local.on_scheduler ? '
        'azapi_resource.scheduler[0].output.properties.endpoint : ""}'
        f';Authentication=ManagedIdentity;ClientID=${{{RUN[1]}}}" : ""',
    ),
    "SERVICEBUS__fullyQualifiedNamespace": (
        "messaging.outputs.hostName",
        '"${local.names.namespace}.servicebus.windows.net"',
    ),
    "SERVICEBUS__credential": IDENTITY,
    "SERVICEBUS__clientId": RUN,
    "AZURE_CLIENT_ID": RUN,
    "SLIPWAY_TABLES_ENDPOINT": ("storage.outputs.tableEndpoint", "azurerm_storage_account.host.primary_table_endpoint"),
    "SLIPWAY_BLOBS_ENDPOINT": ("audit.outputs.blobEndpoint", "azurerm_storage_account.audit.primary_blob_endpoint"),
    "SLIPWAY_AUDIT_CONTAINER": ("auditContainer", "local.audit_container"),
    "SLIPWAY_EVIDENCE_CONTAINER": ("evidenceContainer", "local.evidence_container"),
    "SLIPWAY_EVIDENCE_HOSTS": ("evidenceHosts", "var.evidence_hosts"),
    "SLIPWAY_WORKSPACE": (
        "empty(telemetryWorkspace) ? monitoring.outputs.workspaceCustomerId : telemetryWorkspace",
        'var.telemetry_workspace == "" ? azurerm_log_analytics_workspace.slipway.workspace_id : '
        "var.telemetry_workspace",
    ),
    "SLIPWAY_VAULT": ("vault.outputs.uri", "azurerm_key_vault.slipway.vault_uri"),
    "SLIPWAY_AUDIT_KEY": ("vault.outputs.auditKey", '"${azurerm_key_vault.slipway.vault_uri}keys/${local.audit_key}"'),
    "SLIPWAY_APP_CONFIGURATION": ("configuration.outputs.endpoint", "azurerm_app_configuration.slipway.endpoint"),
    "SLIPWAY_AZURE_DEVOPS_HOOK_SECRET": ("azureDevOpsHookSecret", "local.azure_devops_hook_secret"),
    "SLIPWAY_GITHUB_HOOK_SECRET": ("gitHubHookSecret", "local.github_hook_secret"),
    "SLIPWAY_PIPELINES": ("pipelinesFolder", "var.pipelines_folder"),
    "SLIPWAY_POLICIES": ("policiesFolder", "var.policies_folder"),
    "SLIPWAY_PEOPLE": ("peopleFile", "var.people_file"),
    "SLIPWAY_TENANT": TENANT,
    "SLIPWAY_AUDIENCE": ("applicationId", "local.application_id"),
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": ("authIdentityClientId", "local.auth_identity_client_id"),
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS": TENANT,
}

ALWAYS, ON_STORAGE, ON_HUB, ON_LOGS = NOTHING, "empty(schedulerName)", "!empty(schedulerName)", "!empty(workspaceName)"
# By the assignment's name as Terraform has it: its scope in both, and when Bicep makes it.
GRANTS: dict[str, tuple[str, str, str]] = {
    "host_blobs": ("storage", "azurerm_storage_account.host.id", ALWAYS),
    "host_tables": ("storage", "azurerm_storage_account.host.id", ALWAYS),
    "host_queues": ("storage", "azurerm_storage_account.host.id", ON_STORAGE),
    "audit_blobs": ("chains", "azurerm_storage_container.audit.id", ALWAYS),
    "evidence_blobs": ("evidence", "azurerm_storage_container.evidence.id", ALWAYS),
    "builds_receiver": ("builds", 'azurerm_servicebus_queue.queue["builds"].id', ALWAYS),
    "builds_sender": ("builds", 'azurerm_servicebus_queue.queue["builds"].id', ALWAYS),
    "rejected_sender": ("rejected", 'azurerm_servicebus_queue.queue["builds-rejected"].id', ALWAYS),
    "rejected_receiver": ("rejected", 'azurerm_servicebus_queue.queue["builds-rejected"].id', ALWAYS),
    "reports_receiver": ("reports", 'azurerm_servicebus_subscription.subscription["reports"].id', ALWAYS),
    "promotions_sender": ("promotions", 'azurerm_servicebus_topic.topic["promotions"].id', ALWAYS),
    "hub_contributor": ("hub", "hub.id", ON_HUB),
    "vault_reader": ("vault", "azurerm_key_vault.slipway.id", ALWAYS),
    "audit_signer": ("auditKey", "azapi_resource_action.audit_key.resource_id", ALWAYS),
    "flag_writer": ("configuration", "azurerm_app_configuration.slipway.id", ALWAYS),
    "telemetry_sender": ("insights", "azurerm_application_insights.slipway.id", ALWAYS),
    "telemetry_reader": ("workspace", "azurerm_log_analytics_workspace.slipway.id", ON_LOGS),
}


class Row(NamedTuple):
    """`what` holds when Bicep says `bicep` at `there` and, where there is a `too`, Terraform `terraform` at that."""

    what: str
    there: str
    bicep: str
    too: str = ""
    terraform: str = ""


# The variable of azd's environment behind every parameter of a layer.
VARIABLES: dict[str, dict[str, str]] = {
    "entra": {
        "environmentName": "AZURE_ENV_NAME",
        "location": "AZURE_LOCATION",
        "identifierUri": "SLIPWAY_IDENTIFIER_URI",
        "adminPrincipalId": "AZURE_PRINCIPAL_ID",
        "pipelineRoles": "SLIPWAY_PIPELINE_ROLES",
        "siteHostName": "SLIPWAY_REDIRECT_HOST",
    },
    "azure": {
        "environmentName": "AZURE_ENV_NAME",
        "location": "AZURE_LOCATION",
        "applicationId": "SLIPWAY_APPLICATION_ID",
        "authIdentityId": "SLIPWAY_AUTH_IDENTITY_ID",
        "authIdentityClientId": "SLIPWAY_AUTH_IDENTITY_CLIENT_ID",
        "callers": "SLIPWAY_CALLERS",
        "durableBackend": "SLIPWAY_BACKEND",
        "schedulerSku": "SLIPWAY_SCHEDULER_SKU",
        "privateNetwork": "SLIPWAY_PRIVATE_NETWORK",
        "storageSku": "SLIPWAY_STORAGE_SKU",
        "auditRetentionDays": "SLIPWAY_AUDIT_RETENTION_DAYS",
        "auditLocked": "SLIPWAY_AUDIT_LOCKED",
        "vaultRetentionDays": "SLIPWAY_VAULT_RETENTION_DAYS",
        "configurationSku": "SLIPWAY_CONFIGURATION_SKU",
        "telemetryWorkspace": "SLIPWAY_TELEMETRY_WORKSPACE",
        "pipelinesFolder": "SLIPWAY_PIPELINES_FOLDER",
        "policiesFolder": "SLIPWAY_POLICIES_FOLDER",
        "peopleFile": "SLIPWAY_PEOPLE_FILE",
        "evidenceHosts": "SLIPWAY_EVIDENCE_HOSTS",
        "alertEmail": "SLIPWAY_ALERT_EMAIL",
        "maximumInstances": "SLIPWAY_MAXIMUM_INSTANCES",
        "alwaysReady": "SLIPWAY_ALWAYS_READY",
        "siteUpdateStrategy": "SLIPWAY_UPDATE_STRATEGY",
    },
}
