"""The input of an orchestration that is no more: from what the runtime still has of it, or else from the rows."""

from dataclasses import replace
from typing import Any

from slipway.adapters.watched import Watched
from slipway.promotion.build import Build
from slipway.promotion.ids import stage_id
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.promotion_run import PROMOTION_LOST, PromotionRun
from slipway.promotion.stage_run import Ending, StageRun

Rows = dict[str, dict[str, Any]]
OUTRANKS = 50_000  # more than the records of an attempt come to


def closing_run(entry: Watched, rows: Rows, given: Any, words: str) -> PromotionRun:
    """What stands in the place of a promotion's orchestration: it closes the promotion, or, where that one had
    only to say how it ended, says so. `given`: that one's input, None when there is none."""
    run = _promotion_run(entry, rows, given)
    if run.ending:
        return run
    begun = str(rows.get("promotion", {}).get("started_at", ""))
    lost = Ending(Outcome.BROKEN, PROMOTION_LOST, words)
    return replace(run, started_at=run.started_at or begun, closing=run.closing or lost)


def sweeping_run(
    instance: str, heir: str, promotion: str, stage: str, entry: Watched | None, rows: Rows, given: Any
) -> StageRun:
    """What stands as `heir` in the place of a stage's orchestration `instance`."""
    try:
        return StageRun.load(given).sweeping(heir)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass  # it was purged, or another version of ours wrote it: the rows have to do
    run = _promotion_run(entry, rows, None)
    plan = next(each for each in run.plan.stages if each.name == stage)
    back = instance != stage_id(promotion, stage)
    attempt = rows.get(f"rollback:{stage}" if back else f"stage:{stage}", {}).get("attempt", 1)
    lost = StageRun(promotion, instance, plan, run.build, run.artifact, run.received_at, attempt, rev=OUTRANKS)
    return replace(lost, goes_back=back, purged=True).sweeping(heir)


def _promotion_run(entry: Watched | None, rows: Rows, given: Any) -> PromotionRun:
    try:
        return PromotionRun.load(given)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    intake: dict[str, Any] = rows["intake"]
    row = rows.get("promotion")
    if row:
        build, plan = Build.load(row["build"]), PromotionPlan.load(row["frozen_plan"])
    else:  # it never said that it had begun
        assert entry is not None
        from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline

        text = str(rows["pipeline"])
        build, plan = Build.load(entry.build), compile_plan(read_pipeline(text, ""), digest_of(text))
    return PromotionRun(
        id=build.promotion,
        token=str(intake.get("token", "")),
        build=build,
        plan=plan,
        received_at=str((row or intake)["received_at"]),
        submitted_by=str(row["submitted_by"]) if row else "",
    )
