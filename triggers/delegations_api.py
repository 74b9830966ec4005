"""`/api/delegations`: who may approve in whose place, and until when."""

import asyncio
import re
import uuid

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.delegation import Delegation
from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.outcomes import iso
from triggers.deciding import on_record
from triggers.http import NotFound, answer, api, body_of
from triggers.identity import READERS

bp = df.Blueprint()

CHAIN = "delegations"
_OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


@bp.route(route="api/delegations", methods=["GET"])
@api(*READERS, place="any place", answers={200: "Delegations"})
async def get_delegations(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Those that hold now, the first that ends last."""
    from slipway.adapters.delegations import in_force

    found = await asyncio.to_thread(in_force, now())
    return answer({"delegations": [_shown(each) for each in found]})


@bp.route(route="api/delegations", methods=["POST"])
@api(
    "approver",
    place="any place; what is lent holds no further than one's own roles",
    answers={201: "DelegationShown"},
    body="Delegate",
    refuses={404: ("UNKNOWN_PERSON",), 409: ("SELF_DELEGATION",), 500: ("PEOPLE_INVALID",)},
)
async def post_delegation(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Let another person approve in one's own place until then. What is lent are the roles and groups of one's own
    token, as far as they still hold at each vote; whoever votes needs the role `approver` besides."""
    from slipway.adapters.delegations import keep
    from triggers.bodies import Delegate

    asked, at = body_of(req, Delegate), now()
    until = iso(asked.ends(at))
    oid, name = await asyncio.to_thread(_person, asked.to)
    scope = {"environment": asked.environment, "service": asked.service, "reason": asked.reason}
    lent = Delegation(uuid.uuid4().hex[:12], person, oid, name, iso(at), until, **scope)
    evidence = {"id": lent.id, "to": oid, "until": until, **{key: value for key, value in scope.items() if value}}
    said = AuditRecord(f"delegation:{lent.id}", at, person.oid, "delegation.begin", lent.words, evidence)
    async with on_record(CHAIN, said):
        if oid == person.oid:
            raise Refused("SELF_DELEGATION", f"{person.name} can approve without that; name somebody else")
        await asyncio.to_thread(keep, lent)
    return answer(_shown(lent), 201, {"Location": "/api/delegations"})


@bp.route(route="api/delegations/{delegation}", methods=["DELETE"])
@api("approver", place="any place", answers={200: "Words"}, refuses={404: ("UNKNOWN_DELEGATION",)})
async def delete_delegation(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """End it now: one's own, one that one was given, or with the role `admin` anybody's. Votes that were cast stay."""
    from slipway.adapters.delegations import end, in_force

    id, at = req.route_params["delegation"], now()
    found = next((each for each in await asyncio.to_thread(in_force, at) if each.id == id), None)
    if found is None:
        raise NotFound("UNKNOWN_DELEGATION", f"there is no delegation {id} that holds now")
    words = f"{person.name} ends that {found.by.name} lets {found.to_name} approve in their place"
    said = AuditRecord(f"delegation:{id}:end:{person.oid}", at, person.oid, "delegation.end", words, {"id": id})
    async with on_record(CHAIN, said):
        if person.oid not in (found.by.oid, found.to) and "admin" not in person.roles:
            raise Forbidden("FORBIDDEN", f"{person.name} has not given or been given it; that needs the role admin")
        await asyncio.to_thread(end, found)
    return answer({"words": words})


def _person(name: str) -> tuple[str, str]:
    """Object id and name of whom the text means. Raises NotFound."""
    from slipway.adapters.people import person_called

    if found := person_called(name):
        return found.oid, found.name or name
    if _OBJECT_ID.match(name):
        return name.lower(), name
    raise NotFound(
        "UNKNOWN_PERSON", f"the file of people knows nobody, or more than one, as {name}: give the object id"
    )


def _shown(lent: Delegation) -> dict[str, object]:
    return {
        "id": lent.id,
        "by": lent.by.name,
        "to": lent.to_name,
        "since": lent.since,
        "until": lent.until,
        "environment": lent.environment,
        "service": lent.service,
        "reason": lent.reason,
        "words": lent.words,
    }
