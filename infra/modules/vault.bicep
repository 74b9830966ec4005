// Key Vault: values of headers that health checks and load tests send, and the key that signs the audit trail's
// checkpoints. Slipway reads secrets and writes none; the key's private half never leaves the vault.
param name string
param auditKeyName string
param location string

@minValue(7)
@maxValue(90)
param softDeleteRetentionInDays int

param privateNetwork bool

var publicAccess = privateNetwork ? 'Disabled' : 'Enabled'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  // checkov:skip=CKV_AZURE_109: Deny comes with privateNetwork; without it identity is the only door
  name: name
  location: location
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: softDeleteRetentionInDays
    enablePurgeProtection: true
    publicNetworkAccess: publicAccess
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
  }
}

// Made once: a deployment that finds it leaves it as it is. Rotation is a person's or a policy's (docs/audit.md).
resource auditKey 'Microsoft.KeyVault/vaults/keys@2024-11-01' = {
  parent: vault
  name: auditKeyName
  properties: {
    kty: 'EC'
    curveName: 'P-256'
    keyOps: [
      'sign'
      'verify'
    ]
  }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
output auditKey string = auditKey.properties.keyUri
