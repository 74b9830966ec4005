// Alerts on logs: every entry of infra/alerts.json with its query of infra/queries.
param location string
param workspaceId string
param actionGroupId string

@description('Entries of alerts.json: name, says, severity, every, over, measure, aggregation, by, operator, threshold, failing.')
param rules array

@description('KQL by name of the rule.')
param queries object

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'slipway-${rule.name}'
  location: location
  kind: 'LogAlert'
  properties: {
    displayName: 'Slipway: ${rule.name}'
    description: rule.says
    severity: rule.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: rule.every
    windowSize: rule.over
    // Tables appear with their first rows; before that no query on them could be validated.
    skipQueryValidation: true
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: queries[rule.name]
          timeAggregation: rule.aggregation
          metricMeasureColumn: rule.measure
          // An alert for each value of these columns.
          dimensions: [for column in rule.by: {
            name: column
            operator: 'Include'
            values: ['*']
          }]
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: rule.failing
            minFailingPeriodsToAlert: rule.failing
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        actionGroupId
      ]
    }
  }
}]
