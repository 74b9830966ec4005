// Service Bus: builds come in, rejects are kept, what happened goes out.
param name string
param location string

@description('Standard, or Premium, which alone has private endpoints.')
param sku string

param privateNetwork bool

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  sku: {
    name: sku
    tier: sku
    capacity: sku == 'Premium' ? 1 : null
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
  }
}

resource builds 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'builds'
  properties: {
    // The intake row decides what was seen before; a message that is sent again on purpose must not vanish here.
    requiresDuplicateDetection: false
    requiresSession: false
    enablePartitioning: false
    lockDuration: 'PT1M'
    // Slipway pauses before it gives a message back, so a hundred deliveries are more than an hour and a half.
    maxDeliveryCount: 100
    defaultMessageTimeToLive: 'P7D'
    deadLetteringOnMessageExpiration: true
  }
}

resource rejected 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'builds-rejected'
  properties: {
    requiresDuplicateDetection: false
    requiresSession: false
    enablePartitioning: false
    lockDuration: 'PT1M'
    // Nobody consumes it. To take one message away those before it are received too, and given back.
    maxDeliveryCount: 2000
    defaultMessageTimeToLive: 'P14D'
    deadLetteringOnMessageExpiration: false
  }
}

resource promotions 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = {
  parent: namespace
  name: 'promotions'
  properties: {
    requiresDuplicateDetection: false
    enablePartitioning: false
    supportOrdering: true
    defaultMessageTimeToLive: 'P7D'
    // A full topic would refuse events, and with them records: nobody may be reading for a week.
    maxSizeInMegabytes: 5120
  }
}

resource audit 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = {
  parent: promotions
  name: 'audit'
  properties: {
    requiresSession: false
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    defaultMessageTimeToLive: 'P7D'
    deadLetteringOnMessageExpiration: false
  }
}

// What code hosts are told of: a trigger reads it. Its pauses grow to a minute, so twenty deliveries are a quarter of an
// hour; then the report lies in the dead-letter queue, from where `slipway dlq` puts it back.
resource reports 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = {
  parent: promotions
  name: 'reports'
  properties: {
    requiresSession: false
    lockDuration: 'PT1M'
    maxDeliveryCount: 20
    defaultMessageTimeToLive: 'P7D'
    deadLetteringOnMessageExpiration: true
  }
}

// In the place of the rule that every subscription is born with, which lets everything pass.
resource onlyReported 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2024-01-01' = {
  parent: reports
  name: '$Default'
  properties: {
    filterType: 'SqlFilter'
    sqlFilter: {
      sqlExpression: 'reported = \'yes\' AND action LIKE \'stage.%\''
    }
  }
}

output id string = namespace.id
output name string = namespace.name
output hostName string = '${namespace.name}.servicebus.windows.net'
