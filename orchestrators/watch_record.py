"""What a watch keeps on record."""

from dataclasses import replace
from typing import Any

from orchestrators.waiting import Context, Durable, insist, now
from slipway.promotion.about import about_stage
from slipway.promotion.watch_run import WatchRun


def record(context: Context, run: WatchRun, action: str, words: str, evidence: dict[str, Any] | None = None) -> Durable:
    """Record what the watch did. Returns the run with its next `rev`."""
    run = replace(run, rev=run.rev + 1)
    record = {
        "promotion": run.stage.promotion,
        "id": f"{run.instance}:{run.rev}",
        "at": now(context),
        "actor": "slipway",
        "action": f"watch.{action}",
        "stage": run.stage.plan.name,
        "words": words,
        "evidence": evidence or {},
        "about": about_stage(run.stage),
    }
    yield from insist(context, "record", record)
    return run
