"""`POST /api/intents`, `DELETE /api/intents/{intent}`: what a person says of a service in an environment.

An id names its place: `{environment}.{service}.{8 hex digits}`, of an environment in rings all of them;
`{environment}.{service}.broken` opens a lock that a rollback left broken, after a person has looked;
`{environment}.{service}.rejected-{version}` lets a version in again that was rejected there.
"""

import asyncio
import time
import uuid
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.promotion.approval import Person
from slipway.promotion.ids import is_name, is_version, shortened
from slipway.promotion.lock import REJECTED_ID
from slipway.promotion.outcomes import iso
from slipway.promotion.rights import Place
from triggers.entities_read import locks_of
from triggers.http import NotFound, answer, api, body_of
from triggers.identity import require
from triggers.known_places import names_of, places_of, rings_in

bp = df.Blueprint()

SHOWS_WITHIN_S = 3.0


@bp.route(route="api/intents", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    "operator",
    place="the environment and the service",
    answers={201: "HoldSaid", 202: "HoldSaid"},
    body="Intent",
    refuses={404: ("UNKNOWN_SERVICE", "UNKNOWN_ENVIRONMENT")},
)
async def post_intent(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """`hold`: nobody gets the lock of that service there until it is lifted or ends; of an environment in rings, that
    of any ring. 201, or 202 if not yet visible."""
    from triggers.bodies import Intent

    asked, at = body_of(req, Intent), now()
    require(person, "operator", at=await asyncio.to_thread(_named, asked.environment, asked.service))
    places = await asyncio.to_thread(places_of, asked.environment, asked.service)
    id = f"{asked.environment}.{asked.service}.{uuid.uuid4().hex[:8]}"
    expires_at = iso(asked.ends(at))
    given = {"id": id, "by": person.name, "reason": asked.reason, "at": iso(at), "expires_at": expires_at}
    where = asked.environment if places == [asked.environment] else f"{asked.environment} ({', '.join(places)})"
    words = f"{person.name} holds {asked.service} in {where} until {expires_at}: {asked.reason}"
    visible = await _say(client, "hold", places, asked.service, given, person, words)
    url = _place(places, asked.service)
    return answer({**given, "environments": places, "words": words}, 201 if visible else 202, {"Location": url})


@bp.route(route="api/intents/{intent}", methods=["DELETE"])
@bp.durable_client_input(client_name="client")
@api(
    "operator",
    place="the environment and the service",
    answers={200: "Words", 202: "Words"},
    refuses={404: ("UNKNOWN_INTENT",)},
)
async def delete_intent(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """Lift a hold, open a broken lock, or let a rejected version in again. 200, or 202 if not yet visible; 404 when
    there is no such intent."""
    id = req.route_params["intent"]
    environment, service, which = _place_of(id)
    require(person, "operator", at=await asyncio.to_thread(_named, environment, service))
    of_the_lock = which == "broken" or which.startswith(REJECTED_ID)
    given = {"id": which if of_the_lock else id}
    rings = await asyncio.to_thread(rings_in, environment, service)
    locks = await locks_of(client, [environment] if of_the_lock else rings, service)
    places = [place for place, lock in locks.items() if given["id"] in _standing(lock)]
    if not places:
        known = f"; {environment} is made of rings: {', '.join(rings)}" if rings != [environment] else ""
        raise NotFound("UNKNOWN_INTENT", f"there is no intent {id}{known}")
    words = f"{person.name} lifts {id}"
    visible = await _say(client, "lift", places, service, given, person, words)
    url = _place(places, service)
    return answer({"words": words}, 200 if visible else 202, None if visible else {"Location": url})


async def _say(
    client: df.DurableOrchestrationClient,
    operation: str,
    environments: list[str],
    service: str,
    given: dict[str, Any],
    person: Person,
    words: str,
) -> bool:
    """Start an orchestration for each environment and wait a little for their ends. Whether all ended in time."""
    named = given["id"].replace("+", "~")  # of a version, as in a promotion's id
    open_still = []
    for environment in environments:
        instance = shortened(f"intent:{operation}:{named}:{uuid.uuid4().hex[:8]}")
        order = {"operation": operation, "given": given, "environment": environment, "service": service}
        await client.start_new("intent", instance, {**order, "by": person.oid, "words": words})
        open_still.append(instance)
    deadline = time.monotonic() + SHOWS_WITHIN_S
    while time.monotonic() < deadline:
        status = await client.get_status(open_still[0])
        if status.runtime_status is not df.OrchestrationRuntimeStatus.Completed:
            await asyncio.sleep(0.05)
            continue
        del open_still[0]
        if not open_still:
            return True
    return False


def _place(environments: list[str], service: str) -> str:
    """Where it shows; of several rings in the list of all environments."""
    return f"/api/environments/{environments[0]}/services/{service}" if len(environments) == 1 else "/api/environments"


def _place_of(id: str) -> tuple[str, str, str]:
    environment, service, which = [*id.split(".", 2), "", ""][:3]
    of_a_version = which.startswith(REJECTED_ID) and is_version(which.removeprefix(REJECTED_ID))
    if not (is_name(environment) and is_name(service) and (is_name(which) or of_a_version)):
        raise NotFound("UNKNOWN_INTENT", f"there is no intent {id}")
    return environment, service, which


def _named(environment: str, service: str) -> Place:
    """Of what place a role has to be: a ring is also of the environment that it is written under."""
    return Place(names_of(environment, service), service)


def _standing(lock: dict[str, Any]) -> set[str]:
    """What can be lifted there, by the id that the lock knows it by."""
    holds = {str(each["id"]) for each in lock.get("holds", ())}
    rejected = {f"{REJECTED_ID}{each['version']}" for each in lock.get("rejected", ())}
    return holds | rejected | ({"broken"} if lock.get("broken") else set())
