"""Which identity does what, and who gets in: rows of the table that wanted.py begins."""

from tests.infra.wanted import RUN, Row
from tests.infra.wiring import NOTHING

MAIN, SITE, SIGN_IN = "azure/main.bicep", "modules/site.bicep", "modules/sign-in.bicep"
APPLICATION = "entra/application.bicep"
TF_SITE, TF_SIGN_IN = ". resource azapi_resource.site", ". resource azapi_update_resource.sign_in"
TF_STORAGE = f"{TF_SITE} body.properties.functionAppConfig.deployment.storage"
AD = "properties.identityProviders.azureActiveDirectory"
RUN_ID, AUTH_ID = "azurerm_user_assigned_identity.run.id", "local.auth_identity_id"
STORAGE_OF_THE_SITE = "properties.functionAppConfig.deployment.storage"
OWN = "local.own_entra ?"

IDENTITIES = [
    Row("the identity run is one of its own", "modules/identity.bicep output clientId", "identity.properties.clientId"),
    Row(
        "roles are given to a principal", "modules/identity.bicep output principalId", "identity.properties.principalId"
    ),
    Row(
        "roles are given to the identity run",
        f"{MAIN} module roles params.principalId",
        "run.outputs.principalId",
        ". resource azurerm_role_assignment.run principal_id",
        "azurerm_user_assigned_identity.run.principal_id",
    ),
    Row("the site has the identity run", f"{MAIN} module site params.runIdentityId", "run.outputs.id"),
    Row("the site has the identity auth", f"{MAIN} module site params.authIdentityId", "authIdentityId"),
    Row(
        "the site has both, and no other",
        f"{SITE} resource site identity",
        '{type: "UserAssigned", userAssignedIdentities: {${runIdentityId}: {}, ${authIdentityId}: {}}}',
        f"{TF_SITE} identity.identity_ids",
        f"[{RUN_ID}, {AUTH_ID}]",
    ),
    Row(
        "the package is fetched by the identity run",
        f"{SITE} resource site {STORAGE_OF_THE_SITE}.authentication.userAssignedIdentityResourceId",
        "runIdentityId",
        f"{TF_STORAGE}.authentication.userAssignedIdentityResourceId",
        RUN_ID,
    ),
    Row("the package is where the site looks", f"{SITE} resource site {STORAGE_OF_THE_SITE}.value", "packagesUrl"),
    Row(
        "the package is in its own container",
        f"{MAIN} module site params.packagesUrl",
        "'${storage.outputs.blobEndpoint}${packagesContainer}'",
        f"{TF_STORAGE}.value",
        '"${azurerm_storage_account.host.primary_blob_endpoint}${module.conventions.packages_container}"',
    ),
    Row("the container has that name", f"{MAIN} module storage params.packagesContainer", "packagesContainer"),
    Row(
        "and is another than the audit trail's",
        f"{MAIN} var packagesContainer",
        '"packages"',
        "modules/conventions local packages_container",
        '"packages"',
    ),
    Row(
        "the audit trail's container",
        f"{MAIN} var auditContainer",
        '"audit"',
        "modules/conventions local audit_container",
        '"audit"',
    ),
    Row(
        "and the one beside it, which no policy makes immutable",
        f"{MAIN} var evidenceContainer",
        '"evidence"',
        "modules/conventions local evidence_container",
        '"evidence"',
    ),
    Row(
        "the scheduler is entered as the identity run",
        f"{MAIN} var schedulerConnection",
        f"'Endpoint=${{scheduler.outputs.endpoint}};Authentication=ManagedIdentity;ClientID=${{{RUN[0]}}}'",
    ),
    Row(
        "auth is the subject",
        "entra/main.bicep module application params.authPrincipalId",
        "identity.outputs.principalId",
    ),
    Row(
        "auth is the subject, or comes from outside",
        "entra/main.bicep output SLIPWAY_AUTH_IDENTITY_CLIENT_ID",
        "identity.outputs.clientId",
        ". local auth_identity_client_id",
        f"{OWN} azurerm_user_assigned_identity.auth[0].client_id : var.auth_identity_client_id",
    ),
    Row(
        "the identity auth",
        "entra/main.bicep output SLIPWAY_AUTH_IDENTITY_ID",
        "identity.outputs.id",
        ". local auth_identity_id",
        f"{OWN} azurerm_user_assigned_identity.auth[0].id : var.auth_identity_id",
    ),
    Row(
        "the application",
        "entra/main.bicep output SLIPWAY_APPLICATION_ID",
        "application.outputs.clientId",
        ". local application_id",
        f"{OWN} module.entra[0].client_id : var.application_id",
    ),
    Row(
        "the host's endpoint for blobs",
        "modules/storage.bicep output blobEndpoint",
        "account.properties.primaryEndpoints.blob",
    ),
    Row(
        "its endpoint for tables",
        "modules/storage.bicep output tableEndpoint",
        "account.properties.primaryEndpoints.table",
    ),
    Row(
        "the audit trail's endpoint",
        "modules/audit.bicep output blobEndpoint",
        "account.properties.primaryEndpoints.blob",
    ),
    Row(
        "the audit trail is in an account of its own",
        f"{MAIN} module audit params.name",
        "auditStorageName",
        ". resource azurerm_storage_container.audit storage_account_id",
        "azurerm_storage_account.audit.id",
    ),
]

DOOR = [
    Row("sign-in is made whatever else is", f"{MAIN} module signIn if", NOTHING, f"{TF_SIGN_IN} count", NOTHING),
    Row("sign-in is made once", f"{SIGN_IN} resource authentication if", NOTHING, f"{TF_SIGN_IN} for_each", NOTHING),
    Row(
        "sign-in is that of the site",
        f"{MAIN} module signIn params.siteName",
        "site.outputs.name",
        f"{TF_SIGN_IN} parent_id",
        "azapi_resource.site.id",
    ),
    Row(
        "tokens are this tenant's",
        f"{SIGN_IN} resource authentication {AD}.registration.openIdIssuer",
        "'${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'",
        f"{TF_SIGN_IN} body.{AD}.registration.openIdIssuer",
        '"https://login.microsoftonline.com/${data.azurerm_client_config.me.tenant_id}/v2.0"',
    ),
    Row(
        "who signs in is this application",
        f"{SIGN_IN} resource authentication {AD}.registration.clientId",
        "applicationId",
        f"{TF_SIGN_IN} body.{AD}.registration.clientId",
        "local.application_id",
    ),
    Row("and the application of layer 1", f"{MAIN} module signIn params.applicationId", "applicationId"),
    Row("callers are those that are named", f"{MAIN} module signIn params.callers", "callers"),
    Row("the paths without a token", f"{MAIN} module signIn params.openPaths", "openPaths"),
    Row(
        "tokens are of version 2, whose audience is the client id",
        f"{APPLICATION} resource application api.requestedAccessTokenVersion",
        "2",
        "modules/entra resource azuread_application.slipway api.requested_access_token_version",
        "2",
    ),
    Row(
        "tokens name the groups of their holders",
        f"{APPLICATION} resource application groupMembershipClaims",
        '"SecurityGroup"',
        "modules/entra resource azuread_application.slipway group_membership_claims",
        '["SecurityGroup"]',
    ),
    Row(
        "the application is this tenant's alone",
        f"{APPLICATION} resource application signInAudience",
        '"AzureADMyOrg"',
        "modules/entra resource azuread_application.slipway sign_in_audience",
        '"AzureADMyOrg"',
    ),
    Row(
        "the Azure CLI asks nobody for consent",
        f"{APPLICATION} resource application api.preAuthorizedApplications",
        "[{appId: azureCli, delegatedPermissionIds: [accessScope]}]",
        "modules/entra resource azuread_application_pre_authorized.azure_cli authorized_client_id",
        "local.azure_cli",
    ),
    Row(
        "and it is the Azure CLI",
        f"{APPLICATION} var azureCli",
        '"04b07795-8ddb-461a-bbee-02f9e1bf7b46"',
        "modules/entra local azure_cli",
        '"04b07795-8ddb-461a-bbee-02f9e1bf7b46"',
    ),
    Row(
        "who is named is admin",
        f"{APPLICATION} resource admin if",
        "!empty(adminPrincipalId)",
        "modules/entra resource azuread_app_role_assignment.admin count",
        'var.admin_principal_id == "" ? 0 : 1',
    ),
    Row(
        "and nobody else",
        f"{APPLICATION} resource admin principalId",
        "adminPrincipalId",
        "modules/entra resource azuread_app_role_assignment.admin principal_object_id",
        "var.admin_principal_id",
    ),
    Row(
        "what they hold is admin",
        f"{APPLICATION} resource admin appRoleId",
        "adminRole",
        "modules/entra resource azuread_app_role_assignment.admin app_role_id",
        'local.role_ids["admin"]',
    ),
    Row(
        "who deploys is named",
        "entra/main.bicep module application params.adminPrincipalId",
        "adminPrincipalId",
        ". module entra admin_principal_id",
        "var.admin_principal_id",
    ),
]

DOORS = [*IDENTITIES, *DOOR]
