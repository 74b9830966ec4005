"""`POST /api/promotions/{id}/commands`: what operators tell a promotion to do."""

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.adapters.intake import mark_aborted
from slipway.adapters.read_model import environment_row
from slipway.adapters.watched import watch
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.build import Build
from slipway.promotion.errors import Refused
from slipway.promotion.ids import child_id, shortened, stage_id
from slipway.promotion.outcomes import iso
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.ramp_commands import ramping
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from triggers.deciding import as_response, decide, nudge, on_record, rows_for
from triggers.entities_read import decisions_of
from triggers.http import BadRequest, NotFound, answer, api, body_of
from triggers.identity import READERS, require
from triggers.release_parts import brought_beside

if TYPE_CHECKING:
    from triggers.bodies import Command

bp = df.Blueprint()

COMMANDS = ("abort", "retry", "pause", "resume", "advance", "promote", "rollback")


@bp.route(route="api/promotions/{id}/commands", methods=["POST"])
@bp.durable_client_input(client_name="client")
@api(
    *READERS,
    demands="operator",
    answers={200: "Words", 202: "Words"},
    body="Command",
    refuses={
        404: ("UNKNOWN_PROMOTION", "UNKNOWN_STAGE"),
        409: (
            *("ALREADY_ABORTED", "ALREADY_ENDED", "ALREADY_PAUSED", "NOT_PAUSED", "COMMAND_REUSED"),
            *("NOT_FAILED", "RETRY_OVER", "AMBIGUOUS", "NOT_LIVE", "PREVIOUS_NOT_PROVEN"),
            *("RINGS_UNDER_WAY", "CONFIGURATION_GONE"),
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
        require(person, "operator")
        if asked.command == "rollback" and not await _is_for_the_ramp(client, promotion, asked, person):
            return await _roll_back(client, rows, promotion, asked, person)
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


async def _roll_back(
    client: df.DurableOrchestrationClient,
    rows: dict[str, dict[str, Any]],
    promotion: str,
    asked: "Command",
    person: Person,
) -> func.HttpResponse:
    """Return an environment to the release before this promotion's: under the lock, as an orchestration of its own."""
    if "promotion" not in rows:
        raise Refused("NOT_LIVE", "the promotion has not begun")
    plan, build = PromotionPlan.load(rows["promotion"]["frozen_plan"]), Build.load(rows["promotion"]["build"])
    served = await _served(plan, build.service, promotion, asked.stage)
    whole = asked.stage not in ("", *(each.name for each in plan.stages))
    if len(served) > 1 and not whole:
        words = f"say which stage: {', '.join(each.stage.name for each in served)} serve it"
        whole_too = sorted({each.stage.ring.of for each in served if each.stage.ring})
        raise Refused("AMBIGUOUS", words + "".join(f"; or {of}, for all its rings" for of in whole_too))
    if not served:
        raise Refused("NOT_LIVE", f"{build.version} is not live and proven in {asked.stage or 'any environment'}")
    if whole and (under_way := _under_way(rows, plan, asked.stage)):
        words = f"{under_way} is not over: `slipway abort` first, then all rings of {asked.stage} can go back"
        raise Refused("RINGS_UNDER_WAY", words)
    for each in served:
        if each.before and not each.before["proven"]:
            words = f"the release before it, {each.before['version']}, was never proven"
            raise Refused("PREVIOUS_NOT_PROVEN", f"{words}; promote a build that is good instead")
        await asyncio.to_thread(_check_members, each.stage, build, promotion)
    stage, before = served[-1]
    beside = [await brought_beside(each.stage.environment, build.service) for each in served][-1]
    # The person's key may be any text, and an instance's id may not.
    key = hashlib.sha256(asked.id.encode()).hexdigest()[:8]
    instance = child_id(stage_id(promotion, stage.name), "back", key)
    received_at = str(rows["promotion"]["received_at"])
    run = StageRun(promotion, instance, stage, build, "", received_at, phase=LOCK, goes_back=True)
    run = replace(
        run, asked_by=person.name, reason=asked.reason, whole=whole, trace=str(rows["promotion"].get("trace", ""))
    )
    await asyncio.to_thread(watch, instance, promotion, now())
    try:
        await client.start_new("stage", instance, run.dump())
    except Exception as error:
        if "already exists" not in str(error):
            raise
    url = f"/api/promotions/{promotion}"
    back = before["version"] if before else f"the release before {build.version}"
    row = await asyncio.to_thread(environment_row, stage.environment, build.service)
    slow = bool(row and row["live"] and row["live"].get("old_side_stopped"))
    words = f"{stage.environment} returns to {back}" + ("; its side was stopped and is started first" if slow else "")
    earlier = [each.stage.environment for each in served[-2::-1]] if whole else []
    if earlier:
        words += f"; then so {'do' if earlier[1:] else 'does'} {', '.join(earlier)}"
    return answer({"words": words + beside}, 202, {"Location": url})


class _Served(NamedTuple):
    """A stage whose environment serves the promotion's release, proven; `before` it that one did, if any."""

    stage: StagePlan
    before: dict[str, Any] | None


async def _served(plan: PromotionPlan, service: str, promotion: str, asked: str) -> list[_Served]:
    """Those of the stage that was asked for, of all its rings if it is written with rings, or of all stages, in their
    order. Raises NotFound."""
    found = [each for each in plan.stages if asked in ("", each.name, each.ring.of if each.ring else "")]
    if not found:
        there = ", ".join(stage.name for stage in plan.stages)
        raise NotFound("UNKNOWN_STAGE", f"{promotion} has no stage {asked}; it has {there}")
    served = []
    for stage in found:
        row = await asyncio.to_thread(environment_row, stage.environment, service)
        if row and row["live"] and row["live"]["promotion"] == promotion and row["live"]["proven"]:
            served.append(_Served(stage, next(iter(row["previous"]), None)))
    return served


def _under_way(rows: dict[str, dict[str, Any]], plan: PromotionPlan, whole: str) -> str:
    """The first ring of the stage `whole` that has not ended, or may be tried again; empty if there is none."""
    rings = [each.name for each in plan.stages if each.ring and each.ring.of == whole]
    states = {name: rows.get(f"stage:{name}", {}) for name in rings}
    return next((name for name, row in states.items() if not row.get("ended_at") or row["waits_for"] == "retry"), "")


def _check_members(stage: StagePlan, build: Build, promotion: str) -> None:
    """Raises Refused where a member of the group serves another release by now, or cannot go back. One that had the
    group's version before stays as it is."""
    for service in stage.members:
        row = environment_row(stage.environment, service)
        live = (row and row["live"]) or {"promotion": "", "version": ""}
        if row and live["promotion"] == promotion:
            before = row["previous"][:1]
            if before and not before[0]["proven"]:
                words = f"the release of {service} before it, {before[0]['version']}, was never proven"
                raise Refused("PREVIOUS_NOT_PROVEN", f"{words}; promote a build that is good instead")
        elif live["version"] != build.members.get(service):
            words = f"{service} serves {live['version'] or 'nothing that is known'} by itself; take that back first"
            raise Refused("NOT_LIVE", words)


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
