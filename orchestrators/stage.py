"""Orchestration `stage`: one generation a phase, from `needs` to its outcome.

The order is: needs, gates, approval, lock and old gates again, expand the database if there is one, deploy to the idle
side, verify there, gates of the switch, ask people if its switch wants that and look once more, region if a database
goes by it, ramp if it is a canary, roll out (in parts, if so), verify live, ramp if it is a flag, bake, settle. A
failure after the lock was taken goes through `undo`, and from there takes the rings before it back if the pipeline says
so. A wait for people before the stage holds no lock, one before its switch does.
"""

from collections.abc import Callable
from datetime import timedelta

import azure.durable_functions as df

from orchestrators import (
    stage_bake,
    stage_ends,
    stage_gates,
    stage_intents,
    stage_migrate,
    stage_policies,
    stage_ramp,
    stage_rings,
    stage_switch,
    stage_waits,
    stage_work,
)
from orchestrators.waiting import Context, Durable, NotTaken, given
from slipway.promotion import stage_phases as phase
from slipway.promotion.stage_run import StageRun

bp = df.Blueprint()

PAUSE_AFTER_ERROR = timedelta(minutes=1)

PHASES: dict[str, Callable[[Context, StageRun], Durable]] = {
    phase.NEEDS: stage_waits.for_needs,
    phase.GATES: stage_gates.for_gates,
    phase.APPROVAL: stage_waits.for_approval,
    phase.LOCK: stage_waits.for_lock,
    phase.GATES_AT_LOCK: stage_gates.at_lock,
    phase.MIGRATE: stage_migrate.expand,
    phase.DEPLOY: stage_work.deploy,
    phase.VERIFY: stage_work.verify,
    phase.SWITCH_GATES: stage_gates.for_switch_gates,
    phase.SWITCH_APPROVAL: stage_switch.for_switch_approval,
    phase.GATES_AT_SWITCH: stage_gates.at_switch,
    phase.VERIFY_AGAIN: stage_switch.verify_again,
    phase.REGION: stage_rings.for_region,
    phase.RAMP: stage_ramp.ramp,
    phase.ROLL_OUT: stage_work.roll_out,
    phase.VERIFY_LIVE: stage_work.verify_live,
    phase.BAKE: stage_bake.for_bake,
    phase.SETTLE: stage_ends.settle,
    phase.READY_OLD_SIDE: stage_ends.ready_old_side,
    phase.GO_BACK: stage_ends.go_back,
    phase.UNDO: stage_ends.undo,
    phase.TAKE_BACK: stage_rings.take_back,
    phase.SHUT: stage_ends.shut,
    phase.SWEEP: stage_ends.sweep,
    phase.REPORT: stage_ends.report,
    phase.RETRY: stage_ends.for_retry,
}


@bp.orchestration_trigger(context_name="context", orchestration="stage")
def stage(context: df.DurableOrchestrationContext) -> Durable:
    """Carry out one phase and continue as new. Returns the stage's outcome; never raises.

    Input: a `StageRun` as JSON. Each phase answers the run in its next phase, or in the same one after
    a wait. An error that nobody foresaw ends the stage `broken`, undone if it can be. After `report`
    comes `retry`, where a person may have it tried again, or `over`.
    """
    run = StageRun.load(given(context))
    if run.phase == phase.OVER:
        return run.outcome()
    try:
        run, kept = yield from stage_policies.kept_back(context, run)
        if kept is None and run.phase in phase.BEFORE_CHANGES:
            run, kept = yield from stage_intents.kept_back(context, run)
        following = kept or (yield from PHASES[run.phase](context, run))
    except NotTaken:
        context.continue_as_new(run.dump())
        return None
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the stage must have an end
        following = run.after_error(f"{type(error).__name__}: {error}")
        if following is run:
            yield context.create_timer(context.current_utc_datetime + PAUSE_AFTER_ERROR)
    context.continue_as_new(following.dump())
    return None
