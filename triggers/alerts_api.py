"""`POST /api/alerts`: alerts of Azure Monitor, by the webhook of an action group.

The action group signs in with Entra ID ("secure webhook"): Azure's application holds the role
`ActionGroupsSecureWebhook` in ours. Body: the common alert schema.
"""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters import clock
from slipway.adapters.alerts import Alert, keep_alert, resolve_alert, waiter_at
from slipway.promotion.approval import Person
from triggers.deciding import nudge
from triggers.http import answer, api, body_of
from triggers.identity import ACTION_GROUPS

bp = df.Blueprint()


@bp.route(route="api/alerts", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(ACTION_GROUPS, "operator", answers={200: "Words"}, body="CommonAlert")
async def post_alert(req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person) -> func.HttpResponse:
    """An alert fires, or is resolved. A canary ramp on one of its targets waits or goes back, as its pipeline says: it
    is woken at once."""
    from triggers.bodies import CommonAlert

    said = body_of(req, CommonAlert).data.essentials
    for resource in said.targets:
        alert = Alert(said.id, said.rule, said.severity, resource, said.fired_at)
        if said.fires:
            await asyncio.to_thread(keep_alert, alert)
        else:
            await asyncio.to_thread(resolve_alert, alert, said.resolved_at or clock.now())
    ramps = await asyncio.gather(*(asyncio.to_thread(waiter_at, resource) for resource in said.targets))
    await nudge(client, [ramp for ramp in ramps if ramp])
    words = "fires on" if said.fires else "is resolved on"
    return answer({"words": f"{said.rule} {words} {len(said.targets)} resource(s)"})
