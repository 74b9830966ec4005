"""The table of values can fail: each of these mistakes, in one language or in both, is found and named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.test_wiring import (
    grants_amiss,
    outputs_amiss,
    passed_amiss,
    settings_amiss,
    variables_amiss,
    wiring_amiss,
)
from tests.infra.wiring import Infra

INFRA = Path(__file__).parents[2] / "infra"
Check = Callable[[Infra], list[str]]

MAIN, TF_SETTINGS = "azure/main.bicep", "terraform/modules/conventions/settings.tf"
SITE, SCHEDULER, MESSAGING = "modules/site.bicep", "modules/scheduler.bicep", "modules/messaging.bicep"
APPLICATION, ENTRA = "entra/application.bicep", "terraform/modules/entra/main.tf"
ROLES, TF_ROLES, TF_MAIN = "modules/roles.bicep", "terraform/roles.tf", "terraform/main.tf"
SIGN_IN, TF_SIGN_IN, TF_SITE = "modules/sign-in.bicep", "terraform/sign_in.tf", "terraform/site.tf"
TF_ALERTS, TF_SCHEDULER, TF_MESSAGING = "terraform/alerts.tf", "terraform/scheduler.tf", "terraform/messaging.tf"
PARAMETERS = "azure/main.parameters.json"

MISTAKES: list[tuple[Check, str, str, str, str]] = [
    # the check · file · there · instead · what is said
    # -- whose identity
    (
        settings_amiss,
        MAIN,
        "AZURE_CLIENT_ID: run.outputs.clientId",
        "AZURE_CLIENT_ID: authIdentityClientId",
        "AZURE_CLIENT_ID in Bicep",
    ),
    (
        settings_amiss,
        TF_SETTINGS,
        "AZURE_CLIENT_ID                           = var.run_client_id",
        "AZURE_CLIENT_ID = var.auth_identity_client_id",
        "AZURE_CLIENT_ID in Terraform",
    ),
    (
        settings_amiss,
        TF_MAIN,
        "= azurerm_user_assigned_identity.run.client_id",
        "= local.auth_identity_client_id",
        "AZURE_CLIENT_ID in Terraform",
    ),
    (settings_amiss, MAIN, "};Authorization=AAD'", "}'", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING in Bicep"),
    (
        settings_amiss,
        TF_SETTINGS,
        '};Authorization=AAD"',
        '}"',
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING in Terraform",
    ),
    (
        settings_amiss,
        MAIN,
        "AzureWebJobsStorage__credential: 'managedidentity'",
        "AzureWebJobsStorage__credential: 'managedIdentityX'",
        "AzureWebJobsStorage__credential in Bicep",
    ),
    (
        settings_amiss,
        TF_SETTINGS,
        '= "managedidentity"',
        '= "managedIdentityX"',
        "AzureWebJobsStorage__credential in Terraform",
    ),
    (
        settings_amiss,
        TF_SETTINGS,
        "Authentication=ManagedIdentity",
        "Authentication=DefaultAzure",
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING in Terraform",
    ),
    (
        wiring_amiss,
        MAIN,
        "Authentication=ManagedIdentity",
        "Authentication=DefaultAzure",
        "the scheduler is entered as the identity run",
    ),
    (
        wiring_amiss,
        SITE,
        "userAssignedIdentityResourceId: runIdentityId",
        "userAssignedIdentityResourceId: authIdentityId",
        "the package is fetched by the identity run",
    ),
    (
        wiring_amiss,
        TF_SITE,
        "userAssignedIdentityResourceId = azurerm_user_assigned_identity.run.id",
        "userAssignedIdentityResourceId = local.auth_identity_id",
        "the package is fetched by the identity run",
    ),
    (
        wiring_amiss,
        MAIN,
        "principalId: run.outputs.principalId",
        "principalId: authIdentityClientId",
        "roles are given to the identity run",
    ),
    (
        wiring_amiss,
        TF_ROLES,
        "azurerm_user_assigned_identity.run.principal_id",
        "azurerm_user_assigned_identity.auth[0].principal_id",
        "roles are given to the identity run",
    ),
    (
        grants_amiss,
        ROLES,
        "    principalId: principalId\n",
        "    principalId: storage.id\n",
        "principal is storage.id, not principalId",
    ),
    (
        wiring_amiss,
        "modules/identity.bicep",
        "identity.properties.clientId",
        "identity.properties.principalId",
        "the identity run is one of its own",
    ),
    # -- the audit trail, the package
    (
        settings_amiss,
        MAIN,
        "SLIPWAY_BLOBS_ENDPOINT: audit.outputs.blobEndpoint",
        "SLIPWAY_BLOBS_ENDPOINT: storage.outputs.blobEndpoint",
        "SLIPWAY_BLOBS_ENDPOINT in Bicep",
    ),
    (
        settings_amiss,
        TF_MAIN,
        "azurerm_storage_account.audit.primary_blob",
        "azurerm_storage_account.host.primary_blob",
        "SLIPWAY_BLOBS_ENDPOINT in Terraform",
    ),
    (
        wiring_amiss,
        MAIN,
        "blobEndpoint}${packagesContainer}",
        "blobEndpoint}${auditContainer}",
        "the package is in its own container",
    ),
    (
        wiring_amiss,
        TF_SITE,
        "${module.conventions.packages_container}",
        "${module.conventions.audit_container}",
        "the package is in its own container",
    ),
    # -- the door
    (
        settings_amiss,
        MAIN,
        "SLIPWAY_AUDIENCE: applicationId",
        "SLIPWAY_AUDIENCE: tenant().tenantId",
        "SLIPWAY_AUDIENCE in Bicep",
    ),
    (settings_amiss, TF_SETTINGS, "= var.application_id", "= var.tenant_id", "SLIPWAY_AUDIENCE in Terraform"),
    (
        wiring_amiss,
        MAIN,
        "'../modules/sign-in.bicep' = {",
        "'../modules/sign-in.bicep' = if (privateNetwork) {",
        "sign-in is made whatever else is",
    ),
    (
        wiring_amiss,
        TF_SIGN_IN,
        '  name      = "authsettingsV2"\n',
        '  name      = "authsettingsV2"\n  count     = 0\n',
        "sign-in is made whatever else is",
    ),
    (
        wiring_amiss,
        SIGN_IN,
        "'${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'",
        "'${environment().authentication.loginEndpoint}common/v2.0'",
        "tokens are this tenant's",
    ),
    (
        wiring_amiss,
        TF_SIGN_IN,
        "microsoftonline.com/${data.azurerm_client_config.me.tenant_id}/",
        "microsoftonline.com/common/",
        "tokens are this tenant's",
    ),
    (
        wiring_amiss,
        APPLICATION,
        "requestedAccessTokenVersion: 2",
        "requestedAccessTokenVersion: 1",
        "tokens are of version 2",
    ),
    (
        wiring_amiss,
        ENTRA,
        "requested_access_token_version = 2",
        "requested_access_token_version = 1",
        "tokens are of version 2",
    ),
    (wiring_amiss, APPLICATION, "appId: azureCli", "appId: accessScope", "the Azure CLI asks nobody"),
    (wiring_amiss, APPLICATION, "04b07795-8ddb", "14b07795-8ddb", "it is the Azure CLI"),
    (wiring_amiss, ENTRA, "04b07795-8ddb", "14b07795-8ddb", "it is the Azure CLI"),
    (
        wiring_amiss,
        ENTRA,
        "authorized_client_id = local.azure_cli",
        "authorized_client_id = local.scope_id",
        "the Azure CLI asks nobody",
    ),
    (
        wiring_amiss,
        APPLICATION,
        "if (!empty(adminPrincipalId))",
        "if (empty(adminPrincipalId))",
        "who is named is admin",
    ),
    (wiring_amiss, ENTRA, "? 0 : 1", "? 1 : 0", "who is named is admin"),
    (
        wiring_amiss,
        APPLICATION,
        "groupMembershipClaims: 'SecurityGroup'",
        "groupMembershipClaims: 'None'",
        "tokens name the groups",
    ),
    (wiring_amiss, ENTRA, '["SecurityGroup"]', '["None"]', "tokens name the groups"),
    # -- when
    (
        wiring_amiss,
        SCHEDULER,
        "schedulers@2026-02-01' = if (enabled) {",
        "schedulers@2026-02-01' = {",
        "the scheduler is made where",
    ),
    (
        wiring_amiss,
        SCHEDULER,
        "taskHubs@2026-02-01' = if (enabled) {",
        "taskHubs@2026-02-01' = if (!enabled) {",
        "and its hub with it",
    ),
    (
        wiring_amiss,
        TF_SCHEDULER,
        "local.on_scheduler ? 1 : 0",
        "local.on_scheduler ? 0 : 1",
        "the scheduler is made where",
    ),
    (wiring_amiss, MAIN, "enabled: onScheduler", "enabled: privateNetwork", "by that backend"),
    (wiring_amiss, MAIN, "? 'Premium' : 'Standard'", "? 'Standard' : 'Premium'", "Premium only"),
    (wiring_amiss, TF_MESSAGING, '? "Premium" : "Standard"', '? "Standard" : "Premium"', "Premium only"),
    (wiring_amiss, MAIN, "= if (privateNetwork) {", "= if (!privateNetwork) {", "a private network has a network"),
    (
        wiring_amiss,
        MAIN,
        "privateNetwork ? privateWays.outputs.appSubnetId : ''",
        "privateNetwork ? '' : privateWays.outputs.appSubnetId",
        "the app calls out of it",
    ),
    (wiring_amiss, MAIN, "privateNetwork ? privateWays.outputs.appSubnetId : ''", "''", "the app calls out of it"),
    (wiring_amiss, SITE, "empty(subnetId) ? null : subnetId", "null", "by its subnet"),
    (wiring_amiss, TF_SITE, "var.private_network ? azurerm_subnet.app[0].id : null", "null", "the app calls out of it"),
    (
        grants_amiss,
        ROLES,
        "resource promotionsSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {",
        "resource promotionsSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (empty(schedulerName)) {",
        "promotionsSender if is empty(schedulerName)",
    ),
    (
        grants_amiss,
        TF_ROLES,
        "    promotions_sender = {",
        "    promotions = {",
        "always promotions_sender is (nothing)",
    ),
    (
        wiring_amiss,
        TF_ROLES,
        "merge(local.always, local.on_the_hub,",
        "merge(local.on_the_hub,",
        "Terraform gives every role",
    ),
    (
        wiring_amiss,
        MAIN,
        "workspaceName: empty(telemetryWorkspace) ? monitoring.outputs.workspaceName : ''",
        "workspaceName: ''",
        "logs are read in a workspace of one's own",
    ),
    (wiring_amiss, SITE, "name: 'FC1'", "name: 'EP1'", "the plan is Flex Consumption"),
    (wiring_amiss, TF_SITE, 'name = "FC1"', 'name = "EP1"', "the plan is Flex Consumption"),
    (wiring_amiss, MESSAGING, "requiresSession: false", "requiresSession: true", "nobody opens a session on builds"),
    (
        wiring_amiss,
        TF_MESSAGING,
        "requires_session                     = false",
        "requires_session = true",
        "nor on a queue",
    ),
    # -- whom an alert reaches
    (
        wiring_amiss,
        TF_ALERTS,
        "action_groups = [azurerm_monitor_action_group.slipway.id]",
        "action_groups = []",
        "alerts on logs reach",
    ),
    (wiring_amiss, "modules/query-alerts.bicep", "        actionGroupId\n", "", "alerts on logs reach"),
    (
        wiring_amiss,
        "modules/action-group.bicep",
        "empty(email) ? [] : [{",
        "!empty(email) ? [] : [{",
        "somebody gets an e-mail",
    ),
    (wiring_amiss, TF_ALERTS, "? [] : [var.alert_email]", "? [] : []", "somebody gets an e-mail"),
    (wiring_amiss, MAIN, "email: alertEmail", "email: ''", "it is who is named"),
    (wiring_amiss, "modules/metric-alerts.bicep", "threshold: 0", "threshold: 1000", "is too many"),
    (wiring_amiss, TF_ALERTS, "threshold        = 0", "threshold        = 1000", "is too many"),
    # -- parameters
    (
        variables_amiss,
        PARAMETERS,
        '"auditLocked": { "value": "${SLIPWAY_AUDIT_LOCKED}" }',
        '"auditLocked": { "value": "${SLIPWAY_PRIVATE_NETWORK}" }',
        "azure: auditLocked",
    ),
    (
        variables_amiss,
        PARAMETERS,
        '"privateNetwork": { "value": "${SLIPWAY_PRIVATE_NETWORK}" }',
        '"privateNetwork": { "value": "${SLIPWAY_AUDIT_LOCKED}" }',
        "azure: privateNetwork",
    ),
    # -- what is handed on
    (
        passed_amiss,
        MAIN,
        "retentionInDays: auditRetentionDays",
        "retentionInDays: vaultRetentionDays",
        "params.retentionInDays is vaultRetentionDays",
    ),
    (
        outputs_amiss,
        MAIN,
        "SLIPWAY_PRINCIPAL_ID string = run.outputs.principalId",
        "SLIPWAY_PRINCIPAL_ID string = run.outputs.clientId",
        "SLIPWAY_PRINCIPAL_ID in Bicep",
    ),
    (
        wiring_amiss,
        "modules/audit.bicep",
        "privateNetwork ? 'Disabled' : 'Enabled'",
        "privateNetwork ? 'Enabled' : 'Disabled'",
        "audit is shut by a private network",
    ),
    (
        wiring_amiss,
        "terraform/vault.tf",
        "public_network_access_enabled = !var.private_network",
        "public_network_access_enabled = true",
        "the vault is shut by it",
    ),
    (
        wiring_amiss,
        "terraform/audit.tf",
        "= var.audit_retention_days",
        "= var.vault_retention_days",
        "what the audit trail keeps",
    ),
]


@pytest.mark.parametrize(
    ("check", "file", "there", "instead", "said"),
    MISTAKES,
    ids=[f"{each[4]} in {each[1]}" for each in MISTAKES],
)
def test_a_wrong_value_is_found(tmp_path: Path, check: Check, file: str, there: str, instead: str, said: str) -> None:
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy)
    text = (copy / file).read_text()
    assert there in text, f"{file} no longer has {there}"
    (copy / file).write_text(text.replace(there, instead, 1))
    found = check(Infra(copy))
    assert [words for words in found if said in words], found
