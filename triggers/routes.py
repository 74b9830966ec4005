"""The modules that have the HTTP routes: the app is made of them, and the API's document."""

from triggers import (
    again_api,
    alerts_api,
    approval_cards_api,
    approvals_api,
    audit_api,
    builds_api,
    commands_api,
    delegations_api,
    environments_api,
    evidence_api,
    flags_api,
    gates_api,
    health_api,
    hooks_api,
    intents_api,
    openapi_api,
    overrides_api,
    pipelines_api,
    policies_api,
    promotions_api,
    rejected_api,
)

ROUTES = (
    *(builds_api, promotions_api, approvals_api, commands_api, again_api, evidence_api, gates_api),
    *(hooks_api, environments_api, intents_api, flags_api, rejected_api, alerts_api, pipelines_api, audit_api),
    *(delegations_api, approval_cards_api, overrides_api, policies_api),
    *(health_api, openapi_api),
)
