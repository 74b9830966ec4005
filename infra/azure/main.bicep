// Layer 2: everything that Slipway runs on. Wants the outputs of layer 1 (infra/entra), and no right in the directory.
targetScope = 'subscription'

@minLength(1)
@maxLength(20)
@description('Name of this Slipway, such as prod; part of every resource name: letters, digits, single hyphens within.')
param environmentName string

@description('A region that has Flex Consumption, Durable Task Scheduler, and ZRS unless storageSku says otherwise.')
param location string

@description('The application of layer 1.')
param applicationId string

@description('The identity of layer 1 that stands in for a client secret.')
param authIdentityId string
param authIdentityClientId string

@description('Applications whose tokens the API accepts beside its own; the Azure CLI brings people.')
param callers array = [
  '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
]

@description('Where durable histories are kept: scheduler (Durable Task Scheduler), or storage; host.json must agree.')
@allowed([
  'scheduler'
  'storage'
])
param durableBackend string = 'scheduler'

@allowed([
  'Consumption'
  'Dedicated'
])
param schedulerSku string = 'Consumption'

@description('Capacity units of a Dedicated scheduler: 1, or 3 for high availability.')
param schedulerCapacity int = 1

@description('Address ranges that may call the scheduler. An empty list denies everybody.')
param schedulerIpAllowlist array = [
  '0.0.0.0/0'
]

@description('Everything behind private endpoints, no public access to data; turns Service Bus to Premium.')
param privateNetwork bool = false

@description('Redundancy of both storage accounts; Standard_ZRS survives the loss of a zone, Standard_LRS is for regions that have none.')
param storageSku string = 'Standard_ZRS'

@description('For how many days the audit trail can be neither changed nor deleted. Only a locked policy is final.')
param auditRetentionDays int = 365

@description('True once a person has locked that policy (docs/deploy.md); from then on it is left alone.')
param auditLocked bool = false

@description('How long removed secrets, and the vault\'s name, are kept.')
param vaultRetentionDays int = 90

@allowed([
  'free'
  'developer'
  'standard'
  'premium'
])
param configurationSku string = 'developer'

@description('How long logs are kept.')
param logRetentionDays int = 31

@description('Workspace (customer id) with the telemetry of the services; empty for Slipway\'s own.')
param telemetryWorkspace string = ''

@description('Folder of pipelines in the deployed package; empty for those that come with Slipway, the laptop\'s.')
param pipelinesFolder string = ''

@description('Folder of the organisation\'s policies in the deployed package, as docs/policies.md has them; empty for none.')
param policiesFolder string = ''

@description('File of people in the deployed package, for approvals with not: [author]; empty for none.')
param peopleFile string = ''

@description('Hosts that evidence of builds may come from, as docs/gates.md has them; empty for none.')
param evidenceHosts string = ''

@description('Gets an e-mail for every alert; empty for nobody.')
param alertEmail string = ''

@allowed([
  '3.11'
  '3.12'
])
param pythonVersion string = '3.12'

@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048
param maximumInstances int = 40

@description('Instances that never sleep; [{name: \'function:builds\', instanceCount: 1}] takes builds in at once.')
param alwaysReady array = []

@allowed([
  'Recreate'
  'RollingUpdate'
])
param siteUpdateStrategy string = 'Recreate'

var token = toLower(uniqueString(subscription().id, environmentName, location))
var groupName = 'rg-slipway-${environmentName}'
var hostStorageName = 'stslipway${token}'
var auditStorageName = 'stslipaudit${token}'
var namespaceName = 'sb-slipway-${token}'
var vaultName = 'kv-slip-${token}'
var configurationName = 'appcs-slipway-${token}'
var schedulerName = 'dts-slipway-${token}'
var siteName = 'slipway-${environmentName}-${token}'
var packagesContainer = 'packages'
var auditContainer = 'audit'
var auditKeyName = 'slipway-audit'
var evidenceContainer = 'evidence'
var hubName = 'slipway'
var onScheduler = durableBackend == 'scheduler'
// Secrets of the key vault that somebody puts there; without one, its hook answers 503.
var azureDevOpsHookSecret = 'azure-devops-hook-key'
var gitHubHookSecret = 'github-hook-secret'
// An application that CI calls with, and Azure Monitor, may be among the callers; these paths need no token at all.
// The hooks check a key of their own.
var openPaths = [
  '/api/health'
  '/api/openapi.json'
  '/api/hooks/azure-devops'
  '/api/hooks/github'
  '/api/gates'
]

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: groupName
  location: location
  tags: {
    'azd-env-name': environmentName
  }
}

module run '../modules/identity.bicep' = {
  name: 'run-identity'
  scope: group
  params: {
    name: 'id-slipway-run-${token}'
    location: location
  }
}

module monitoring '../modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: 'slipway-${token}'
    location: location
    retentionInDays: logRetentionDays
  }
}

module storage '../modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: hostStorageName
    location: location
    packagesContainer: packagesContainer
    sku: storageSku
    privateNetwork: privateNetwork
  }
}

module audit '../modules/audit.bicep' = {
  name: 'audit'
  scope: group
  params: {
    name: auditStorageName
    location: location
    sku: storageSku
    container: auditContainer
    evidenceContainer: evidenceContainer
    retentionInDays: auditRetentionDays
    locked: auditLocked
    privateNetwork: privateNetwork
  }
}

module messaging '../modules/messaging.bicep' = {
  name: 'messaging'
  scope: group
  params: {
    name: namespaceName
    location: location
    sku: privateNetwork ? 'Premium' : 'Standard'
    privateNetwork: privateNetwork
  }
}

module scheduler '../modules/scheduler.bicep' = {
  name: 'scheduler'
  scope: group
  params: {
    name: schedulerName
    location: location
    hubName: hubName
    enabled: onScheduler
    sku: schedulerSku
    capacity: schedulerCapacity
    ipAllowlist: schedulerIpAllowlist
    privateNetwork: privateNetwork
  }
}

module vault '../modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: vaultName
    auditKeyName: auditKeyName
    location: location
    softDeleteRetentionInDays: vaultRetentionDays
    privateNetwork: privateNetwork
  }
}

module configuration '../modules/configuration.bicep' = {
  name: 'configuration'
  scope: group
  params: {
    name: configurationName
    location: location
    // Private endpoints begin with standard.
    sku: privateNetwork && configurationSku != 'premium' ? 'standard' : configurationSku
    privateNetwork: privateNetwork
  }
}

module privateWays '../modules/private-ways.bicep' = if (privateNetwork) {
  name: 'private-ways'
  scope: group
  params: {
    token: token
    location: location
    hostStorageName: hostStorageName
    auditStorageName: auditStorageName
    namespaceName: namespaceName
    vaultName: vaultName
    configurationName: configurationName
    schedulerName: onScheduler ? schedulerName : ''
  }
  dependsOn: [
    storage
    audit
    messaging
    vault
    configuration
    scheduler
  ]
}

module roles '../modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    principalId: run.outputs.principalId
    storageName: storage.outputs.name
    auditName: audit.outputs.name
    auditContainer: auditContainer
    evidenceContainer: evidenceContainer
    namespaceName: messaging.outputs.name
    vaultName: vault.outputs.name
    auditKeyName: auditKeyName
    configurationName: configuration.outputs.name
    insightsName: monitoring.outputs.insightsName
    workspaceName: empty(telemetryWorkspace) ? monitoring.outputs.workspaceName : ''
    schedulerName: onScheduler ? scheduler.outputs.name : ''
    hubName: hubName
  }
}

var schedulerConnection = 'Endpoint=${scheduler.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${run.outputs.clientId}'

// Every setting of the app. Slipway's own are those of slipway/settings.py; tests/infra holds the two together.
var settings = {
  AzureWebJobsStorage__accountName: storage.outputs.name
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: run.outputs.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.insightsConnection
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${run.outputs.clientId};Authorization=AAD'
  TASKHUB_NAME: hubName
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: onScheduler ? schedulerConnection : ''
  SERVICEBUS__fullyQualifiedNamespace: messaging.outputs.hostName
  SERVICEBUS__credential: 'managedidentity'
  SERVICEBUS__clientId: run.outputs.clientId
  AZURE_CLIENT_ID: run.outputs.clientId
  SLIPWAY_TABLES_ENDPOINT: storage.outputs.tableEndpoint
  SLIPWAY_BLOBS_ENDPOINT: audit.outputs.blobEndpoint
  SLIPWAY_AUDIT_CONTAINER: auditContainer
  SLIPWAY_EVIDENCE_CONTAINER: evidenceContainer
  SLIPWAY_EVIDENCE_HOSTS: evidenceHosts
  SLIPWAY_WORKSPACE: empty(telemetryWorkspace) ? monitoring.outputs.workspaceCustomerId : telemetryWorkspace
  SLIPWAY_VAULT: vault.outputs.uri
  SLIPWAY_AUDIT_KEY: vault.outputs.auditKey
  SLIPWAY_APP_CONFIGURATION: configuration.outputs.endpoint
  SLIPWAY_AZURE_DEVOPS_HOOK_SECRET: azureDevOpsHookSecret
  SLIPWAY_GITHUB_HOOK_SECRET: gitHubHookSecret
  SLIPWAY_PIPELINES: pipelinesFolder
  SLIPWAY_POLICIES: policiesFolder
  SLIPWAY_PEOPLE: peopleFile
  SLIPWAY_TENANT: tenant().tenantId
  SLIPWAY_AUDIENCE: applicationId
  // The client id of the identity `auth`: App Service signs in with it in the application's name.
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: authIdentityClientId
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
}

module site '../modules/site.bicep' = {
  name: 'site'
  scope: group
  params: {
    name: siteName
    location: location
    runIdentityId: run.outputs.id
    authIdentityId: authIdentityId
    packagesUrl: '${storage.outputs.blobEndpoint}${packagesContainer}'
    settings: settings
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReady: alwaysReady
    siteUpdateStrategy: siteUpdateStrategy
    subnetId: privateNetwork ? privateWays.outputs.appSubnetId : ''
  }
  // An app that starts before its identity may do anything fails, and is slow to try again.
  dependsOn: [
    roles
  ]
}

module signIn '../modules/sign-in.bicep' = {
  name: 'sign-in'
  scope: group
  params: {
    siteName: site.outputs.name
    applicationId: applicationId
    callers: callers
    openPaths: openPaths
  }
}

module actionGroup '../modules/action-group.bicep' = {
  name: 'action-group'
  scope: group
  params: {
    name: 'ag-slipway-${token}'
    email: alertEmail
  }
}

// A query of infra/queries for each entry of infra/alerts.json.
var queries = {
  'http-5xx': loadTextContent('../queries/http-5xx.kql')
  'stuck-promotion': loadTextContent('../queries/stuck-promotion.kql')
  'lock-too-old': loadTextContent('../queries/lock-too-old.kql')
  'lock-broken': loadTextContent('../queries/lock-broken.kql')
  'rejected-builds': loadTextContent('../queries/rejected-builds.kql')
  'intake-failing': loadTextContent('../queries/intake-failing.kql')
  'ramp-blind': loadTextContent('../queries/ramp-blind.kql')
  'janitor-silent': loadTextContent('../queries/janitor-silent.kql')
  'audit-unsigned': loadTextContent('../queries/audit-unsigned.kql')
  'azure-denied': loadTextContent('../queries/azure-denied.kql')
  'activity-failing': loadTextContent('../queries/activity-failing.kql')
}

module queryAlerts '../modules/query-alerts.bicep' = {
  name: 'query-alerts'
  scope: group
  params: {
    location: location
    workspaceId: monitoring.outputs.workspaceId
    actionGroupId: actionGroup.outputs.id
    rules: loadJsonContent('../alerts.json')
    queries: queries
  }
}

module metricAlerts '../modules/metric-alerts.bicep' = {
  name: 'metric-alerts'
  scope: group
  params: {
    namespaceId: messaging.outputs.id
    actionGroupId: actionGroup.outputs.id
  }
}

module workbook '../modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    workspaceId: monitoring.outputs.workspaceId
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output SLIPWAY_SITE_NAME string = site.outputs.name
output SLIPWAY_HOST_NAME string = site.outputs.hostName
output SLIPWAY_URL string = 'https://${site.outputs.hostName}'
@description('Whom to give rights on the targets that Slipway releases to.')
output SLIPWAY_PRINCIPAL_ID string = run.outputs.principalId
output SLIPWAY_NAMESPACE string = messaging.outputs.name
output SLIPWAY_NAMESPACE_ID string = messaging.outputs.id
output SLIPWAY_AUDIT_ACCOUNT string = audit.outputs.name
output SLIPWAY_AUDIT_CONTAINER string = auditContainer
output SLIPWAY_VAULT_NAME string = vault.outputs.name
output SLIPWAY_CONFIGURATION_ENDPOINT string = configuration.outputs.endpoint
output SLIPWAY_DURABLE_BACKEND string = durableBackend
