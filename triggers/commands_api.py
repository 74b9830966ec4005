"""`POST /api/promotions/{id}/commands`: what operators tell a promotion to do."""

import asyncio
import uuid
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field

from slipway.adapters.intake import mark_aborted
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.errors import Refused
from slipway.promotion.outcomes import iso
from triggers.deciding import as_response, audited, decide, rows_of
from triggers.http import BadRequest, api, body_of
from triggers.intake import now

bp = df.Blueprint()

COMMANDS = ("abort", "retry", "pause", "resume")


class Command(BaseModel):
    """The body. `id` makes a repeated request count once; `stage` says which one to retry, if there are several."""

    model_config = ConfigDict(extra="forbid")
    command: str = Field(max_length=32)
    reason: str = Field(default="", max_length=1000)
    stage: str = Field(default="", max_length=63)
    id: str = Field(default_factory=lambda: str(uuid.uuid4()), min_length=1, max_length=64)


@bp.route(route="api/promotions/{id}/commands", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api("operator")
async def post_command(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """`abort`: everything still to come is cancelled, what was changed and not proven is undone. `retry`: a
    failed stage is tried again. `pause`, `resume`: whether further stages begin."""
    promotion = req.route_params["id"]
    received_at = now()
    asked = body_of(req, Command)
    if asked.command not in COMMANDS:
        raise BadRequest(422, "UNKNOWN_COMMAND", f"{asked.command!r} is none of {', '.join(COMMANDS)}")
    rows = await rows_of(promotion)
    said = AuditRecord(
        id=f"command:{asked.id}",
        at=received_at,
        actor=person.oid,
        action=f"command.{asked.command}",
        words=f"{person.name} says {asked.command}" + (f": {asked.reason}" if asked.reason else ""),
        evidence={"name": person.name},
    )
    await audited(promotion, said)
    if rows["intake"]["state"] == "ended":
        raise Refused("ALREADY_ENDED", f"the promotion ended {rows.get('promotion', {}).get('state', '')}".strip())
    if asked.command == "abort":
        await asyncio.to_thread(mark_aborted, promotion)
    given = {
        "command": asked.id,
        "by": person.name,
        "at": iso(received_at),
        "reason": asked.reason,
        "stage": asked.stage,
    }
    also = _running(rows) if asked.command == "abort" else []
    return as_response(await decide(client, promotion, asked.command, given, also), promotion)


def _running(rows: dict[str, dict[str, Any]]) -> list[str]:
    """The operations under way: their orchestrations ask activities, so nobody else knows their ids."""
    stages = [row for key, row in rows.items() if key.startswith("stage:")]
    steps = [step for stage in stages for step in stage["steps"]]
    return [step["operation"] for step in steps if step["state"] == "running"]
