// What Slipway's identity `run` may do, each role on the smallest thing that carries it. Rights on the targets that
// it releases to are not here: they belong to whoever owns those (docs/deploy.md).
param principalId string
param storageName string
param auditName string
param auditContainer string
param evidenceContainer string
param namespaceName string
param vaultName string
param auditKeyName string
param configurationName string
param insightsName string

@description('Workspace whose logs judge canaries; empty when it is not ours to give.')
param workspaceName string

@description('Empty when the histories are kept in storage.')
param schedulerName string
param hubName string

// Names and ids of Azure's built-in roles.
var role = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  busReceiver: '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  busSender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  durableContributor: '0ad04412-c4d5-4796-b79c-f76d14c8d402'
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  cryptoUser: '12338af0-0e69-4776-bea7-57ae8d297424'
  configurationOwner: '5ae67dd6-50cb-40e7-96ff-dc2bfa4b606b'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  logReader: '73c42c96-874c-492b-b04d-ab87d138a893'
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource auditAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: auditName
}

resource auditService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: auditAccount
  name: 'default'
}

resource chains 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: auditService
  name: auditContainer
}

resource evidence 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: auditService
  name: evidenceContainer
}

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource builds 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: namespace
  name: 'builds'
}

resource rejected 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = {
  parent: namespace
  name: 'builds-rejected'
}

resource promotions 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' existing = {
  parent: namespace
  name: 'promotions'
}

resource reports 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' existing = {
  parent: promotions
  name: 'reports'
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource auditKey 'Microsoft.KeyVault/vaults/keys@2024-11-01' existing = {
  parent: vault
  name: auditKeyName
}

resource configuration 'Microsoft.AppConfiguration/configurationStores@2024-05-01' existing = {
  name: configurationName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = if (!empty(workspaceName)) {
  name: empty(workspaceName) ? 'none' : workspaceName
}

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' existing = if (!empty(schedulerName)) {
  name: empty(schedulerName) ? 'none' : schedulerName
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' existing = if (!empty(schedulerName)) {
  parent: scheduler
  name: hubName
}

// The host takes leases on blobs of its own account (singletons, timers), and fetches its package there: Owner.
resource hostBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, principalId, role.blobOwner)
  scope: storage
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.blobOwner)
  }
}

// Slipway's rows (intake, fences, receipts, read model), and the host's diagnostic events.
resource hostTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, principalId, role.tableContributor)
  scope: storage
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.tableContributor)
  }
}

// Queues carry the work only where Azure Storage keeps the histories.
resource hostQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (empty(schedulerName)) {
  name: guid(storage.id, principalId, role.queueContributor)
  scope: storage
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.queueContributor)
  }
}

// Appends to the chains and reads them. The right to delete that comes with it stops at the immutability policy.
resource auditBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(chains.id, principalId, role.blobContributor)
  scope: chains
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.blobContributor)
  }
}

// Keeps what releases are compared with, and reads it.
resource evidenceBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(evidence.id, principalId, role.blobContributor)
  scope: evidence
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.blobContributor)
  }
}

// The trigger receives builds. Data Owner, which Microsoft's samples add for scaling, could delete the queue.
resource buildsReceiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(builds.id, principalId, role.busReceiver)
  scope: builds
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.busReceiver)
  }
}

// `POST api/builds` puts a build on the queue like CI does.
resource buildsSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(builds.id, principalId, role.busSender)
  scope: builds
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.busSender)
  }
}

// What cannot be used is set aside there.
resource rejectedSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(rejected.id, principalId, role.busSender)
  scope: rejected
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.busSender)
  }
}

// `slipway dlq` looks at what was set aside, and takes away what it put back.
resource rejectedReceiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(rejected.id, principalId, role.busReceiver)
  scope: rejected
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.busReceiver)
  }
}

// The trigger that tells code hosts reads its own subscription, and no other one.
resource reportsReceiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(reports.id, principalId, role.busReceiver)
  scope: reports
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.busReceiver)
  }
}

// Every change of state is published.
resource promotionsSender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(promotions.id, principalId, role.busSender)
  scope: promotions
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.busSender)
  }
}

// One task hub, not the scheduler: another app's hub beside it stays out of reach.
resource hubContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(schedulerName)) {
  name: guid(hub.id, principalId, role.durableContributor)
  scope: hub
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.durableContributor)
  }
}

// Reads the secrets that pipelines name for the headers of checks.
resource vaultReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, role.secretsUser)
  scope: vault
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.secretsUser)
  }
}

// Signs checkpoints of the audit trail with that one key, and reads its public half.
resource auditSigner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(auditKey.id, principalId, role.cryptoUser)
  scope: auditKey
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.cryptoUser)
  }
}

// Ramps feature flags and switches them off. Azure has no role for flags alone.
resource flagWriter 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(configuration.id, principalId, role.configurationOwner)
  scope: configuration
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.configurationOwner)
  }
}

// Sends the app's own telemetry, since local authentication is off.
resource telemetrySender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, role.metricsPublisher)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.metricsPublisher)
  }
}

// Reads what users met, to judge a canary.
resource telemetryReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(workspaceName)) {
  name: guid(workspace.id, principalId, role.logReader)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.logReader)
  }
}
