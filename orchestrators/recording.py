"""How orchestrators keep a record: audit, then the read model's row, then the event, by one activity."""

from dataclasses import replace
from typing import Any

from orchestrators.waiting import Context, Durable, insist, now
from slipway.promotion.about import about_stage
from slipway.promotion.stage_phases import REPORT, ROLLED_BACK
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun


def record_stage(
    context: Context, run: StageRun, action: str, words: str, evidence: dict[str, Any] | None = None
) -> Durable:
    """Record what a stage did or now waits for; an `action` that names no other family is `stage.…`. Returns the run
    with its next `rev`."""
    run = replace(run, rev=run.rev + 1)
    if run.waits_for:
        context.set_custom_status(
            {"state": run.state, "waits_for": run.waits_for, "since": run.since, "deadline": run.deadline}
        )
    else:
        context.set_custom_status({"state": run.state, "since": run.since})
    yield from insist(
        context,
        "record",
        {
            "promotion": run.promotion,
            "id": f"{run.instance}:{run.rev}",
            "at": now(context),
            "actor": "slipway",
            "action": action if "." in action else f"stage.{action}",
            "stage": run.plan.name,
            "words": words,
            "evidence": evidence or {},
            "about": about_stage(run),
            "row": {
                "key": _row_key(run),
                "rev": (run.attempt + 1000 * run.goes_back) * 100_000 + run.rev,
                "doc": stage_row(run),
            },
        },
    )
    return run


def _row_key(run: StageRun) -> str:
    """The stage's row. One that goes back has a row of its own until it has put the previous release back."""
    done = run.phase == REPORT and run.ending is not None and run.ending.outcome == ROLLED_BACK
    return f"rollback:{run.plan.name}" if run.goes_back and not done else f"stage:{run.plan.name}"
