"""What a canary ramp tells: its records, its row in the read model, its custom status, and its activities' orders."""

from dataclasses import replace
from typing import Any

from orchestrators.waiting import Context, Durable, called, insist, now
from slipway.promotion.about import about_stage
from slipway.promotion.plain import plain
from slipway.promotion.ramp_moves import Move
from slipway.promotion.ramp_run import RampRun

WORDS_AT_MOST = 1000  # of a custom status


def tell(context: Context, run: RampRun, move: Move) -> Durable:
    """Record what the ramp does from now on, and why. Returns the run with its next `rev`. Raises NotTaken."""
    said = {"code": move.code, "words": move.words, "calls": move.calls}
    run = replace(run, told=f"{move.code} {move.share:g}", move=said, rev=run.rev + 1, since=now(context))
    share = run.shown(move.share)
    record = {
        "promotion": run.stage.promotion,
        "id": f"{run.instance}:{run.rev}",
        "at": now(context),
        "actor": "slipway",
        "action": f"ramp.{move.code.lower().replace('_', '-')}",
        "stage": run.stage.plan.name,
        "words": f"at {100 * share:g} % of the {run.whose}: {move.words}",
        "evidence": {"share": share, "calls": move.calls, "verdict": run.verdict},
        "about": about_stage(run.stage),
        "row": _row(run),
    }
    yield from insist(context, "record", record)
    return run


def show(context: Context, run: RampRun) -> Durable:
    """Write the ramp's row, so that people see it move; a tick that cannot be shown is shown with the next one."""
    yield from called(context, "show_ramp", {"promotion": run.stage.promotion, "row": _row(run)})


def said_as_status(run: RampRun, move: Move) -> dict[str, Any]:
    """The ramp's custom status."""
    said = {"state": "ramping", "share": run.taken, "code": move.code, "waits_for": move.words[:WORDS_AT_MOST]}
    return {**said, "since": run.since, "deadline": run.deadline}


def about(run: RampRun) -> dict[str, Any]:
    """What every activity of the ramp is told."""
    stage, canary = run.stage, plain(run.canary)
    told = {"promotion": stage.promotion, "version": stage.build.version, "canary": canary, **stage.plan.reading}
    return told | ({"variant": stage.flag.get("variant", "")} if run.canary.flag else {})


def _row(run: RampRun) -> dict[str, Any]:
    rev = (run.stage.attempt * 1_000_000 + run.tick) * 10_000 + run.writes + run.rev
    return {"key": f"ramp:{run.stage.plan.name}", "rev": rev, "doc": run.row()}
