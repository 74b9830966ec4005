// The audit trail: an account of its own, so that its retention and its lock touch nothing else.
param name string
param location string
param sku string
param container string
param evidenceContainer string

@description('How long a record can neither be changed nor deleted, counted from its blob\'s creation.')
@minValue(1)
@maxValue(146000)
param retentionInDays int

@description('True once a person has locked the policy: a locked one takes no update of this kind.')
param locked bool

param privateNetwork bool

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  // checkov:skip=CKV_AZURE_35: Deny comes with privateNetwork; without it identity is the only door, keys are off
  // checkov:skip=CKV_AZURE_206: storageSku of the layer, Standard_ZRS unless said otherwise
  name: name
  location: location
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource chains 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: container
  properties: {
    publicAccess: 'None'
  }
}

// What is kept of releases, to compare the next one with. Each blob is named by what it holds, so a change shows.
resource evidence 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: evidenceContainer
  properties: {
    publicAccess: 'None'
  }
}

resource immutability 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-06-01' = if (!locked) {
  parent: chains
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: retentionInDays
    // Append blobs may still grow at their end: that is all that the audit trail does.
    allowProtectedAppendWrites: true
  }
}

output id string = account.id
output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
