"""The command `rollback` of a release that is live, and whose stage is over: the environment returns to the one before,
as an orchestration of its own."""

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.adapters.read_model import environment_row
from slipway.adapters.watched import watch
from slipway.promotion.approval import Person
from slipway.promotion.build import Build
from slipway.promotion.database_schema import OUT_OF_RANGE, against_way_back
from slipway.promotion.errors import Refused
from slipway.promotion.ids import child_id, stage_id
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from triggers.http import NotFound, answer
from triggers.release_parts import brought_beside

if TYPE_CHECKING:
    from triggers.bodies import Command


async def roll_back(
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
        raise Refused(
            "NOT_LIVE", f"{build.version} is not live, or not proven yet, in {asked.stage or 'any environment'}"
        )
    if whole and (under_way := _under_way(rows, plan, asked.stage)):
        words = f"{under_way} is not over: `slipway abort` first, then all rings of {asked.stage} can go back"
        raise Refused("RINGS_UNDER_WAY", words)
    for each in served:
        _check_proven(each.lock, "the release")
        _check_schema(each.lock)
        await asyncio.to_thread(_check_members, each.stage, build, promotion)
    stage, lock = served[-1]
    beside = [await brought_beside(each.lock) for each in served][-1]
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
    back = lock["previous"][0]["version"] if lock["previous"] else f"the release before {build.version}"
    slow = bool(lock["live"].get("old_side_stopped"))
    words = f"{stage.environment} returns to {back}" + ("; its side was stopped and is started first" if slow else "")
    earlier = [each.stage.environment for each in served[-2::-1]] if whole else []
    if earlier:
        words += f"; then so {'do' if earlier[1:] else 'does'} {', '.join(earlier)}"
    return answer({"words": words + beside}, 202, {"Location": url})


class _Served(NamedTuple):
    """A stage that is over and whose environment serves the promotion's release, and the copy of its lock."""

    stage: StagePlan
    lock: dict[str, Any]


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
        if row and row["live"] and row["live"]["promotion"] == promotion and _is_over(row):
            served.append(_Served(stage, row))
    return served


def _is_over(lock: dict[str, Any]) -> bool:
    """Whether the stage of the live release has nothing more to do: it is proven, or, unproven, nobody holds the lock,
    since its own way back did not come to an end."""
    return bool(lock["live"]["proven"]) or lock.get("holder") is None


def _under_way(rows: dict[str, dict[str, Any]], plan: PromotionPlan, whole: str) -> str:
    """The first ring of the stage `whole` that has not ended, or may be tried again; empty if there is none."""
    rings = [each.name for each in plan.stages if each.ring and each.ring.of == whole]
    states = {name: rows.get(f"stage:{name}", {}) for name in rings}
    return next((name for name, row in states.items() if not row.get("ended_at") or row["waits_for"] == "retry"), "")


def _check_proven(lock: dict[str, Any], whose: str) -> None:
    """Raises Refused where what the lock would lead back to was never proven."""
    before = lock["previous"][:1]
    if before and not before[0]["proven"]:
        words = f"{whose} before it, {before[0]['version']}, was never proven"
        raise Refused("PREVIOUS_NOT_PROVEN", f"{words}; promote a build that is good instead")


def _check_schema(lock: dict[str, Any]) -> None:
    """Raises Refused where what the lock would lead back to does not run on the database as it is."""
    if words := against_way_back(lock):
        raise Refused(OUT_OF_RANGE, f"{words}; a schema is never taken back: promote a build that runs on it")


def _check_members(stage: StagePlan, build: Build, promotion: str) -> None:
    """Raises Refused where a member of the group serves another release by now, or cannot go back. One that had the
    group's version before stays as it is."""
    for service in stage.members:
        row = environment_row(stage.environment, service)
        live = (row and row["live"]) or {"promotion": "", "version": ""}
        if row and live["promotion"] == promotion:
            _check_proven(row, f"the release of {service}")
        elif live["version"] != build.members.get(service):
            words = f"{service} serves {live['version'] or 'nothing that is known'} by itself; take that back first"
            raise Refused("NOT_LIVE", words)
