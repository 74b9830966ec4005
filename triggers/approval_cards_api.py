"""The card that people read before they approve (`GET …/approval`), and links to it."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.promotion.approval import START, Person
from slipway.promotion.approval_card import Known, card_of
from slipway.promotion.approval_link import ApprovalLink
from slipway.promotion.audit import AuditRecord
from slipway.promotion.errors import Refused
from slipway.promotion.may_promote import may_promote
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.views import cases, open_stages
from slipway.promotion.votes import standing_at
from slipway.settings import settings
from triggers.deciding import audited, rows_for, rows_of
from triggers.delegations_api import person_meant
from triggers.entities_read import decisions_of, locks_of, member_locks_of
from triggers.http import NotFound, answer, api, body_of
from triggers.identity import READERS
from triggers.places import check_reading, places_of_stage, require_at, service_of

bp = df.Blueprint()

UNKNOWN = ("UNKNOWN_PROMOTION", "UNKNOWN_STAGE")


@bp.route(route="api/promotions/{id}/stages/{stage}/approval", methods=["GET"])
@bp.durable_client_input(client_name="client")
@api(*READERS, place="the service", answers={200: "ApprovalCardShown"}, refuses={404: UNKNOWN, 409: ("NOT_ASKED",)})
async def get_approval(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """What changes, what was proven and what not, how it could be taken back, who is asked and has answered.

    It changes nothing, however often it is read: whatever follows links in mails may follow one that leads here.
    """
    promotion, stage = req.route_params["id"], req.route_params["stage"]
    check_reading(person, service_of(promotion))
    rows, decisions = await rows_of(promotion), await decisions_of(client, promotion)
    environment, at = _stage_of(rows, promotion, stage)["environment"], iso(now())
    locks, members = await asyncio.gather(
        locks_of(client, [environment], rows["intake"]["service"]),
        member_locks_of(client, [each for each in open_stages(rows, decisions) if each.name == stage]),
    )
    case = next((each for each in cases(rows, decisions, locks, at, (), members) if each.stage.name == stage), None)
    may = may_promote(case) if case else None
    card = card_of(stage, Known(rows, decisions, locks[environment], at, may))
    if card is None:
        raise Refused("NOT_ASKED", f"stage {stage} has not asked for an approval")
    return answer(card.dump())


@bp.route(route="api/promotions/{id}/stages/{stage}/approval/links", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    "approver",
    "operator",
    place="the stage's environment and the service",
    answers={201: "LinkMade"},
    body="LinkWanted",
    refuses={404: (*UNKNOWN, "UNKNOWN_PERSON"), 409: ("NOT_ASKED", "LINKS_NOT_SET_UP"), 500: ("PEOPLE_INVALID",)},
)
async def post_approval_link(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """Make a link to an approval that is open, for one vote, until the approval's end or earlier. Whoever uses it signs
    in and votes by their own right; it is void when what was to be approved changes. What proves it stands behind the
    `#`, which no browser sends to a server, and goes into the body of the vote (`link`)."""
    from slipway.adapters.approval_links import token_of
    from triggers.bodies import LinkWanted

    promotion, stage = req.route_params["id"], req.route_params["stage"]
    wanted, at = body_of(req, LinkWanted), now()
    rows = await rows_for(promotion, person, "approver", "operator")
    require_at(person, places_of_stage(rows, promotion, stage), "approver", "operator")
    _stage_of(rows, promotion, stage)
    told = (await decisions_of(client, promotion)).get("stages", {}).get(stage, {})
    if "policy" not in told or told["decision"]:
        raise Refused("NOT_ASKED", f"stage {stage} does not ask for an approval now")
    told = standing_at(told, iso(at))
    oid, name = await asyncio.to_thread(person_meant, wanted.to) if wanted.to else ("", "anybody who may")
    ends = moment(told["deadline"])
    until = min(ends, at + timedelta(seconds=wanted.lasts_s)) if wanted.lasts_s else ends
    link = ApprovalLink(
        id=uuid.uuid4().hex,
        promotion=promotion,
        stage=stage,
        gate=told.get("gate", START),
        asked=told["asked"],
        seal=told.get("seal", {}).get("digest", ""),
        decision=wanted.decision,
        to=oid,
        until=iso(until),
    )
    token = await asyncio.to_thread(token_of, link)
    evidence = {"link": link.id, "stage": stage, "to": oid, "until": link.until, "seal": link.seal}
    words = f"{person.name} makes a link to the approval of stage {stage} for {name}, until {link.until}"
    made = AuditRecord(f"approval-link:{link.id}", at, person.oid, "approval.link", words, evidence)
    await audited(promotion, made)
    path = f"/api/promotions/{promotion}/stages/{stage}/approval"
    shown = {"id": link.id, "url": f"{settings().site}{path}#{token}", "until": link.until, "words": words}
    return answer(shown, 201, {"Location": path, "Cache-Control": "no-store"})


def _stage_of(rows: dict[str, dict[str, Any]], promotion: str, stage: str) -> dict[str, Any]:
    """The stage in the promotion's plan. Raises NotFound."""
    plan: list[dict[str, Any]] = rows.get("promotion", {}).get("plan", [])
    for each in plan:
        if each["name"] == stage:
            return each
    there = ", ".join(each["name"] for each in plan) or "none yet"
    raise NotFound("UNKNOWN_STAGE", f"{promotion} has no stage {stage}; it has {there}")
