// Layer 1: who Slipway is in the tenant, and who may use it. Needs rights in the directory; the other layer does not.
targetScope = 'subscription'

@minLength(1)
@maxLength(20)
@description('Name of this Slipway, such as prod; part of every resource name: letters, digits, single hyphens within.')
param environmentName string

@description('Region of the resource group and of the identity.')
param location string

// Some tenants refuse a name of one's own there: api://TENANT-ID/slipway names the tenant and passes.
@description('Identifier URI of the application. A second Slipway in the same tenant needs another one.')
param identifierUri string = 'api://slipway'

@description('Object id of the person or group that holds the role admin from the start; empty for nobody.')
param adminPrincipalId string = ''

@description('Roles that pipelines name as role:x in their approvals, beside those of the API.')
param pipelineRoles array = [
  'release-manager'
  'qa'
]

// Set by hand once the site is there: an output of the second layer would make the layers wait for each other.
@description('Host name of the deployed site, for sign-in in a browser; empty before there is one.')
param siteHostName string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-slipway-${environmentName}'
  location: location
  tags: {
    'azd-env-name': environmentName
  }
}

module identity '../modules/identity.bicep' = {
  name: 'auth-identity'
  scope: group
  params: {
    name: 'id-slipway-auth-${token}'
    location: location
  }
}

module application 'application.bicep' = {
  name: 'application'
  scope: group
  params: {
    uniqueName: 'slipway-${environmentName}-${token}'
    displayName: 'Slipway ${environmentName}'
    identifierUri: identifierUri
    authPrincipalId: identity.outputs.principalId
    adminPrincipalId: adminPrincipalId
    pipelineRoles: pipelineRoles
    siteHostName: siteHostName
  }
}

@description('The application that people and pipelines ask tokens for.')
output SLIPWAY_APPLICATION_ID string = application.outputs.clientId

@description('The same as directory object, and its URI: by these a secure webhook names it.')
output SLIPWAY_APPLICATION_OBJECT_ID string = application.outputs.objectId
output SLIPWAY_APPLICATION_URI string = identifierUri

@description('The identity that stands in for a client secret of that application.')
output SLIPWAY_AUTH_IDENTITY_ID string = identity.outputs.id
output SLIPWAY_AUTH_IDENTITY_CLIENT_ID string = identity.outputs.clientId
