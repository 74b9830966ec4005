// Alerts on Service Bus's own metrics: cheaper and quicker than logs.
param namespaceId string
param actionGroupId string

var rules = [
  {
    name: 'dead-letters'
    says: 'Messages lie in a dead-letter queue: Slipway could not take builds in for an hour and a half, or nobody read.'
    severity: 1
    metric: 'DeadletteredMessages'
    aggregation: 'Maximum'
  }
  {
    name: 'throttled'
    says: 'Service Bus throttles: intake and events are late. Standard has 1,000 credits a second for the namespace.'
    severity: 2
    metric: 'ThrottledRequests'
    aggregation: 'Total'
  }
]

resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [for rule in rules: {
  name: 'slipway-${rule.name}'
  location: 'global'
  properties: {
    description: rule.says
    severity: rule.severity
    enabled: true
    scopes: [
      namespaceId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: rule.name
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: rule.metric
          timeAggregation: rule.aggregation
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroupId
      }
    ]
  }
}]
