"""`POST /api/hooks/azure-devops` and `/api/hooks/github`: what CI systems send by themselves goes on the queue.

Every delivery that proves who sent it goes there, also one that will be rejected: so it is audited, and can be sent
again once its pipeline is mended. The answer says what will become of it, for the CI's own log of deliveries.
"""

import asyncio
import hashlib
import json
import re
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.insights import current
from slipway.adapters.intake import check_known
from slipway.adapters.service_bus import ServiceBus
from slipway.promotion.errors import NotForPromotion
from slipway.promotion.reported import AZURE_DEVOPS, GITHUB
from slipway.settings import BUILDS_QUEUE
from triggers.hook_keys import check_key, check_signature
from triggers.http import LARGEST_MESSAGE, BadRequest, answer, api, raw_body
from triggers.intake import SENDER, match

bp = df.Blueprint()

_GITHUB_BUILDS = ("workflow_run", "registry_package")
_DELIVERY = re.compile(r"[0-9A-Za-z-]{1,64}\Z")
_REFUSES: dict[int, tuple[str, ...]] = {
    400: ("NOT_JSON",),
    409: ("VERSION_REUSED",),
    413: ("TOO_LARGE",),
    422: (
        *("INVALID_BUILD", "UNKNOWN_SHAPE", "UNKNOWN_EVENT_VERSION", "UNKNOWN_SERVICE", "CLAIMED_TWICE"),
        *("BRANCH_UNKNOWN", "PIPELINE_INVALID", "FINISHED_IN_THE_FUTURE", "MEMBER_MISSING"),
    ),
    503: ("HOOK_NOT_CONFIGURED",),
}


@bp.route(route="api/hooks/azure-devops", methods=["POST"])
@api(
    key="azure-devops",
    answers={200: "HookSaid", 202: "Accepted"},
    body="AzureDevOpsEvent",
    refuses={**_REFUSES, 401: ("HOOK_KEY_WRONG",)},
)
async def post_azure_devops_hook(req: func.HttpRequest) -> func.HttpResponse:
    """A service hook of Azure DevOps: build.complete, or a run that changed state. 200: not for promotion."""
    body = raw_body(req, LARGEST_MESSAGE)
    await asyncio.to_thread(check_key, req.headers)
    return await _taken(body, AZURE_DEVOPS, _id_in(body))


@bp.route(route="api/hooks/github", methods=["POST"])
@api(
    key="github",
    answers={200: "HookSaid", 202: "Accepted"},
    body="GitHubEvent",
    refuses={**_REFUSES, 401: ("HOOK_SIGNATURE_WRONG",)},
)
async def post_github_hook(req: func.HttpRequest) -> func.HttpResponse:
    """A web hook of GitHub: workflow_run, registry_package, ping. 200: not for promotion."""
    body = raw_body(req, LARGEST_MESSAGE)
    await asyncio.to_thread(check_signature, req.headers, body)
    if "form" in req.headers.get("Content-Type", ""):
        raise BadRequest(400, "NOT_JSON", "the body is a form; choose the content type application/json for the hook")
    kind = req.headers.get("X-GitHub-Event", "")
    if kind and kind not in _GITHUB_BUILDS:
        builds = " and ".join(_GITHUB_BUILDS)
        words = "pong: the signature is right" if kind == "ping" else f"nothing is done with {kind[:40]}; send {builds}"
        return answer({"code": "", "words": words})
    return await _taken(body, GITHUB, req.headers.get("X-GitHub-Delivery", ""))


async def _taken(body: bytes, sender: str, delivery: str) -> func.HttpResponse:
    """Put it on the queue, and say what will come of it. Raises BuildRejected when that is a reject.

    A CI system's secret proves that this system speaks, and no more: the message goes as one of `sender`, whose own
    shapes alone are read."""
    message_id = f"{sender}-{_delivery(delivery, body)}"
    properties = {SENDER: sender} | ({"traceparent": current().traceparent} if current().traceparent else {})
    await asyncio.to_thread(ServiceBus().send, BUILDS_QUEUE, body, message_id, properties)
    try:
        build = (await asyncio.to_thread(match, body, None, sender)).build
        known = await asyncio.to_thread(check_known, build)
    except NotForPromotion as reason:
        return answer({"code": reason.code, "words": reason.words})
    url = f"/api/promotions/{build.promotion}"
    accepted = {"promotion": build.promotion, "message_id": message_id, "status_url": url, "known": known}
    return answer(accepted, 202, {"Location": url})


def _delivery(id: str, body: bytes) -> str:
    """The id of the delivery, by which a repeated one is known; a body without one is known by itself."""
    return id if _DELIVERY.match(id) else hashlib.sha256(body).hexdigest()[:32]


def _id_in(body: bytes) -> str:
    try:
        message: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(message.get("id", "")) if isinstance(message, dict) else ""
