# App Service authentication: no call without a valid token gets to the app. The app itself checks app roles.
resource "azapi_update_resource" "sign_in" {
  type      = "Microsoft.Web/sites/config@2025-03-01"
  name      = "authsettingsV2"
  parent_id = azapi_resource.site.id

  body = {
    properties = {
      platform = {
        enabled        = true
        runtimeVersion = "~1"
      }
      globalValidation = {
        requireAuthentication       = true
        unauthenticatedClientAction = "Return401"
        excludedPaths               = ["/api/health", "/api/openapi.json", "/api/hooks/azure-devops", "/api/hooks/github", "/api/gates"]
      }
      httpSettings = {
        requireHttps = true
      }
      identityProviders = {
        azureActiveDirectory = {
          enabled = true
          registration = {
            openIdIssuer = "https://login.microsoftonline.com/${data.azurerm_client_config.me.tenant_id}/v2.0"
            clientId     = local.application_id
            # No secret: the setting of this name holds the client id of the identity auth, which stands in for one.
            clientSecretSettingName = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
          }
          validation = {
            allowedAudiences = [local.application_id]
            defaultAuthorizationPolicy = {
              allowedApplications = concat([local.application_id], var.callers)
            }
          }
        }
      }
      login = {
        tokenStore = {
          enabled = false
        }
      }
    }
  }
}
