# The Functions app, by azapi: azurerm's Flex resource writes a broken AzureWebJobsStorage when storage is by identity.
resource "azapi_resource" "plan" {
  type      = "Microsoft.Web/serverfarms@2025-03-01"
  name      = "plan-${module.conventions.names.site}"
  parent_id = azurerm_resource_group.slipway.id
  location  = var.location

  body = {
    kind = "functionapp"
    sku = {
      name = "FC1"
      tier = "FlexConsumption"
    }
    properties = {
      reserved = true
    }
  }
}

resource "azapi_resource" "site" {
  type      = "Microsoft.Web/sites@2025-03-01"
  name      = module.conventions.names.site
  parent_id = azurerm_resource_group.slipway.id
  location  = var.location
  # The schema of this version, the newest that azapi and Bicep know, has no siteUpdateStrategy, and azapi would refuse
  # the plan for it; Azure takes it since 2023-12-01. Bicep says a warning and checks the rest.
  schema_validation_enabled = false

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.run.id, local.auth_identity_id]
  }

  body = {
    kind = "functionapp,linux"
    properties = {
      serverFarmId           = azapi_resource.plan.id
      httpsOnly              = true
      publicNetworkAccess    = "Enabled"
      virtualNetworkSubnetId = var.private_network ? azurerm_subnet.app[0].id : null
      functionAppConfig = {
        deployment = {
          storage = {
            type  = "blobContainer"
            value = "${azurerm_storage_account.host.primary_blob_endpoint}${module.conventions.packages_container}"
            authentication = {
              type                           = "UserAssignedIdentity"
              userAssignedIdentityResourceId = azurerm_user_assigned_identity.run.id
            }
          }
        }
        runtime = {
          name    = "python"
          version = var.python_version
        }
        scaleAndConcurrency = {
          instanceMemoryMB     = var.instance_memory_mb
          maximumInstanceCount = var.maximum_instances
          alwaysReady          = var.always_ready
        }
        siteUpdateStrategy = {
          type = var.site_update_strategy
        }
      }
      siteConfig = {
        minTlsVersion    = "1.2"
        scmMinTlsVersion = "1.2"
        http20Enabled    = true
        # In the site, not in a child of its own: two writes would be two updates that overlap.
        appSettings = [for name, value in module.conventions.settings : { name = name, value = value }]
      }
    }
  }

  response_export_values = ["properties.defaultHostName"]

  # An app that starts before its identity may do anything fails, and is slow to try again.
  depends_on = [azurerm_role_assignment.run, azurerm_storage_container.packages, azurerm_private_endpoint.endpoint]
}

locals {
  # Asked, not built: the platform may put a suffix of its own into it.
  host_name = azapi_resource.site.output.properties.defaultHostName
}

# Deployments carry a bearer token; user names and passwords are off.
resource "azapi_update_resource" "publishing" {
  for_each  = toset(["scm", "ftp"])
  type      = "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01"
  name      = each.key
  parent_id = azapi_resource.site.id

  body = {
    properties = {
      allow = false
    }
  }
}
