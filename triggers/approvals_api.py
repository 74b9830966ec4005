"""`POST /api/promotions/{id}/stages/{stage}/approval`: a person's yes or no, also in another's place."""

import asyncio
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.promotion.approval import Person, Vote
from slipway.promotion.audit import AuditRecord
from slipway.promotion.delegation import delegators
from slipway.promotion.errors import Forbidden, Refused
from triggers.deciding import as_response, decide, on_record, rows_for
from triggers.http import NotFound, api, body_of
from triggers.identity import READERS, here
from triggers.places import place_of, places_of_stage, require_at

bp = df.Blueprint()


@bp.route(route="api/promotions/{id}/stages/{stage}/approval", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    *READERS,
    demands="approver",
    place="the stage's environment and the service",
    answers={200: "VoteCounted", 202: "Words"},
    body="Approval",
    refuses={
        403: ("NOT_AN_APPROVER", "IS_AUTHOR", "AUTHOR_UNKNOWN", "APPROVED_BEFORE", "GROUPS_LEFT_OUT"),
        404: ("UNKNOWN_PROMOTION", "UNKNOWN_STAGE"),
        409: (
            *("NOT_ASKED", "AMBIGUOUS", "ALREADY_VOTED", "ALREADY_DECIDED", "EXPIRED"),
            *("SEAL_CHANGED", "COMMENT_REQUIRED", "SLOTS_FILLED", "NOT_VOTED"),
            *("ALREADY_ABORTED", "ALREADY_ENDED", "COMMAND_REUSED"),
        ),
    },
)
async def post_approval(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """Cast a vote. 200 with how the approval stands; 202 when that does not show within 2 s."""
    from slipway.adapters.people import person_of_author
    from triggers.bodies import Approval

    promotion, stage = req.route_params["id"], req.route_params["stage"]
    received_at = now()
    asked = body_of(req, Approval)
    rows = await rows_for(promotion, person, "approver")
    if "promotion" in rows and all(each["name"] != stage for each in rows["promotion"]["plan"]):
        there = ", ".join(each["name"] for each in rows["promotion"]["plan"])
        raise NotFound("UNKNOWN_STAGE", f"{promotion} has no stage {stage}; it has {there}")
    lent = await asyncio.to_thread(_delegators, rows, stage, person, received_at)
    said = AuditRecord(
        id=f"approval:{person.oid}:{asked.command}:{stage}:{asked.decision}",
        at=received_at,
        actor=person.oid,
        action=f"approval.{asked.decision}",
        words=f"{person.name} says {asked.decision} to {_what(asked.gate)}stage {stage}"
        + (f": {asked.reason}" if asked.reason else ""),
        evidence={
            "stage": stage,
            **({"gate": asked.gate} if asked.gate else {}),
            "name": person.name,
            "roles": list(person.roles),
            **({"seal": asked.seal} if asked.seal else {}),
            **({"may_approve_for": [each.name for each in lent]} if lent else {}),
        },
    )
    async with on_record(promotion, said):
        places = places_of_stage(rows, promotion, stage)
        require_at(person, places, "approver")
        if f"stage:{stage}" not in rows:
            raise Refused("NOT_ASKED", f"stage {stage} does not ask for an approval now")
        author_oid = await asyncio.to_thread(person_of_author, rows["promotion"]["author"])
        vote = Vote(here(person, places[0]), asked.decision, received_at, author_oid, asked.reason)
        given = {"command": f"{person.oid}:{asked.command}", "stage": stage, "vote": vote.dump()}
        given |= {key: value for key in ("gate", "seal") if (value := getattr(asked, key))}
        given |= {"delegators": [each.dump() for each in lent]} if lent else {}
        with _groups_told(person):
            return as_response(await decide(client, promotion, "vote", given), promotion)


@contextmanager
def _groups_told(person: Person) -> Iterator[None]:
    """Where somebody is none of the approvers, and the token could not name all groups, the refusal says that."""
    try:
        yield
    except Forbidden as refusal:
        if refusal.code != "NOT_AN_APPROVER" or not person.groups_left_out:
            raise
        words = f"{refusal.words}; {person.name} is in more groups than a token can name, so that none of them counts"
        raise Forbidden("GROUPS_LEFT_OUT", f"{words}: let the application name assigned groups only") from refusal


def _delegators(rows: dict[str, dict[str, Any]], stage: str, person: Person, at: datetime) -> list[Person]:
    """Those in whose place the person may approve that stage now. A token says what the person may do, who has lent
    them more is in no token: that is read here, and the file of people asked what was taken away since."""
    from slipway.adapters.delegations import lent_to
    from slipway.adapters.people import taken_away
    from slipway.promotion.plan import load_stage

    written = rows.get("promotion", {}).get("frozen_plan", {}).get("stages", ())
    plan = next((load_stage(each) for each in written if each["name"] == stage), None)
    lent = lent_to(person.oid, at) if plan else []
    if plan is None or not lent:
        return []
    place = place_of(plan, rows["promotion"]["service"])
    gone = functools.partial(taken_away, at=place)
    return [here(each, place) for each in delegators(lent, place.environments, place.service, at, gone)]


def _what(gate: str) -> str:
    return f"the {gate} of " if gate else ""
