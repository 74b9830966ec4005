"""What a stage does at the Front Door before it: open it to testers before the ramp, and after it return all users to
the live side before the slots are swapped.

A swap restarts the slot, twice. So nobody may be sent there meanwhile, and nobody is: Front Door settles first.
"""

from dataclasses import replace

from orchestrators.fan_out import an_operation, fan_out
from orchestrators.recording import record_stage
from orchestrators.waiting import Context, Durable, now
from slipway.promotion.front_door import FrontDoor
from slipway.promotion.outcomes import Outcome, passed
from slipway.promotion.plain import plain
from slipway.promotion.plan import Header, Target
from slipway.promotion.routed import router_of
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun

NOBODY_THERE, OPEN, RETURN, RAMP = "nobody on the idle side", "open front door", "return to live", "ramp"
WITHIN_S = 1800.0  # beside the time in which Front Door settles, thrice


def opened(context: Context, run: StageRun) -> Durable:
    """The run, the answer, and in how many seconds edges drop a stopped side (0 is never): weights would divide the
    traffic, and testers, if there are any, are answered well."""
    front_door, (target, *_) = _front_door(run), run.changing
    id = run.operation(target, "open-front-door")
    order = {**_about(run, target), "health": plain(run.plan.health)}
    asked = an_operation(context, id, "open_front_door", order, _within_s(run))
    run = run.stepping([Step(OPEN, target.name, id)], now(context))
    whom = f", and opens it to testers ({front_door.testers.words})" if front_door.testers else ""
    run = yield from record_stage(context, run, "opening", f"looks whether {front_door.where} can divide users{whom}")
    (answer,) = yield from fan_out(context, [asked])
    run, drop_s = run.stepped(OPEN, target.name, answer, now(context)), answer.result.get("drop_s", 0.0)
    if answer.outcome == Outcome.PASSED and front_door.testers is not None:
        run, answer = yield from _verified(context, run, target, Header(*front_door.testers.sends))
    return run, answer, drop_s


def _verified(context: Context, run: StageRun, target: Target, header: Header) -> Durable:
    """The run and the answer: whether the release answers testers well, through the Front Door."""
    check = replace(run.plan.health, headers=(*run.plan.health.headers, header))
    id = run.operation(target, "verify-as-tester")
    about = {"promotion": run.promotion, "version": run.build.version}
    order = {**about, "address": _front_door(run).endpoint, "health": plain(check)}
    run = run.stepping([Step("verify as tester", target.name, id)], now(context))
    asked = an_operation(context, id, "check_health", order, check.within_s + 60)
    (answer,) = yield from fan_out(context, [asked])
    return run.stepped("verify as tester", target.name, answer, now(context)), answer


def returned(context: Context, run: StageRun, before_deployment: bool = False) -> Durable:
    """The run and the answer: no user is sent to the idle side any more. Before a deployment that is so, as a rule:
    then Resource Manager and the endpoint say so, and nothing is waited for."""
    if before_deployment and not run.changing:
        return run, passed()
    target = run.changing[0]
    name = NOBODY_THERE if before_deployment else RETURN
    id = run.operation(target, "empty" if before_deployment else "return")
    asked = [an_operation(context, id, "return_to_live", _return(run, target, not before_deployment), _within_s(run))]
    run = run.stepping([Step(name, target.name, id)], now(context))
    if not before_deployment:
        words = "returns all users to the live side, and waits until Front Door has settled: then the slots are swapped"
        run = yield from record_stage(context, run, "returning", words)
    (answer,) = yield from fan_out(context, asked)
    return run.stepped(name, target.name, answer, now(context)), answer


def edges_may_know(run: StageRun) -> bool:
    """Whether edges may still send somebody to the idle side, when the stage's work is taken back: users, unless they
    were seen to have returned, or testers. Whoever was ended from outside did not say how far it came."""
    if run.before_it is None or run.goes_back or not run.dividing:
        return False
    states = {step.name: step.state for step in run.steps}
    if states.get(RETURN) == Outcome.PASSED:
        return False
    if run.swept or RAMP in states or RETURN in states or (OPEN in states and run.before_it.testers is not None):
        return True
    return states.get(NOBODY_THERE, Outcome.PASSED) != Outcome.PASSED


def settling(context: Context, run: StageRun, target: Target) -> dict[str, object]:
    """The operation that is over when nobody is sent to the idle side any more, whatever people have said."""
    order = {**_return(run, target, always=True), "despite_abort": True}
    return an_operation(context, run.operation(target, "settle"), "return_to_live", order, _within_s(run))


def closing(context: Context, run: StageRun, target: Target) -> list[dict[str, object]]:
    """The operation that takes the testers' rule away after a ramp that went back; none where there are no testers."""
    if _front_door(run).testers is None:
        return []
    order = {**_about(run, target), "despite_abort": True}
    return [an_operation(context, run.operation(target, "close-front-door"), "close_front_door", order, WITHIN_S)]


def _return(run: StageRun, target: Target, always: bool) -> dict[str, object]:
    live, endpoint = run.sites[target.name].previous, _front_door(run).endpoint
    return {**_about(run, target), **run.plan.reading, "always": always, "live": live, "endpoint": endpoint}


def _front_door(run: StageRun) -> FrontDoor:
    assert run.before_it is not None
    return run.before_it


def _within_s(run: StageRun) -> float:
    assert run.plan.canary is not None
    return 3 * run.plan.canary.settle_s + WITHIN_S


def _about(run: StageRun, target: Target) -> dict[str, object]:
    assert run.plan.canary is not None
    return {
        "promotion": run.promotion,
        "target": plain(router_of(run, target)),
        "version": run.build.version,
        "front_door": plain(_front_door(run)),
        "settle_s": run.plan.canary.settle_s,
        "fence": run.fence,
    }
