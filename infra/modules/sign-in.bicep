// App Service authentication: no call without a valid token gets to the app. The app itself checks app roles.
param siteName string
param applicationId string

@description('Applications whose tokens count, beside Slipway\'s own; people\'s tokens come from the Azure CLI.')
param callers array

@description('Paths that answer without a token.')
param openPaths array

resource site 'Microsoft.Web/sites@2025-03-01' existing = {
  name: siteName
}

resource authentication 'Microsoft.Web/sites/config@2025-03-01' = {
  // checkov:skip=CKV_AZURE_13: this is what it asks for; it knows only the older authsettings
  // checkov:skip=CKV_AZURE_63: logs of Flex Consumption go to Application Insights, not to a web server's files
  // checkov:skip=CKV_AZURE_65: there are no error pages: the app answers problem+json and says nothing secret
  // checkov:skip=CKV_AZURE_66: traces of failed requests go to Application Insights
  // checkov:skip=CKV_AZURE_80: the app is Python, so it has no .NET version
  // checkov:skip=CKV_AZURE_88: Flex Consumption mounts no files: the package comes from a blob container
  // checkov:skip=CKV_AZURE_222: said of the site: people and CI call from anywhere, with a token
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      excludedPaths: openPaths
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          clientId: applicationId
          // No secret: the setting of this name holds the client id of the identity auth, which stands in for one.
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: {
          allowedAudiences: [
            applicationId
          ]
          defaultAuthorizationPolicy: {
            allowedApplications: concat([applicationId], callers)
          }
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}
