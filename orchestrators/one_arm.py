"""What bake and release watch share: how the activity `watch_tick` is asked, and which of its answers call a person."""

from typing import Any

from slipway.promotion.plain import plain
from slipway.promotion.stage_run import StageRun

CALLS = ("BLIND_TOO_LONG", "NO_HISTORY")


def watch_order(run: StageRun, watched: dict[str, Any], operation: str, tick: int) -> dict[str, Any]:
    """The order to judge the release of a stage that is judged at the end of `tick`; `watched` is what is known."""
    assert run.plan.judged is not None
    return {
        "promotion": run.promotion,
        "operation": operation,
        "canary": plain(run.plan.judged),
        "version": run.build.version,
        "baseline": run.baseline,
        "began_at": watched["began_at"],
        "usual_until": watched["usual_until"],
        "tick": tick,
        "state": watched["state"],
    }
