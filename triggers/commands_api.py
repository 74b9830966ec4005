"""`POST /api/promotions/{id}/commands`: what operators tell a promotion to do."""

import asyncio
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.adapters.intake import mark_aborted
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.errors import Refused
from slipway.promotion.ids import shortened
from slipway.promotion.outcomes import iso
from slipway.promotion.ramp_commands import ramping
from triggers.deciding import as_response, decide, nudge, on_record, rows_for
from triggers.entities_read import decisions_of
from triggers.http import BadRequest, NotFound, api, body_of
from triggers.identity import READERS
from triggers.places import places_of_stage, require_at
from triggers.rolling_back import roll_back

if TYPE_CHECKING:
    from triggers.bodies import Command

bp = df.Blueprint()

OF_THE_WHOLE = ("abort", "pause", "resume")
COMMANDS = ("abort", "retry", "pause", "resume", "advance", "promote", "rollback")


@bp.route(route="api/promotions/{id}/commands", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    *READERS,
    demands="operator",
    place="the stage's environment and the service; every environment of it where no stage is named",
    answers={200: "Words", 202: "Words"},
    body="Command",
    refuses={
        404: ("UNKNOWN_PROMOTION", "UNKNOWN_STAGE"),
        409: (
            *("ALREADY_ABORTED", "ALREADY_ENDED", "ALREADY_PAUSED", "NOT_PAUSED", "COMMAND_REUSED"),
            *("NOT_FAILED", "RETRY_OVER", "AMBIGUOUS", "NOT_LIVE", "PREVIOUS_NOT_PROVEN"),
            *("RINGS_UNDER_WAY", "CONFIGURATION_GONE", "SCHEMA_OUT_OF_RANGE"),
            *("NOT_RAMPING", "ALREADY_DECIDED"),
        ),
        422: ("INVALID_BODY", "UNKNOWN_COMMAND"),
    },
)
async def post_command(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """`abort`: everything still to come is cancelled, what was changed and not proven is undone. `retry`: a
    failed stage is tried again. `pause`, `resume`: whether further stages begin. `advance`, `promote`: a canary
    that ramps gets its next share of the traffic, or all of it. `rollback`: a canary that ramps gives its traffic
    back; of a release that is proven, the environment returns to the one before."""
    from triggers.bodies import Command

    promotion = req.route_params["id"]
    received_at = now()
    asked = body_of(req, Command)
    rows = await rows_for(promotion, person, "operator")
    if asked.command not in COMMANDS:
        raise BadRequest(422, "UNKNOWN_COMMAND", f"{asked.command!r} is none of {', '.join(COMMANDS)}")
    said = AuditRecord(
        id=f"command:{person.oid}:{asked.id}:{asked.command}",
        at=received_at,
        actor=person.oid,
        action=f"command.{asked.command}",
        words=f"{person.name} says {asked.command}" + (f": {asked.reason}" if asked.reason else ""),
        evidence={"name": person.name, "stage": asked.stage},
    )
    async with on_record(promotion, said):
        stage = "" if asked.command in OF_THE_WHOLE else asked.stage
        require_at(person, places_of_stage(rows, promotion, stage), "operator")
        if asked.command == "rollback" and not await _is_for_the_ramp(client, promotion, asked, person):
            return await roll_back(client, rows, promotion, asked, person)
        if rows["intake"]["state"] == "ended":
            state = rows.get("promotion", {}).get("state", "")
            raise Refused("ALREADY_ENDED", f"the promotion ended {state}".strip())
        return await _decided(client, rows, promotion, asked, person, iso(received_at))


async def _decided(
    client: df.DurableOrchestrationClient,
    rows: dict[str, dict[str, Any]],
    promotion: str,
    asked: "Command",
    person: Person,
    at: str,
) -> func.HttpResponse:
    names = [each["name"] for each in rows.get("promotion", {}).get("plan", [])]
    if asked.stage and names and asked.stage not in names:
        raise NotFound("UNKNOWN_STAGE", f"{promotion} has no stage {asked.stage}; it has {', '.join(names)}")
    given = {"command": _key(asked, person), "by": person.name, "at": at}
    given |= {"reason": asked.reason, "stage": asked.stage}
    verdict = await decide(client, promotion, asked.command, given)
    if asked.command == "abort" and verdict is not None and _is_aborted(verdict):
        await asyncio.to_thread(mark_aborted, promotion)
        await nudge(client, _running(rows))
    if asked.command == "abort" and verdict is None:
        await _mark_later(client, promotion, _running(rows), str(rows.get("promotion", {}).get("trace", "")))
    return as_response(verdict, promotion)


async def _is_for_the_ramp(
    client: df.DurableOrchestrationClient, promotion: str, asked: "Command", person: Person
) -> bool:
    """Whether a rollback concerns a canary that ramps now, or did when it was said before with this key."""
    decisions = await decisions_of(client, promotion)
    there = ramping(decisions) if decisions else []
    known = bool(decisions) and _key(asked, person) in decisions["answers"]
    return known or (asked.stage in there if asked.stage else bool(there))


def _key(asked: "Command", person: Person) -> str:
    """What tells a person's command from every other."""
    return f"{person.oid}:{asked.id}"


async def _mark_later(client: df.DurableOrchestrationClient, promotion: str, operations: list[str], trace: str) -> None:
    """Leave the mark to an orchestration, which can wait for longer than a request."""
    given = {"promotion": promotion, "operations": operations, "trace": trace}
    try:
        await client.start_new("abort", shortened(f"abort:{promotion}"), given)
    except Exception as error:
        if "already exists" not in str(error):
            raise


def _is_aborted(verdict: dict[str, Any]) -> bool:
    """Whether the promotion is aborted: by this command, or by an earlier one whose mark may have been lost."""
    return bool(verdict["status"] == 200 or verdict["code"] == "ALREADY_ABORTED")


def _running(rows: dict[str, dict[str, Any]]) -> list[str]:
    """The operations under way: their orchestrations ask activities, so nobody else knows their ids."""
    stages = [row for key, row in rows.items() if key.startswith("stage:")]
    steps = [step for stage in stages for step in stage["steps"]]
    return [step["operation"] for step in steps if step["state"] == "running"]
