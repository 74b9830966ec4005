"""The Azure Functions app: composes the blueprints of the four folders, and nothing else."""

import azure.durable_functions as df
import azure.functions as func

from activities import (
    claims,
    comparison,
    configuration,
    flags,
    loads,
    mirror,
    nudge,
    ramp,
    ramp_looks,
    record,
    release_flags,
    rings,
    switch_looks,
    targets,
    verification,
    watching,
)
from entities import decisions, environment
from orchestrators import abort, approval, canary_ramp, intent, operation, promotion, release_watch, rollback, stage
from triggers import (
    again_api,
    alerts_api,
    approvals_api,
    builds_api,
    builds_queue,
    commands_api,
    environments_api,
    flags_api,
    health_api,
    intents_api,
    janitor,
    openapi_api,
    pipelines_api,
    promotions_api,
)

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

for module in (
    promotion,
    stage,
    approval,
    operation,
    rollback,
    canary_ramp,
    release_watch,
    abort,
    intent,
    decisions,
    environment,
    claims,
    record,
    mirror,
    nudge,
    comparison,
    targets,
    verification,
    loads,
    flags,
    configuration,
    release_flags,
    ramp,
    ramp_looks,
    rings,
    switch_looks,
    watching,
    builds_queue,
    builds_api,
    promotions_api,
    approvals_api,
    commands_api,
    again_api,
    environments_api,
    intents_api,
    flags_api,
    alerts_api,
    pipelines_api,
    health_api,
    janitor,
    openapi_api,
):
    app.register_functions(module.bp)
