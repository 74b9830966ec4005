// Private ways to all data: the network, and an endpoint for everything that holds some.
param token string
param location string
param hostStorageName string
param auditStorageName string
param namespaceName string
param vaultName string
param configurationName string

@description('Empty when the histories are kept in storage.')
param schedulerName string

var blobZone = 'privatelink.blob.${environment().suffixes.storage}'
var queueZone = 'privatelink.queue.${environment().suffixes.storage}'
var tableZone = 'privatelink.table.${environment().suffixes.storage}'
var busZone = 'privatelink.servicebus.windows.net'
var vaultZone = 'privatelink.vaultcore.azure.net'
var configurationZone = 'privatelink.azconfig.io'
var schedulerZone = 'privatelink.durabletask.io'

// By names, not by outputs: what a loop runs over must be known before anything is made.
var always = [
  {
    name: 'host-blob'
    id: resourceId('Microsoft.Storage/storageAccounts', hostStorageName)
    kind: 'blob'
    zone: blobZone
  }
  {
    name: 'host-queue'
    id: resourceId('Microsoft.Storage/storageAccounts', hostStorageName)
    kind: 'queue'
    zone: queueZone
  }
  {
    name: 'host-table'
    id: resourceId('Microsoft.Storage/storageAccounts', hostStorageName)
    kind: 'table'
    zone: tableZone
  }
  {
    name: 'audit-blob'
    id: resourceId('Microsoft.Storage/storageAccounts', auditStorageName)
    kind: 'blob'
    zone: blobZone
  }
  {
    name: 'messaging'
    id: resourceId('Microsoft.ServiceBus/namespaces', namespaceName)
    kind: 'namespace'
    zone: busZone
  }
  {
    name: 'vault'
    id: resourceId('Microsoft.KeyVault/vaults', vaultName)
    kind: 'vault'
    zone: vaultZone
  }
  {
    name: 'configuration'
    id: resourceId('Microsoft.AppConfiguration/configurationStores', configurationName)
    kind: 'configurationStores'
    zone: configurationZone
  }
]
var onScheduler = [
  {
    name: 'scheduler'
    id: resourceId('Microsoft.DurableTask/schedulers', empty(schedulerName) ? 'none' : schedulerName)
    kind: 'scheduler'
    zone: schedulerZone
  }
]
var endpoints = concat(always, empty(schedulerName) ? [] : onScheduler)

module network 'network.bicep' = {
  name: 'network'
  params: {
    name: 'slipway-${token}'
    location: location
    zones: [
      blobZone
      queueZone
      tableZone
      busZone
      vaultZone
      configurationZone
      schedulerZone
    ]
  }
}

module ways 'private-endpoint.bicep' = [for endpoint in endpoints: {
  name: 'endpoint-${endpoint.name}'
  params: {
    name: 'pe-${endpoint.name}-${token}'
    location: location
    subnetId: network.outputs.endpointsSubnetId
    resourceId: endpoint.id
    kind: endpoint.kind
    zone: endpoint.zone
  }
}]

output appSubnetId string = network.outputs.appSubnetId
