"""`GET` and `POST /api/intents`, `DELETE /api/intents/{intent}`: what people say of a service in an environment.

An id names its place: `{environment}.{service}.{8 hex digits}`, of an environment in rings all of them, and `_` in
place of either is all of them; `{environment}.{service}.broken` opens a lock that a rollback left broken, after a
person has looked; `{environment}.{service}.rejected-{version}` lets a version in again that did harm there.
"""

import asyncio
import time
import uuid
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.clock import now
from slipway.adapters.read_model import environment_rows
from slipway.promotion import role_claims
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.errors import Forbidden
from slipway.promotion.ids import is_name, is_version, shortened
from slipway.promotion.intents import KINDS, SAME_PERSON, Intent, is_to_come, may_lift, record_of
from slipway.promotion.lock_intents import REJECTED_ID
from slipway.promotion.outcomes import iso
from slipway.promotion.precedence import explained
from slipway.promotion.views import intent as shown
from slipway.promotion.wide_intents import ALL
from triggers.entities_read import locks_at
from triggers.http import NotFound, answer, api, body_of, query_of
from triggers.identity import READERS, may_read, require
from triggers.known_places import Place, names_of, places_everywhere, places_of, rings_in

bp = df.Blueprint()

SHOWS_WITHIN_S = 3.0


@bp.route(route="api/intents", methods=["GET"])
@api(*READERS, place="the service; others are left out", answers={200: "Intents"}, query="IntentsQuery")
async def get_intents(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """What people said anywhere and counts, or will: each once, with its places; the strongest first."""
    from triggers.bodies import IntentsQuery

    everything, at = query_of(req, IntentsQuery).all, iso(now())
    found: dict[str, dict[str, Any]] = {}
    for environment, service, state in await asyncio.to_thread(environment_rows):
        for said in record_of(state):
            if may_read(person, service) and (everything or is_to_come(said, at)):
                there = found.setdefault(said["id"], {**shown(said, at), "places": []})
                there["places"].append(f"{environment}/{service}")
    ranked = sorted(found.values(), key=lambda each: (KINDS.index(each["kind"]), each["at"]))
    return answer({"intents": ranked})


@bp.route(route="api/intents", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    "operator",
    place="the environment and the service",
    answers={201: "IntentSaid", 202: "IntentSaid"},
    body="Intent",
    refuses={404: ("UNKNOWN_SERVICE", "UNKNOWN_ENVIRONMENT")},
)
async def post_intent(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """`hold`: no build of that service enters there until it is lifted or ends; of an environment in rings, of any
    ring. `reject`: that version does not enter, and is taken back if it is on its way. `freeze`: a hold with a
    beginning, that may let hotfixes in. `stop`: nothing but ways back goes on, there, or everywhere; another person
    lifts it. 201, or 202 if not yet visible."""
    from triggers.bodies import Intent as Asked

    asked, at = body_of(req, Asked), now()
    require(person, "operator", at=await asyncio.to_thread(_named, asked.environment, asked.service))
    places = await asyncio.to_thread(_meant, asked.environment, asked.service)
    id = f"{asked.environment or ALL}.{asked.service or ALL}.{uuid.uuid4().hex[:8]}"
    told = {"id": id, "by": person.name, "reason": asked.reason, "at": iso(at), "expires_at": iso(asked.ends(at))}
    given = {**told, "oid": person.oid, **asked.own()}
    environments, services = _names(places)
    what = explained({"kind": asked.kind, "version": "", "begins_at": "", **given})
    where = asked.environment or "every environment"
    where += f" ({', '.join(environments)})" if environments != [asked.environment] and asked.environment else ""
    words = f"{asked.service or 'every service'} in {where}, until {told['expires_at']}: {what}"
    visible = await _say(client, asked.kind, places, given, person, words)
    said = {"kind": asked.kind, "environments": environments, "services": services, "words": words}
    return answer({**told, **said}, 201 if visible else 202, {"Location": _shown_at(places)})


@bp.route(route="api/intents/{intent}", methods=["DELETE"])
@bp.durable_client_input(client_name="client")
@api(
    "operator",
    place="the environment and the service",
    answers={200: "Words", 202: "Words"},
    refuses={403: (SAME_PERSON,), 404: ("UNKNOWN_INTENT",)},
)
async def delete_intent(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """Lift what a person said, open a broken lock, or let a version in again that did harm. 200, or 202 if not yet
    visible; 403 for a stop that one has said oneself, 404 when there is no such intent."""
    id = req.route_params["intent"]
    environment, service, which = _place_of(id)
    named = ("" if each == ALL else each for each in (environment, service))
    require(person, "operator", at=await asyncio.to_thread(_named, *named))
    of_the_lock = which == "broken" or which.startswith(REJECTED_ID)
    lifted = which if of_the_lock else id
    candidates = await asyncio.to_thread(_candidates, environment, service, of_the_lock)
    locks = await locks_at(client, candidates)
    at = iso(now())
    places = [place for place, lock in locks.items() if lifted in _standing(lock, at)]
    if not places:
        rings = await asyncio.to_thread(rings_in, environment, service)
        known = f"; {environment} is made of rings: {', '.join(rings)}" if rings != [environment] else ""
        raise NotFound("UNKNOWN_INTENT", f"there is no intent {id}{known}")
    said: list[Intent] = [each for place in places for each in record_of(locks[place]) if each["id"] == lifted]
    words = f"{person.name} lifts {id}"
    if not all(may_lift(each, person.oid) for each in said):
        await asyncio.to_thread(_refused, places[0], person, words, at)
        raise Forbidden(SAME_PERSON, f"{person.name} has said {id}: a stop is lifted by another person")
    given = {"id": lifted, "by": person.name, "oid": person.oid, "at": at}
    visible = await _say(client, "lift", places, given, person, words)
    return answer({"words": words}, 200 if visible else 202, None if visible else {"Location": _shown_at(places)})


def _named(environment: str, service: str) -> role_claims.Place:
    """Of what place a role has to be: a ring is also of the environment that it is written under; where nothing is
    named, all is meant."""
    return role_claims.Place(names_of(environment, service) if environment else (), service)


async def _say(
    client: df.DurableOrchestrationClient,
    operation: str,
    places: list[Place],
    given: dict[str, Any],
    person: Person,
    words: str,
) -> bool:
    """Start an orchestration for each place and wait a little for their ends. Whether all ended in time."""
    named = given["id"].replace("+", "~")  # of a version, as in a promotion's id
    open_still = []
    for environment, service in places:
        instance = shortened(f"intent:{operation}:{named}:{uuid.uuid4().hex[:8]}")
        order = {"operation": operation, "given": given, "environment": environment, "service": service}
        await client.start_new("intent", instance, {**order, "by": person.oid, "words": words})
        open_still.append(instance)
    deadline = time.monotonic() + SHOWS_WITHIN_S
    while open_still and time.monotonic() < deadline:
        status = await client.get_status(open_still[0])
        if status.runtime_status is not df.OrchestrationRuntimeStatus.Completed:
            await asyncio.sleep(0.05)
            continue
        del open_still[0]
    return not open_still


def _meant(environment: str, service: str) -> list[Place]:
    """The places that people mean. Raises NotFound, which names those that there are."""
    if environment and service:
        return [(place, service) for place in places_of(environment, service)]
    found = places_everywhere(environment, service)
    if not found and service:
        raise NotFound("UNKNOWN_SERVICE", f"no pipeline is for the service {service}")
    if not found and environment:
        raise NotFound("UNKNOWN_ENVIRONMENT", f"no pipeline has the environment {environment}")
    return found


def _candidates(environment: str, service: str, of_the_lock: bool) -> list[Place]:
    """Where an intent with such an id may stand."""
    if ALL in (environment, service):
        return places_everywhere(*("" if each == ALL else each for each in (environment, service)))
    rings = [environment] if of_the_lock else rings_in(environment, service)
    return [(place, service) for place in rings]


def _refused(place: Place, person: Person, words: str, at: str) -> None:
    """On record, beside what was said there."""
    record = AuditRecord(
        f"intent-refused-{uuid.uuid4().hex}", now(), person.oid, "intent.refused", words=f"refused: {words}",
        evidence={"code": SAME_PERSON, "at": at},
    )  # fmt: skip
    AuditLog().append(f"environment-{place[0]}--{place[1]}", record)


def _names(places: list[Place]) -> tuple[list[str], list[str]]:
    return list(dict.fromkeys(place for place, _ in places)), list(dict.fromkeys(service for _, service in places))


def _shown_at(places: list[Place]) -> str:
    """Where it shows; of several places in the list of all environments."""
    return "/api/environments/{}/services/{}".format(*places[0]) if len(places) == 1 else "/api/environments"


def _place_of(id: str) -> tuple[str, str, str]:
    environment, service, which = [*id.split(".", 2), "", ""][:3]
    of_a_version = which.startswith(REJECTED_ID) and is_version(which.removeprefix(REJECTED_ID))
    named = all(each == ALL or is_name(each) for each in (environment, service))
    if not (named and (is_name(which) or of_a_version)):
        raise NotFound("UNKNOWN_INTENT", f"there is no intent {id}")
    return environment, service, which


def _standing(lock: dict[str, Any], at: str) -> set[str]:
    """What can be lifted there, by the id that the lock knows it by."""
    said = {str(each["id"]) for each in record_of(lock) if is_to_come(each, at)}
    rejected = {f"{REJECTED_ID}{each['version']}" for each in lock.get("rejected", ())}
    return said | rejected | ({"broken"} if lock.get("broken") else set())
