// Durable Task Scheduler: keeps the histories of promotions and hands out their work. Absent with Azure Storage instead.
param name string
param location string
param hubName string

@description('False where the histories are kept in the host\'s storage account.')
param enabled bool

@description('Consumption or Dedicated.')
param sku string

@description('Capacity units, Dedicated only: 3 for high availability.')
param capacity int

@description('Ranges that may call. An empty list denies everybody, whatever their role.')
param ipAllowlist array

param privateNetwork bool

var consumption = {
  name: 'Consumption'
}
var dedicated = {
  name: 'Dedicated'
  capacity: capacity
}

// No retention policy is set: the platform's own (finished instances, 30 days) is enough, the intake rows outlive it.
resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = if (enabled) {
  name: name
  location: location
  properties: {
    sku: sku == 'Dedicated' ? dedicated : consumption
    ipAllowlist: ipAllowlist
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = if (enabled) {
  parent: scheduler
  name: hubName
  properties: {}
}

output id string = enabled ? scheduler.id : ''
output name string = name
output endpoint string = enabled ? scheduler.properties.endpoint : ''
