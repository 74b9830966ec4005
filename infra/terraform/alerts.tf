# Whom alerts reach. With no address the alerts still fire, and are seen in the portal.
resource "azurerm_monitor_action_group" "slipway" {
  name                = module.conventions.names.action_group
  resource_group_name = azurerm_resource_group.slipway.name
  short_name          = "slipway"

  dynamic "email_receiver" {
    for_each = var.alert_email == "" ? [] : [var.alert_email]
    content {
      name                    = "on-call"
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

locals {
  query_rules = { for rule in jsondecode(file("${path.module}/../alerts.json")) : rule.name => rule }

  metric_rules = {
    dead-letters = {
      says        = "Messages lie in a dead-letter queue: Slipway could not take builds in for an hour and a half, or nobody read."
      severity    = 1
      metric      = "DeadletteredMessages"
      aggregation = "Maximum"
    }
    throttled = {
      says        = "Service Bus throttles: intake and events are late. Standard has 1,000 credits a second for the namespace."
      severity    = 2
      metric      = "ThrottledRequests"
      aggregation = "Total"
    }
  }
}

# Every entry of infra/alerts.json with its query of infra/queries.
resource "azurerm_monitor_scheduled_query_rules_alert_v2" "query" {
  for_each = local.query_rules

  name                    = "slipway-${each.key}"
  display_name            = "Slipway: ${each.key}"
  description             = each.value.says
  resource_group_name     = azurerm_resource_group.slipway.name
  location                = var.location
  scopes                  = [azurerm_log_analytics_workspace.slipway.id]
  severity                = each.value.severity
  evaluation_frequency    = each.value.every
  window_duration         = each.value.over
  auto_mitigation_enabled = true
  # Tables appear with their first rows; before that no query on them could be validated.
  skip_query_validation = true

  criteria {
    query                   = file("${path.module}/../queries/${each.key}.kql")
    time_aggregation_method = each.value.aggregation
    metric_measure_column   = each.value.measure
    operator                = each.value.operator
    threshold               = each.value.threshold

    # An alert for each value of these columns.
    dynamic "dimension" {
      for_each = each.value.by
      content {
        name     = dimension.value
        operator = "Include"
        values   = ["*"]
      }
    }

    failing_periods {
      number_of_evaluation_periods             = each.value.failing
      minimum_failing_periods_to_trigger_alert = each.value.failing
    }
  }

  action {
    action_groups = [azurerm_monitor_action_group.slipway.id]
  }
}

# Service Bus's own metrics: cheaper and quicker than logs.
resource "azurerm_monitor_metric_alert" "metric" {
  for_each = local.metric_rules

  name                = "slipway-${each.key}"
  description         = each.value.says
  resource_group_name = azurerm_resource_group.slipway.name
  scopes              = [azurerm_servicebus_namespace.slipway.id]
  severity            = each.value.severity
  frequency           = "PT5M"
  window_size         = "PT15M"
  auto_mitigate       = true

  criteria {
    metric_namespace = "Microsoft.ServiceBus/namespaces"
    metric_name      = each.value.metric
    aggregation      = each.value.aggregation
    operator         = "GreaterThan"
    threshold        = 0
  }

  action {
    action_group_id = azurerm_monitor_action_group.slipway.id
  }
}
