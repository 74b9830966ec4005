// The registration that tokens are asked for: app roles, and a federated credential where others keep a secret.
extension microsoftGraphV1

param uniqueName string
param displayName string
param identifierUri string

@description('Object id of the identity `auth`: the subject of the federated credential.')
param authPrincipalId string

@description('Holds the role admin from the start; empty for nobody.')
param adminPrincipalId string

param pipelineRoles array
param siteHostName string

var azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'
var accessScope = guid(uniqueName, 'access')
var adminRole = guid(uniqueName, 'admin')
// Token exchange has another audience in each cloud.
var exchangeAudiences = {
  AzureCloud: 'api://AzureADTokenExchange'
  AzureUSGovernment: 'api://AzureADTokenExchangeUSGov'
  AzureChinaCloud: 'api://AzureADTokenExchangeChina'
}
var exchangeAudience = exchangeAudiences[environment().name]

var apiRoles = [
  {
    id: guid(uniqueName, 'reader')
    value: 'reader'
    displayName: 'Reader'
    description: 'Sees promotions, environments, pipelines and the audit trail.'
    isEnabled: true
    allowedMemberTypes: ['User', 'Application']
  }
  {
    id: guid(uniqueName, 'operator')
    value: 'operator'
    displayName: 'Operator'
    description: 'Submits builds, aborts, retries, rolls back, pauses, holds builds out of an environment.'
    isEnabled: true
    allowedMemberTypes: ['User', 'Application']
  }
  {
    id: guid(uniqueName, 'approver')
    value: 'approver'
    displayName: 'Approver'
    description: 'May approve; the pipeline says who counts.'
    isEnabled: true
    allowedMemberTypes: ['User', 'Application']
  }
  {
    id: guid(uniqueName, 'submitter')
    value: 'submitter'
    displayName: 'Submitter'
    description: 'Submits builds and their evidence, and sees what became of its own: CI.'
    isEnabled: true
    allowedMemberTypes: ['User', 'Application']
  }
  {
    id: guid(uniqueName, 'auditor')
    value: 'auditor'
    displayName: 'Auditor'
    description: 'Takes the whole audit trail away, to verify it and report from it.'
    isEnabled: true
    allowedMemberTypes: ['User', 'Application']
  }
  {
    id: adminRole
    value: 'admin'
    displayName: 'Admin'
    description: 'Holds every role of the API.'
    isEnabled: true
    allowedMemberTypes: ['User', 'Application']
  }
  {
    // The name is Azure Monitor's: its application must hold a role of exactly this name to call a secure webhook.
    id: guid(uniqueName, 'ActionGroupsSecureWebhook')
    value: 'ActionGroupsSecureWebhook'
    displayName: 'Action groups'
    description: 'Azure Monitor, whose alerts a canary ramp hears.'
    isEnabled: true
    allowedMemberTypes: ['Application']
  }
]

var approvalRoles = [for role in pipelineRoles: {
  id: guid(uniqueName, role)
  value: role
  displayName: role
  description: 'Named as role:${role} in the approvals of pipelines.'
  isEnabled: true
  // Of roles with a place those that a workload may hold, such as submitter@*/checkout.
  allowedMemberTypes: startsWith(role, 'submitter@') || startsWith(role, 'reader@') ? ['User', 'Application'] : ['User']
}]

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  identifierUris: [
    identifierUri
  ]
  appRoles: concat(apiRoles, approvalRoles)
  groupMembershipClaims: 'SecurityGroup'
  // A token says whether it is a workload's own: who decides is a person.
  optionalClaims: {
    accessToken: [
      {
        name: 'idtyp'
      }
    ]
  }
  api: {
    // Version 2: the audience of a token is the client id, whatever URI it was asked for.
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: accessScope
        value: 'access'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Use Slipway'
        adminConsentDescription: 'Use Slipway in the name of the signed-in person, within the roles that the person holds.'
        userConsentDisplayName: 'Use Slipway'
        userConsentDescription: 'Use Slipway in your name.'
      }
    ]
    // The Azure CLI gets tokens for people without asking each of them for consent.
    preAuthorizedApplications: [
      {
        appId: azureCli
        delegatedPermissionIds: [
          accessScope
        ]
      }
    ]
  }
  web: {
    redirectUris: empty(siteHostName) ? [] : ['https://${siteHostName}/.auth/login/aad/callback']
    implicitGrantSettings: {
      enableIdTokenIssuance: true
      enableAccessTokenIssuance: false
    }
  }
}

resource credential 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${application.uniqueName}/app-service'
  audiences: [
    exchangeAudience
  ]
  issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  subject: authPrincipalId
  description: 'App Service signs in as this application with the identity auth, so there is no secret to keep.'
}

resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
  // Who holds no role here gets no token at all.
  appRoleAssignmentRequired: true
}

resource admin 'Microsoft.Graph/appRoleAssignedTo@v1.0' = if (!empty(adminPrincipalId)) {
  appRoleId: adminRole
  principalId: adminPrincipalId
  resourceId: principal.id
}

output clientId string = application.appId
output objectId string = application.id
