// The Functions app on Flex Consumption, with its plan (one app a plan) and its settings.
param name string
param location string
param runIdentityId string
param authIdentityId string

@description('Address of the container that holds the deployed package.')
param packagesUrl string

@description('Every app setting. Settings made by hand are gone after the next provision.')
param settings object

@allowed([
  '3.11'
  '3.12'
])
param pythonVersion string

@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int

@minValue(1)
@maxValue(1000)
param maximumInstances int

@description('Instances that never sleep: [{name: \'function:builds\', instanceCount: 1}].')
param alwaysReady array

@description('Recreate stops everything and starts anew; RollingUpdate (preview) drains, with two versions at once.')
@allowed([
  'Recreate'
  'RollingUpdate'
])
param siteUpdateStrategy string

@description('Subnet for outgoing calls; empty without a private network.')
param subnetId string

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  // checkov:skip=CKV_AZURE_225: zone redundancy wants two always-ready instances an entry; a stopped Slipway delays, breaks nothing
  name: 'plan-${name}'
  location: location
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  // checkov:skip=CKV_AZURE_213: the health check would restart instances because a dependency is ill; alerts tell people
  // checkov:skip=CKV_AZURE_78: there is no FTP on Flex Consumption, which refuses ftpsState; the policy below shuts it
  // checkov:skip=CKV_AZURE_17: people and pipelines come with Entra tokens; a client certificate would shut both out
  // checkov:skip=CKV_AZURE_212: instances come with work on Flex Consumption; alwaysReady keeps some if that matters
  // checkov:skip=CKV_AZURE_222: people and CI call from anywhere; sign-in.bicep lets nobody in without a token
  name: name
  location: location
  kind: 'functionapp,linux'
  tags: {
    'azd-service-name': 'slipway'
  }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${runIdentityId}': {}
      '${authIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packagesUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: runIdentityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReady
      }
      // Bicep warns (BCP037): its types have this from no version yet. Azure takes it since 2023-12-01.
      siteUpdateStrategy: {
        type: siteUpdateStrategy
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      // In the site, not in a child of its own: two writes would be two updates that overlap.
      appSettings: [for setting in items(settings): {
        name: setting.key
        value: setting.value
      }]
    }
  }
}

// Deployments carry a bearer token; user names and passwords are off.
resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

output id string = site.id
output name string = site.name
// Asked, not built: the platform may put a suffix of its own into it.
output hostName string = site.properties.defaultHostName
