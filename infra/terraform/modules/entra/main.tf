# Who Slipway is in the tenant, and who may use it. Needs rights in the directory; nothing else here does.
terraform {
  required_providers {
    azuread = {
      source = "hashicorp/azuread"
    }
  }
}

locals {
  azure_cli = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
  people    = ["User", "Application"]

  api_roles = {
    reader    = { says = "Sees promotions, environments, pipelines and the audit trail.", for = local.people }
    operator  = { says = "Submits builds, aborts, retries, rolls back, pauses, holds builds out of an environment.", for = local.people }
    approver  = { says = "May approve; the pipeline says who counts.", for = local.people }
    submitter = { says = "Submits builds and their evidence, and sees what became of its own: CI.", for = local.people }
    auditor   = { says = "Takes the whole audit trail away, to verify it and report from it.", for = local.people }
    admin     = { says = "Holds every role of the API.", for = local.people }
    # The name is Azure Monitor's: its application must hold a role of exactly this name to call a secure webhook.
    ActionGroupsSecureWebhook = { says = "Azure Monitor, whose alerts a canary ramp hears.", for = ["Application"] }
  }
  approval_roles = {
    for role in var.pipeline_roles : role => {
      says = "Named as role:${role} in the approvals of pipelines."
      # Of roles with a place those that a workload may hold, such as submitter@*/checkout.
      for = startswith(role, "submitter@") || startswith(role, "reader@") ? local.people : ["User"]
    }
  }
  roles    = merge(local.api_roles, local.approval_roles)
  role_ids = { for role, _ in local.roles : role => uuidv5("url", "${var.identifier_uri}/${role}") }
  scope_id = uuidv5("url", "${var.identifier_uri}/scopes/access")
}

resource "azuread_application" "slipway" {
  display_name            = var.display_name
  sign_in_audience        = "AzureADMyOrg"
  identifier_uris         = [var.identifier_uri]
  group_membership_claims = ["SecurityGroup"]

  # A token says whether it is a workload's own: who decides is a person.
  optional_claims {
    access_token {
      name = "idtyp"
    }
  }

  dynamic "app_role" {
    for_each = local.roles
    content {
      id                   = local.role_ids[app_role.key]
      value                = app_role.key
      display_name         = app_role.key
      description          = app_role.value.says
      enabled              = true
      allowed_member_types = app_role.value.for
    }
  }

  api {
    # Version 2: the audience of a token is the client id, whatever URI it was asked for.
    requested_access_token_version = 2

    oauth2_permission_scope {
      id                         = local.scope_id
      value                      = "access"
      type                       = "User"
      enabled                    = true
      admin_consent_display_name = "Use Slipway"
      admin_consent_description  = "Use Slipway in the name of the signed-in person, within the roles that the person holds."
      user_consent_display_name  = "Use Slipway"
      user_consent_description   = "Use Slipway in your name."
    }
  }

  web {
    implicit_grant {
      id_token_issuance_enabled     = true
      access_token_issuance_enabled = false
    }
  }

  # The address is known once the site is there: see redirect_uris.
  lifecycle {
    ignore_changes = [web[0].redirect_uris]
  }
}

# The Azure CLI gets tokens for people without asking each of them for consent.
resource "azuread_application_pre_authorized" "azure_cli" {
  application_id       = azuread_application.slipway.id
  authorized_client_id = local.azure_cli
  permission_ids       = [local.scope_id]
}

# In place of a secret: App Service signs in as this application with the identity `auth`.
resource "azuread_application_federated_identity_credential" "app_service" {
  # checkov:skip=CKV_AZURE_249: it trusts one managed identity of this tenant, not GitHub
  application_id = azuread_application.slipway.id
  display_name   = "app-service"
  description    = "App Service signs in as this application with the identity auth, so there is no secret to keep."
  audiences      = ["api://AzureADTokenExchange"]
  issuer         = "https://login.microsoftonline.com/${var.tenant_id}/v2.0"
  subject        = var.auth_principal_id
}

resource "azuread_service_principal" "slipway" {
  client_id = azuread_application.slipway.client_id
  # Who holds no role here gets no token at all.
  app_role_assignment_required = true
}

resource "azuread_app_role_assignment" "admin" {
  count               = var.admin_principal_id == "" ? 0 : 1
  app_role_id         = local.role_ids["admin"]
  principal_object_id = var.admin_principal_id
  resource_object_id  = azuread_service_principal.slipway.object_id
}
