"""What is made when, of which size, and whom an alert reaches: rows of the table that wanted.py begins."""

from tests.infra.wanted import Row
from tests.infra.wiring import NOTHING

MAIN, SITE, METRIC = "azure/main.bicep", "modules/site.bicep", "modules/metric-alerts.bicep"
TF_SITE, TF_PLAN = ". resource azapi_resource.site", ". resource azapi_resource.plan"
GROUP = "azurerm_monitor_action_group.slipway.id"
QUERY = ". resource azurerm_monitor_scheduled_query_rules_alert_v2.query"

CONDITIONS = [
    Row(
        "which backend it is",
        f"{MAIN} var onScheduler",
        "durableBackend == 'scheduler'",
        ". local on_scheduler",
        'var.durable_backend == "scheduler"',
    ),
    Row(
        "the scheduler is made where it keeps the histories",
        "modules/scheduler.bicep resource scheduler if",
        "enabled",
        ". resource azapi_resource.scheduler count",
        "local.on_scheduler ? 1 : 0",
    ),
    Row(
        "and its hub with it",
        "modules/scheduler.bicep resource hub if",
        "enabled",
        ". resource azapi_resource.hub count",
        "local.on_scheduler ? 1 : 0",
    ),
    Row("by that backend", f"{MAIN} module scheduler params.enabled", "onScheduler"),
    Row(
        "its roles by it too", f"{MAIN} module roles params.schedulerName", "onScheduler ? scheduler.outputs.name : ''"
    ),
    Row("and its endpoint", f"{MAIN} module privateWays params.schedulerName", "onScheduler ? schedulerName : ''"),
    Row(
        "Terraform gives every role that there is",
        f"{MAIN} module roles if",
        NOTHING,
        ". resource azurerm_role_assignment.run for_each",
        "merge(local.always, local.on_the_hub, local.on_storage, local.on_logs)",
    ),
    Row(
        "the hub's role where there is a hub",
        "modules/scheduler.bicep output name",
        "name",
        ". local on_the_hub",
        '{ for hub in azapi_resource.hub : "hub_contributor" => { scope = hub.id, role = "durable_contributor" } }',
    ),
    Row(
        "queues where storage keeps the histories",
        "modules/scheduler.bicep output endpoint",
        "enabled ? scheduler.properties.endpoint : ''",
        ". local on_storage",
        "local.on_scheduler ? {} : "
        '{ host_queues = { scope = azurerm_storage_account.host.id, role = "queue_contributor" } }',
    ),
    Row(
        "logs are read in a workspace of one's own",
        f"{MAIN} module roles params.workspaceName",
        "empty(telemetryWorkspace) ? monitoring.outputs.workspaceName : ''",
        ". local on_logs",
        'var.telemetry_workspace != "" ? {} : '
        '{ telemetry_reader = { scope = azurerm_log_analytics_workspace.slipway.id, role = "log_reader" } }',
    ),
    Row(
        "Service Bus has private endpoints in Premium only",
        f"{MAIN} module messaging params.sku",
        "privateNetwork ? 'Premium' : 'Standard'",
        ". resource azurerm_servicebus_namespace.slipway sku",
        'var.private_network ? "Premium" : "Standard"',
    ),
    Row(
        "Premium has a unit, Standard none",
        "modules/messaging.bicep resource namespace sku",
        "{name: sku, tier: sku, capacity: sku == 'Premium' ? 1 : null}",
        ". resource azurerm_servicebus_namespace.slipway capacity",
        "var.private_network ? 1 : 0",
    ),
    Row(
        "App Configuration has private endpoints from standard",
        f"{MAIN} module configuration params.sku",
        "privateNetwork && configurationSku != 'premium' ? 'standard' : configurationSku",
        ". resource azurerm_app_configuration.slipway sku",
        'var.private_network && var.configuration_sku != "premium" ? "standard" : var.configuration_sku',
    ),
    Row(
        "a private network has a network",
        f"{MAIN} module privateWays if",
        "privateNetwork",
        ". resource azurerm_virtual_network.slipway count",
        "var.private_network ? 1 : 0",
    ),
    Row(
        "and the app calls out of it",
        f"{MAIN} module site params.subnetId",
        "privateNetwork ? privateWays.outputs.appSubnetId : ''",
        f"{TF_SITE} body.properties.virtualNetworkSubnetId",
        "var.private_network ? azurerm_subnet.app[0].id : null",
    ),
    Row(
        "by its subnet",
        f"{SITE} resource site properties.virtualNetworkSubnetId",
        "empty(subnetId) ? null : subnetId",
        ". resource azurerm_subnet.app count",
        "var.private_network ? 1 : 0",
    ),
    Row("which is the app's", "modules/network.bicep output appSubnetId", "'${network.id}/subnets/app'"),
    Row("handed on", "modules/private-ways.bicep output appSubnetId", "network.outputs.appSubnetId"),
    Row(
        "the plan is Flex Consumption",
        f"{SITE} resource plan sku",
        '{name: "FC1", tier: "FlexConsumption"}',
        f"{TF_PLAN} body.sku",
        '{name: "FC1", tier: "FlexConsumption"}',
    ),
    Row(
        "and the site's",
        f"{SITE} resource site properties.serverFarmId",
        "plan.id",
        f"{TF_SITE} body.properties.serverFarmId",
        "azapi_resource.plan.id",
    ),
]

PRIVATE = [
    Row(f"{module} is shut by a private network", f"{MAIN} module {module} params.privateNetwork", "privateNetwork")
    for module in ("storage", "audit", "messaging", "scheduler", "vault", "configuration")
]

ALERTS = [
    Row(
        "somebody gets an e-mail when somebody is named",
        "modules/action-group.bicep resource group properties.emailReceivers",
        "empty(email) ? [] : [{ name: 'on-call', emailAddress: email, useCommonAlertSchema: true }]",
        ". resource azurerm_monitor_action_group.slipway email_receiver.for_each",
        'var.alert_email == "" ? [] : [var.alert_email]',
    ),
    Row(
        "and it is who is named",
        f"{MAIN} module actionGroup params.email",
        "alertEmail",
        ". resource azurerm_monitor_action_group.slipway email_receiver.content.email_address",
        "email_receiver.value",
    ),
    Row(
        "alerts on logs reach the action group",
        "modules/query-alerts.bicep resource alerts properties.actions.actionGroups",
        "[actionGroupId]",
        f"{QUERY} action.action_groups",
        f"[{GROUP}]",
    ),
    Row(
        "alerts on metrics reach it",
        f"{METRIC} resource alerts properties.actions",
        "[{actionGroupId: actionGroupId}]",
        ". resource azurerm_monitor_metric_alert.metric action.action_group_id",
        GROUP,
    ),
    Row("it is that one for logs", f"{MAIN} module queryAlerts params.actionGroupId", "actionGroup.outputs.id"),
    Row("and for metrics", f"{MAIN} module metricAlerts params.actionGroupId", "actionGroup.outputs.id"),
    Row(
        "one dead letter, one throttled request is too many",
        f"{METRIC} resource alerts properties.criteria.allOf.0.threshold",
        "0",
        ". resource azurerm_monitor_metric_alert.metric criteria.threshold",
        "0",
    ),
    Row(
        "more than none",
        f"{METRIC} resource alerts properties.criteria.allOf.0.operator",
        '"GreaterThan"',
        ". resource azurerm_monitor_metric_alert.metric criteria.operator",
        '"GreaterThan"',
    ),
    Row(
        "of the namespace",
        f"{MAIN} module metricAlerts params.namespaceId",
        "messaging.outputs.id",
        ". resource azurerm_monitor_metric_alert.metric scopes",
        "[azurerm_servicebus_namespace.slipway.id]",
    ),
    *(
        Row(
            f"an alert on logs has the {ours} of its entry",
            f"modules/query-alerts.bicep resource alerts properties.{there}",
            f"rule.{ours}",
            f"{QUERY} {too}",
            f"each.value.{ours}",
        )
        for ours, there, too in (
            ("severity", "severity", "severity"),
            ("every", "evaluationFrequency", "evaluation_frequency"),
            ("over", "windowSize", "window_duration"),
            ("threshold", "criteria.allOf.0.threshold", "criteria.threshold"),
            ("operator", "criteria.allOf.0.operator", "criteria.operator"),
            ("aggregation", "criteria.allOf.0.timeAggregation", "criteria.time_aggregation_method"),
            ("measure", "criteria.allOf.0.metricMeasureColumn", "criteria.metric_measure_column"),
        )
    ),
    Row(
        "alerts look at Slipway's own workspace",
        f"{MAIN} module queryAlerts params.workspaceId",
        "monitoring.outputs.workspaceId",
        f"{QUERY} scopes",
        "[azurerm_log_analytics_workspace.slipway.id]",
    ),
]

SESSIONS = [
    Row(
        f"nobody opens a session on {entity}",
        f"modules/messaging.bicep resource {entity} properties.requiresSession",
        "false",
    )
    for entity in ("builds", "rejected", "audit", "reports")
] + [
    Row(
        "nor on a queue",
        f"{MAIN} module messaging if",
        NOTHING,
        f". resource azurerm_servicebus_{kind}.{kind} requires_session",
        "false",
    )
    for kind in ("queue", "subscription")
]

WHEN = [*CONDITIONS, *PRIVATE, *ALERTS, *SESSIONS]
