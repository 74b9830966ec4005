"""`POST /api/intents`, `DELETE /api/intents/{intent}`: what a person says of a service in an environment.

An id names its place: `{environment}.{service}.{8 hex digits}`; `{environment}.{service}.broken` opens a lock
that a rollback left broken, after a person has looked.
"""

import asyncio
import time
import uuid
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.promotion.approval import Person
from slipway.promotion.ids import is_name, shortened
from slipway.promotion.outcomes import iso
from triggers.entities_read import lock_of
from triggers.http import NotFound, answer, api, body_of
from triggers.intake import now
from triggers.known_places import require_known

bp = df.Blueprint()

SHOWS_WITHIN_S = 3.0


@bp.route(route="api/intents", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    "operator",
    answers={201: "HoldSaid", 202: "HoldSaid"},
    body="Intent",
    refuses={404: ("UNKNOWN_SERVICE", "UNKNOWN_ENVIRONMENT")},
)
async def post_intent(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """`hold`: nobody gets the lock of that service there until it is lifted or ends. 201, or 202 if not yet visible."""
    from triggers.bodies import Intent

    asked, at = body_of(req, Intent), now()
    await asyncio.to_thread(require_known, asked.environment, asked.service)
    id = f"{asked.environment}.{asked.service}.{uuid.uuid4().hex[:8]}"
    expires_at = iso(asked.ends(at))
    given = {"id": id, "by": person.name, "reason": asked.reason, "at": iso(at), "expires_at": expires_at}
    words = f"{person.name} holds {asked.service} in {asked.environment} until {expires_at}: {asked.reason}"
    visible = await _say(client, "hold", asked.environment, asked.service, given, person, words)
    url = _place(asked.environment, asked.service)
    return answer({**given, "words": words}, 201 if visible else 202, {"Location": url})


@bp.route(route="api/intents/{intent}", methods=["DELETE"])
@bp.durable_client_input(client_name="client")
@api("operator", answers={200: "Words", 202: "Words"}, refuses={404: ("UNKNOWN_INTENT",)})
async def delete_intent(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """Lift a hold, or open a broken lock. 200, or 202 if not yet visible; 404 when there is no such intent."""
    id = req.route_params["intent"]
    environment, service, which = _place_of(id)
    lock = await lock_of(client, environment, service)
    there = lock.get("broken") if which == "broken" else [each for each in lock.get("holds", ()) if each["id"] == id]
    if not there:
        raise NotFound("UNKNOWN_INTENT", f"there is no intent {id}")
    words = f"{person.name} lifts {id}"
    given = {"id": "broken" if which == "broken" else id}
    visible = await _say(client, "lift", environment, service, given, person, words)
    url = _place(environment, service)
    return answer({"words": words}, 200 if visible else 202, None if visible else {"Location": url})


async def _say(
    client: df.DurableOrchestrationClient,
    operation: str,
    environment: str,
    service: str,
    given: dict[str, Any],
    person: Person,
    words: str,
) -> bool:
    """Start the orchestration and wait a little for its end. Whether it ended in time."""
    instance = shortened(f"intent:{operation}:{given['id']}:{uuid.uuid4().hex[:8]}")
    order = {"operation": operation, "given": given, "environment": environment, "service": service}
    await client.start_new("intent", instance, {**order, "by": person.oid, "words": words})
    deadline = time.monotonic() + SHOWS_WITHIN_S
    while time.monotonic() < deadline:
        status = await client.get_status(instance)
        if status.runtime_status is df.OrchestrationRuntimeStatus.Completed:
            return True
        await asyncio.sleep(0.05)
    return False


def _place(environment: str, service: str) -> str:
    return f"/api/environments/{environment}/services/{service}"


def _place_of(id: str) -> tuple[str, str, str]:
    parts = id.split(".")
    if len(parts) != 3 or not all(is_name(part) for part in parts):
        raise NotFound("UNKNOWN_INTENT", f"there is no intent {id}")
    return parts[0], parts[1], parts[2]
