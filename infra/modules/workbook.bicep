// The workbook that shows how Slipway itself is doing.
param location string
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'slipway')
  location: location
  kind: 'shared'
  properties: {
    displayName: 'Slipway'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: workspaceId
    serializedData: loadTextContent('../workbook.json')
  }
}
