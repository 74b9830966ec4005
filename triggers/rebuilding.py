"""The input of an orchestration that is no more: from what the runtime still has of it, or else from the rows, or
else from its place at a lock.
"""

import logging
from dataclasses import dataclass, replace
from typing import Any

from slipway.adapters.watched import Watched
from slipway.promotion.build import Build
from slipway.promotion.errors import SlipwayError
from slipway.promotion.ids import stage_id
from slipway.promotion.outcomes import Outcome, moment
from slipway.promotion.plan import HealthCheck, PromotionPlan, StagePlan
from slipway.promotion.promotion_run import PROMOTION_LOST, PromotionRun
from slipway.promotion.stage_parts import Ending
from slipway.promotion.stage_run import StageRun

Rows = dict[str, dict[str, Any]]
OUTRANKS = 50_000  # more than the records of an attempt come to


_log = logging.getLogger("slipway.janitor")


@dataclass(frozen=True)
class Place:
    """Who holds the lock of `service` in `environment`, or waits for it: an `entry` of the lock."""

    environment: str
    service: str
    entry: dict[str, Any]


def closing_run(entry: Watched, rows: Rows, given: Any, words: str) -> PromotionRun:
    """What stands in the place of a promotion's orchestration: it closes the promotion, or, where that one had
    only to say how it ended, says so. `given`: that one's input, None when there is none."""
    run = _promotion_run(entry, rows, given) or _unread_promotion(entry, rows)
    if run.ending:
        return run
    begun = str(rows.get("promotion", {}).get("started_at", ""))
    lost = Ending(Outcome.BROKEN, PROMOTION_LOST, words)
    return replace(run, started_at=run.started_at or begun, closing=run.closing or lost)


def sweeping_run(
    instance: str, heir: str, promotion: str, stage: str, known: Watched | Place, rows: Rows, given: Any
) -> StageRun:
    """What stands as `heir` in the place of a stage's orchestration `instance`. `known`: from where it is known."""
    try:
        return StageRun.load(given).sweeping(heir)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass  # it was purged, or another version of ours wrote it: the rows have to do
    run = _promotion_run(known if isinstance(known, Watched) else None, rows, None)
    plan = next((each for each in run.plan.stages if each.name == stage), None) if run else None
    back = instance != stage_id(promotion, stage)
    attempt = rows.get(f"rollback:{stage}" if back else f"stage:{stage}", {}).get("attempt", 1)
    if run and plan:
        lost = StageRun(promotion, instance, plan, run.build, run.artifact, run.received_at, run.trace, attempt)
        lost = replace(lost, rev=OUTRANKS, pins=run.pins)
    else:
        _log.error("%s: nothing says any more what it was to do; it is closed by its place at the lock", instance)
        environment = known.environment if isinstance(known, Place) else ""
        lost = StageRun(promotion, instance, _unread_stage(stage, environment), _build(known), "", rev=OUTRANKS)
    return replace(lost, goes_back=back, purged=True).sweeping(heir)


def _promotion_run(entry: Watched | None, rows: Rows, given: Any) -> PromotionRun | None:
    """From the input, or else from the rows; None when neither can be read."""
    try:
        return PromotionRun.load(given)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    intake, row = rows.get("intake"), rows.get("promotion")
    try:
        if row:
            build, plan = Build.load(row["build"]), PromotionPlan.load(row["frozen_plan"])
        elif entry is not None and intake is not None:  # it never said that it had begun
            from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline

            text = str(rows["pipeline"])
            build, plan = Build.load(entry.build), compile_plan(read_pipeline(text, ""), digest_of(text))
        else:
            return None
    except (AttributeError, KeyError, TypeError, ValueError, SlipwayError):
        _log.exception("what is kept of a promotion cannot be read: %s", sorted(rows))
        return None
    return PromotionRun(
        id=build.promotion,
        token=str((intake or {}).get("token", "")),
        build=build,
        plan=plan,
        received_at=str((row or intake or {})["received_at"]),
        submitted_by=str(row["submitted_by"]) if row else "",
        trace=str((row or {}).get("trace") or (intake or {}).get("trace") or ""),
        pins=dict((row or {}).get("pins") or {}),
    )


def _unread_promotion(entry: Watched, rows: Rows) -> PromotionRun:
    """A promotion whose plan cannot be read: it has no stages that anybody could begin."""
    build, intake = _build(entry), rows["intake"]
    plan = PromotionPlan(build.service, "", "", "", ())
    return PromotionRun(entry.promotion, str(intake.get("token", "")), build, plan, str(intake["received_at"]))


def _unread_stage(stage: str, environment: str) -> StagePlan:
    """A stage without anything to do; `environment` is empty when nobody knows it, and no lock is found there."""
    return StagePlan(
        name=stage,
        environment=environment,
        needs=(),
        approval=None,
        targets=(),
        health=HealthCheck(),
        loads=(),
        rollout="",
        bake_s=0,
        deploy_within_s=0,
        lock_within_s=0,
        retry_within_s=0,
    )


def _build(known: Watched | Place) -> Build:
    """The build as far as it is known."""
    if isinstance(known, Watched):
        try:
            return Build.load(known.build)
        except (KeyError, TypeError, ValueError):
            service, _, version = known.promotion.partition("=")[0].partition("--")
            return Build(service, version, "", "", "", known.since)
    finished_at = moment(known.entry["finished_at"])
    return Build(known.service, known.entry["version"], "", "", "", finished_at)
