// App Configuration: feature flags and labelled settings of the services that Slipway releases.
// Its identity reads and writes them (roles.bicep): Azure has no role for flags alone.
param name string
param location string

@allowed([
  'free'
  'developer'
  'standard'
  'premium'
])
param sku string

param privateNetwork bool

resource store 'Microsoft.AppConfiguration/configurationStores@2024-05-01' = {
  name: name
  location: location
  sku: {
    name: sku
  }
  properties: {
    disableLocalAuth: true
    // Resource Manager may write key-values although local authentication is off.
    dataPlaneProxy: {
      authenticationMode: 'Pass-through'
      privateLinkDelegation: 'Disabled'
    }
    enablePurgeProtection: sku == 'standard' || sku == 'premium'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
  }
}

output id string = store.id
output name string = store.name
output endpoint string = store.properties.endpoint
