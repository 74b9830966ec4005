// Roles for the services that Slipway releases to: what it does there (slipway/promotion/rights), and nothing else.
// `slipway roles` prints them narrower, with their assignments. Whoever owns the targets deploys this once and gives the roles to the identity `run` (docs/deploy.md).
targetScope = 'subscription'

@description('Where the roles may be given: this subscription, or resource groups of it.')
param assignableScopes array = [
  subscription().id
]

@description('Goes behind the name of each role. Names are unique in the tenant: a second subscription needs one.')
param suffix string = ''

resource roles 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [for role in loadJsonContent('roles.json'): {
  name: guid(subscription().id, role.name, suffix)
  properties: {
    roleName: '${role.name}${suffix}'
    description: role.says
    type: 'CustomRole'
    permissions: [
      {
        actions: role.actions
        notActions: []
        dataActions: role.dataActions
        notDataActions: []
      }
    ]
    assignableScopes: assignableScopes
  }
}]
