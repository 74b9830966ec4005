# What Slipway's identity `run` may do, each role on the smallest thing that carries it. Rights on the targets that
# it releases to are not here: they belong to whoever owns those (docs/deploy.md).
locals {
  always = {
    # The host takes leases on blobs of its own account (singletons, timers), and fetches its package there: Owner.
    host_blobs = { scope = azurerm_storage_account.host.id, role = "blob_owner" }
    # Slipway's rows (intake, fences, receipts, read model), and the host's diagnostic events.
    host_tables = { scope = azurerm_storage_account.host.id, role = "table_contributor" }
    # Appends to the chains and reads them. The right to delete that comes with it stops at the immutability policy.
    audit_blobs = { scope = azurerm_storage_container.audit.id, role = "blob_contributor" }
    # Keeps what releases are compared with, and reads it.
    evidence_blobs = { scope = azurerm_storage_container.evidence.id, role = "blob_contributor" }
    # The trigger receives builds. Data Owner, which Microsoft's samples add for scaling, could delete the queue.
    builds_receiver = { scope = azurerm_servicebus_queue.queue["builds"].id, role = "bus_receiver" }
    # `POST api/builds` puts a build on the queue like CI does.
    builds_sender = { scope = azurerm_servicebus_queue.queue["builds"].id, role = "bus_sender" }
    # What cannot be used is set aside there.
    rejected_sender = { scope = azurerm_servicebus_queue.queue["builds-rejected"].id, role = "bus_sender" }
    # `slipway dlq` looks at what was set aside, and takes away what it put back.
    rejected_receiver = { scope = azurerm_servicebus_queue.queue["builds-rejected"].id, role = "bus_receiver" }
    # The trigger that tells code hosts reads its own subscription, and no other one.
    reports_receiver = { scope = azurerm_servicebus_subscription.subscription["reports"].id, role = "bus_receiver" }
    # Every change of state is published.
    promotions_sender = { scope = azurerm_servicebus_topic.topic["promotions"].id, role = "bus_sender" }
    # Reads the secrets that pipelines name for the headers of checks.
    vault_reader = { scope = azurerm_key_vault.slipway.id, role = "secrets_user" }
    # Signs checkpoints of the audit trail with that one key, and reads its public half.
    audit_signer = { scope = azapi_resource_action.audit_key.resource_id, role = "crypto_user" }
    # Ramps feature flags and switches them off. Azure has no role for flags alone.
    flag_writer = { scope = azurerm_app_configuration.slipway.id, role = "configuration_owner" }
    # Sends the app's own telemetry, since local authentication is off.
    telemetry_sender = { scope = azurerm_application_insights.slipway.id, role = "metrics_publisher" }
  }

  # One task hub, not the scheduler: another app's hub beside it stays out of reach.
  on_the_hub = { for hub in azapi_resource.hub : "hub_contributor" => { scope = hub.id, role = "durable_contributor" } }

  # Queues carry the work only where Azure Storage keeps the histories.
  on_storage = local.on_scheduler ? {} : {
    host_queues = { scope = azurerm_storage_account.host.id, role = "queue_contributor" }
  }

  # Reads what users met, to judge a canary; rights on a workspace of somebody else are that one's to give.
  on_logs = var.telemetry_workspace != "" ? {} : {
    telemetry_reader = { scope = azurerm_log_analytics_workspace.slipway.id, role = "log_reader" }
  }
}

resource "azurerm_role_assignment" "run" {
  for_each = merge(local.always, local.on_the_hub, local.on_storage, local.on_logs)

  scope              = each.value.scope
  principal_id       = azurerm_user_assigned_identity.run.principal_id
  principal_type     = "ServicePrincipal"
  role_definition_id = "/subscriptions/${var.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/${module.conventions.role_ids[each.value.role]}"
}
