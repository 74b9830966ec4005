"""`POST /api/builds`: the same message as on the queue, for CI that cannot reach a queue."""

import asyncio
import uuid

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.insights import current
from slipway.adapters.intake import check_known
from slipway.adapters.service_bus import ServiceBus
from slipway.promotion.approval import Person
from slipway.promotion.cloud_event_attributes import as_properties
from slipway.settings import BUILDS_QUEUE
from triggers.http import LARGEST_MESSAGE, answer, api, raw_body
from triggers.intake import match
from triggers.places import places_of_plan, require_at

bp = df.Blueprint()


@bp.route(route="api/builds", methods=["POST"])
@api(
    "operator",
    "submitter",
    place="every environment of the service",
    answers={202: "Accepted"},
    body="SlipwayBuild",
    refuses={
        409: ("VERSION_REUSED",),
        422: (
            *("INVALID_BUILD", "UNKNOWN_SHAPE", "UNKNOWN_SERVICE", "PIPELINE_INVALID", "FINISHED_IN_THE_FUTURE"),
            *("UNKNOWN_EVENT_VERSION", "CLAIMED_TWICE", "BRANCH_UNKNOWN", "NOT_A_BUILD", "NO_TAG", "TAG_NOT_PROMOTED"),
            *("OTHER_WORKFLOW", "PULL_REQUEST"),
            *("BRANCH_NOT_PROMOTED", "BUILD_NOT_SUCCEEDED", "RUN_UNKNOWN"),
            *("MEMBER_MISSING", "MEMBER_UNKNOWN", "MEMBER_VERSION", "NOT_FOR_GROUPS"),
        ),
    },
)
async def post_build(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Validate the message and put it on the queue; the queue's trigger does the rest. 202."""
    body = raw_body(req, LARGEST_MESSAGE)
    matched = await asyncio.to_thread(match, body, req.headers)
    require_at(person, places_of_plan(matched.plan), "operator", "submitter")
    promotion = matched.build.promotion
    known = await asyncio.to_thread(check_known, matched.build)
    message_id = str(uuid.uuid4())
    properties = {**as_properties(req.headers), "submitted_by": person.oid}
    if traceparent := current().traceparent:
        properties["traceparent"] = traceparent
    await asyncio.to_thread(ServiceBus().send, BUILDS_QUEUE, body, message_id, properties)
    url = f"/api/promotions/{promotion}"
    accepted = {"promotion": promotion, "message_id": message_id, "status_url": url, "known": known}
    return answer(accepted, 202, {"Location": url})
