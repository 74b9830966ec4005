"""`POST /api/gates?token=…`: the answer of a webhook gate. The address itself is the right to give it, once."""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.promotion.audit import AuditRecord
from triggers.deciding import audited, nudge
from triggers.http import BadRequest, answer, api, body_of

bp = df.Blueprint()

_STATUS = {"CALLBACK_FORGED": 401, "CALLBACK_USED": 409, "CALLBACK_EXPIRED": 410}


@bp.route(route="api/gates", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    key="gate",
    answers={200: "Words"},
    body="GateAnswered",
    refuses={
        401: ("CALLBACK_FORGED",),
        409: ("CALLBACK_USED",),
        410: ("CALLBACK_EXPIRED",),
        422: ("INVALID_BODY",),
    },
)
async def post_gate_answer(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """What the system that a webhook gate has asked says: passed or failed, and why. The address was made for one
    question and one answer; it is signed, and good until the gate's time is over."""
    from slipway.adapters.gates.callbacks import CallbackRefused, Callbacks
    from triggers.bodies import GateAnswered

    said = body_of(req, GateAnswered)
    try:
        called = await asyncio.to_thread(Callbacks().take, req.params.get("token", ""), said.told)
    except CallbackRefused as refusal:
        raise BadRequest(_STATUS[refusal.code], refusal.code, refusal.words) from refusal
    words = f"a gate's system says {said.outcome}" + (f": {said.words}" if said.words else "")
    evidence = {"operation": called.operation, "outcome": said.outcome}
    record = AuditRecord(f"callback:{called.operation}", now(), "webhook", "gate.answered", words, evidence)
    await audited(called.promotion, record)
    await nudge(client, [called.operation])
    return answer({"words": "taken"})
