"""The comparison at the end of a flag's ramp: begun when users meet its share, looked at when a look is due."""

from dataclasses import replace
from typing import Any

from orchestrators.ramp_records import about, show
from orchestrators.waiting import Context, Durable, called
from slipway.promotion.flags.comparing import Comparing
from slipway.promotion.outcomes import Outcome, iso
from slipway.promotion.ramp_run import RampRun


def compared(context: Context, run: RampRun) -> Durable:
    """The run, with its comparison begun or looked at, if it is time for that."""
    plan, at = run.compare, context.current_utc_datetime
    if plan is None or not run.at_comparison or abs(run.taken - plan.share) > 1e-6:
        return run
    if run.comparing is None:
        if not run.settled(at):
            return run
        begun = Comparing.begin(plan, at, run.delay_s)
        run = replace(run, comparing=begun, deadline=begun.until, rev=run.rev + 1)
        yield from show(context, run)
        return run
    due = run.comparing.due(plan, at, run.delay_s)
    if due <= run.comparing.look:
        return run
    answer = yield from called(context, "compare_variants", _order(run, run.comparing, due))
    found: dict[str, Any] = answer.result if answer.state == Outcome.PASSED else {"fault": answer.words}
    run = replace(run, comparing=run.comparing.looked(due, found), rev=run.rev + 1)
    yield from show(context, run)
    return run


def _order(run: RampRun, comparing: Comparing, look: int) -> dict[str, Any]:
    assert run.compare is not None
    ends = comparing.sees_until(run.compare, look)
    times = {"began_at": comparing.began_at, "ends_at": iso(ends)}
    return {**about(run), "operation": run.operation("compare", look), **times}
