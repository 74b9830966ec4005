"""What platforms count and alerts say of a release after a blue-green switch, while it bakes."""

from dataclasses import replace

from orchestrators.recording import record_stage
from orchestrators.waiting import Context, Durable, called
from slipway.promotion.canary_plan import IGNORE, ROLL_BACK
from slipway.promotion.outcomes import Answer, Outcome, broken, failed, passed, worst
from slipway.promotion.plain import plain
from slipway.promotion.ramp_moves import FAILED, SPEAKS
from slipway.promotion.stage_run import StageRun


def after_switch(context: Context, run: StageRun) -> Durable:
    """The run, and what speaks against the release: failed where that takes it back, broken where it waits for a
    person, who is called once."""
    switch = run.plan.blue_green
    if switch is None or not run.changing or {switch.counters, switch.alert} == {IGNORE}:
        return run, passed()
    order = {
        "promotion": run.promotion,
        "targets": [plain(target) for target in run.changing],
        "version": run.build.version,
        "since": max(step.ended_at for step in run.steps if step.name == "swap"),
        "counters": switch.counters != IGNORE,
        "alerts": switch.alert != IGNORE,
    }
    if run.plan.members:
        order["versions"] = {target.name: run.version_of(target.name) for target in run.changing}
    answer = yield from called(context, "look_after_switch", order)
    does = {"counters": switch.counters, "alert": switch.alert}
    spoken = [_answer(name, words, does[name]) for name, words in answer.result.get("signals", ())]
    verdict = worst(spoken) if spoken else passed()
    held = verdict.words if verdict.outcome == Outcome.BROKEN else ""
    if held and not run.waits_for:
        words = f"a person must look: {held}"
        run = yield from record_stage(
            context, replace(run, waits_for=held), "bake-held", words, {"calls": True, "code": verdict.code}
        )
    return replace(run, waits_for=held), verdict


def _answer(name: str, words: str, does: str) -> Answer:
    return failed(FAILED[name], words) if does == ROLL_BACK else broken(SPEAKS[name], words)
