"""What is handed on: parameters to modules and resources, outputs to people, and what a private network shuts."""

from tests.infra.wanted import Row
from tests.infra.wiring import NOTHING

MAIN, ENTRA = "azure/main.bicep", "entra/main.bicep"

# What main.bicep passes to a module under another name than its own; wanted_*.py has what comes of a condition.
PASSED: dict[str, str] = {
    "run name": "'id-slipway-run-${token}'",
    "monitoring name": "'slipway-${token}'",
    "monitoring retentionInDays": "logRetentionDays",
    "storage name": "hostStorageName",
    "storage sku": "storageSku",
    "audit sku": "storageSku",
    "audit container": "auditContainer",
    "audit retentionInDays": "auditRetentionDays",
    "audit locked": "auditLocked",
    "messaging name": "namespaceName",
    "scheduler name": "schedulerName",
    "scheduler sku": "schedulerSku",
    "scheduler capacity": "schedulerCapacity",
    "scheduler ipAllowlist": "schedulerIpAllowlist",
    "vault name": "vaultName",
    "vault auditKeyName": "auditKeyName",
    "vault softDeleteRetentionInDays": "vaultRetentionDays",
    "configuration name": "configurationName",
    "roles storageName": "storage.outputs.name",
    "roles auditName": "audit.outputs.name",
    "roles namespaceName": "messaging.outputs.name",
    "roles vaultName": "vault.outputs.name",
    "roles auditKeyName": "auditKeyName",
    "roles configurationName": "configuration.outputs.name",
    "roles insightsName": "monitoring.outputs.insightsName",
    "site name": "siteName",
    "actionGroup name": "'ag-slipway-${token}'",
    "queryAlerts rules": "loadJsonContent('../alerts.json')",
    "workbook workspaceId": "monitoring.outputs.workspaceId",
}

OUTPUTS: dict[str, tuple[str, str]] = {
    "AZURE_RESOURCE_GROUP": ("group.name", "azurerm_resource_group.slipway.name"),
    "SLIPWAY_APPLICATION_ID": ("application.outputs.clientId", "local.application_id"),
    "SLIPWAY_APPLICATION_OBJECT_ID": (
        "application.outputs.objectId",
        "local.own_entra ? module.entra[0].object_id : var.application_object_id",
    ),
    "SLIPWAY_APPLICATION_URI": ("identifierUri", "var.identifier_uri"),
    "SLIPWAY_AUTH_IDENTITY_CLIENT_ID": ("identity.outputs.clientId", NOTHING),
    "SLIPWAY_AUTH_IDENTITY_ID": ("identity.outputs.id", NOTHING),
    "SLIPWAY_AUDIT_ACCOUNT": ("audit.outputs.name", "azurerm_storage_account.audit.name"),
    "SLIPWAY_AUDIT_CONTAINER": ("auditContainer", "module.conventions.audit_container"),
    "SLIPWAY_CONFIGURATION_ENDPOINT": ("configuration.outputs.endpoint", "azurerm_app_configuration.slipway.endpoint"),
    "SLIPWAY_DURABLE_BACKEND": ("durableBackend", "var.durable_backend"),
    "SLIPWAY_HOST_NAME": ("site.outputs.hostName", "local.host_name"),
    "SLIPWAY_NAMESPACE": ("messaging.outputs.name", "azurerm_servicebus_namespace.slipway.name"),
    "SLIPWAY_NAMESPACE_ID": ("messaging.outputs.id", "azurerm_servicebus_namespace.slipway.id"),
    "SLIPWAY_PRINCIPAL_ID": ("run.outputs.principalId", "azurerm_user_assigned_identity.run.principal_id"),
    "SLIPWAY_SITE_NAME": ("site.outputs.name", "module.conventions.names.site"),
    "SLIPWAY_URL": ("'https://${site.outputs.hostName}'", '"https://${local.host_name}"'),
    "SLIPWAY_VAULT_NAME": ("vault.outputs.name", "azurerm_key_vault.slipway.name"),
}

SHUT, DENIED = "privateNetwork ? 'Disabled' : 'Enabled'", "privateNetwork ? 'Deny' : 'Allow'"
TF_SHUT, TF_DENIED = "!var.private_network", 'var.private_network ? "Deny" : "Allow"'
TF_STORES = {
    "storage": ("account", "azurerm_storage_account.host"),
    "audit": ("account", "azurerm_storage_account.audit"),
    "messaging": ("namespace", "azurerm_servicebus_namespace.slipway"),
}
SCALE = "properties.functionAppConfig.scaleAndConcurrency"

CLOSED = [
    *(
        Row(
            f"{module} is shut by a private network and by nothing else",
            f"modules/{module}.bicep resource {ours} properties.publicNetworkAccess",
            SHUT,
            f". resource {theirs} public_network_access_enabled",
            TF_SHUT,
        )
        for module, (ours, theirs) in TF_STORES.items()
    ),
    *(
        Row(
            f"{module} denies everybody else then",
            f"modules/{module}.bicep resource {ours} properties.networkAcls.defaultAction",
            DENIED,
            f". resource {theirs} {rules}.default_action",
            TF_DENIED,
        )
        for module, ours, theirs, rules in (
            ("storage", "account", "azurerm_storage_account.host", "network_rules"),
            ("audit", "account", "azurerm_storage_account.audit", "network_rules"),
            ("vault", "vault", "azurerm_key_vault.slipway", "network_acls"),
        )
    ),
    Row(
        "the vault is shut by it",
        "modules/vault.bicep var publicAccess",
        SHUT,
        ". resource azurerm_key_vault.slipway public_network_access_enabled",
        TF_SHUT,
    ),
    Row("and is that", "modules/vault.bicep resource vault properties.publicNetworkAccess", "publicAccess"),
    Row(
        "App Configuration is shut by it",
        "modules/configuration.bicep resource store properties.publicNetworkAccess",
        SHUT,
        ". resource azurerm_app_configuration.slipway public_network_access",
        'var.private_network ? "Disabled" : "Enabled"',
    ),
    Row(
        "the scheduler is shut by it",
        "modules/scheduler.bicep resource scheduler properties.publicNetworkAccess",
        SHUT,
        ". resource azapi_resource.scheduler body.properties.publicNetworkAccess",
        'var.private_network ? "Disabled" : "Enabled"',
    ),
]

HANDED_ON = [
    *(
        Row(
            f"{what} is the parameter's",
            f"modules/{module}.bicep resource {ours}",
            bicep,
            f". resource {theirs}",
            terraform,
        )
        for what, module, ours, bicep, theirs, terraform in (
            ("what the audit trail keeps", "audit", "immutability properties.immutabilityPeriodSinceCreationInDays",
             "retentionInDays", "azurerm_storage_container_immutability_policy.audit immutability_period_in_days",
             "var.audit_retention_days"),
            ("redundancy of the host's account", "storage", "account sku", "{name: sku}",
             "azurerm_storage_account.host account_replication_type", "var.storage_redundancy"),
            ("redundancy of the audit trail's", "audit", "account sku", "{name: sku}",
             "azurerm_storage_account.audit account_replication_type", "var.storage_redundancy"),
            ("what the vault keeps", "vault", "vault properties.softDeleteRetentionInDays", "softDeleteRetentionInDays",
             "azurerm_key_vault.slipway soft_delete_retention_days", "var.vault_retention_days"),
            ("what logs keep", "monitoring", "workspace properties.retentionInDays", "retentionInDays",
             "azurerm_log_analytics_workspace.slipway retention_in_days", "var.log_retention_days"),
            ("who may call the scheduler", "scheduler", "scheduler properties.ipAllowlist", "ipAllowlist",
             "azapi_resource.scheduler body.properties.ipAllowlist", "var.scheduler_ip_allowlist"),
            ("memory of an instance", "site", f"site {SCALE}.instanceMemoryMB", "instanceMemoryMB",
             f"azapi_resource.site body.{SCALE}.instanceMemoryMB", "var.instance_memory_mb"),
            ("the most instances", "site", f"site {SCALE}.maximumInstanceCount", "maximumInstances",
             f"azapi_resource.site body.{SCALE}.maximumInstanceCount", "var.maximum_instances"),
            ("instances that never sleep", "site", f"site {SCALE}.alwaysReady", "alwaysReady",
             f"azapi_resource.site body.{SCALE}.alwaysReady", "var.always_ready"),
            ("how it is updated", "site", "site properties.functionAppConfig.siteUpdateStrategy.type",
             "siteUpdateStrategy", "azapi_resource.site body.properties.functionAppConfig.siteUpdateStrategy.type",
             "var.site_update_strategy"),
            ("its Python", "site", "site properties.functionAppConfig.runtime.version", "pythonVersion",
             "azapi_resource.site body.properties.functionAppConfig.runtime.version", "var.python_version"),
        )
    ),
    Row(
        "a locked policy is locked by whoever says so",
        "modules/audit.bicep resource immutability if",
        "!locked",
        ". resource azurerm_storage_container_immutability_policy.audit locked",
        "var.audit_locked",
    ),
]  # fmt: skip

ON = [*CLOSED, *HANDED_ON]
