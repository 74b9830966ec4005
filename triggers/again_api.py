"""`POST /api/promotions/{id}/again`: a person has a build promoted once more."""

import asyncio
import json
import uuid
from dataclasses import replace
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.adapters.insights import current
from slipway.adapters.intake import check_known
from slipway.adapters.service_bus import ServiceBus
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.build import Build
from slipway.promotion.errors import Refused
from slipway.promotion.ids import MOST_RUNS
from slipway.promotion.outcomes import iso
from slipway.settings import BUILDS_QUEUE
from triggers.deciding import on_record, rows_for
from triggers.http import answer, api, body_of
from triggers.identity import READERS
from triggers.intake import match
from triggers.places import places_of_stage, require_at

bp = df.Blueprint()


@bp.route(route="api/promotions/{id}/again", methods=["POST"])
@api(
    *READERS,
    demands="operator",
    place="every environment of the service",
    answers={202: "Accepted"},
    body="Again",
    refuses={
        404: ("UNKNOWN_PROMOTION",),
        409: ("STILL_UNDER_WAY", "SENT_AGAIN", "NOT_BEGUN"),
        422: (
            *("INVALID_BODY", "UNKNOWN_SERVICE", "PIPELINE_INVALID", "BRANCH_NOT_PROMOTED"),
            *("MEMBER_MISSING", "MEMBER_UNKNOWN", "MEMBER_VERSION", "NOT_FOR_GROUPS"),
        ),
    },
)
async def post_again(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Put the build of a promotion that is over on the queue once more, as its next run: by the pipeline of now, and
    newer than all builds before, because a person says so now. 202."""
    from triggers.bodies import Again

    promotion, at = req.route_params["id"], now()
    asked = body_of(req, Again)
    rows = await rows_for(promotion, person, "operator")
    words = f"{person.name} has it promoted once more: {asked.reason}"
    said = AuditRecord(f"again:{uuid.uuid4()}", at, person.oid, "promotion.again", words, {"name": person.name})
    async with on_record(promotion, said):
        require_at(person, places_of_stage(rows, promotion), "operator")
        build = replace(_built(rows, promotion), finished_at=at)
        if await asyncio.to_thread(check_known, build):
            raise Refused("SENT_AGAIN", f"{promotion} was sent again already: {build.promotion}")
        message = json.dumps(_message(build)).encode()
        await asyncio.to_thread(match, message)
        message_id = str(uuid.uuid4())
        properties = {"submitted_by": person.oid}
        if traceparent := current().traceparent:
            properties["traceparent"] = traceparent
        await asyncio.to_thread(ServiceBus().send, BUILDS_QUEUE, message, message_id, properties)
    url = f"/api/promotions/{build.promotion}"
    accepted = {"promotion": build.promotion, "message_id": message_id, "status_url": url, "known": False}
    return answer(accepted, 202, {"Location": url})


def _built(rows: dict[str, dict[str, Any]], promotion: str) -> Build:
    """The next run of the promotion's build. Raises Refused."""
    if rows["intake"]["state"] != "ended":
        raise Refused("STILL_UNDER_WAY", f"{promotion} is not over; retry or abort it")
    kept = rows.get("promotion", {}).get("build")
    if not kept:
        raise Refused("NOT_BEGUN", f"nothing is known of the build of {promotion}: submit it")
    build = Build.load(kept)
    if build.run >= MOST_RUNS:
        raise Refused("SENT_AGAIN", f"{promotion} is the last run of its build")
    return replace(build, run=build.run + 1)


def _message(build: Build) -> dict[str, Any]:
    """Slipway's own build message."""
    message: dict[str, Any] = {
        name: getattr(build, name)
        for name in ("service", "version", "commit", "branch", "author", "result", "evidence", "run")
    }
    message |= {"members": build.members} if build.members else {}
    message |= {"schema": build.schema} if build.schema else {}
    return message | {"finished_at": iso(build.finished_at)} | ({"digest": build.digest} if build.digest else {})
