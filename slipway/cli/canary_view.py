"""A stage's canary in a plan: how it goes, by which router, where it waits for people, and how it ends."""

from collections.abc import Iterator

from slipway.cli.flag_view import flag_lines
from slipway.cli.front_door_view import front_door_lines
from slipway.cli.judge.options import ramp_words
from slipway.cli.times import rounded
from slipway.promotion import canary_plan as plan
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.judge.saturation import CPU_WORSE
from slipway.promotion.kinds import Router, router_for
from slipway.promotion.kinds.router import CPU, MEMORY
from slipway.promotion.plan import StagePlan

_ON_HARM = {
    plan.ROLL_BACK: "the traffic goes back, and the stage has failed",
    plan.STAY: "it stays where it is, and a person decides",
}
_LIMITS = {
    CPU: f"a request takes {CPU_WORSE:g} × the live release's CPU",
    MEMORY: "memory would be full within the bake",
}
_AT_DEADLINE = {
    plan.WITHDRAW: "it is withdrawn, and not blamed",
    plan.PROMOTE: "it is promoted, unless harm was proven",
    plan.STAY: "it stays where it is, and a person decides",
}


def canary_lines(stage: StagePlan) -> Iterator[str]:
    """What a person should know of the ramp before it begins; nothing for a stage without one."""
    canary = stage.canary
    if canary is None:
        return
    if canary.flag is not None:
        yield from flag_lines(canary, canary.flag)
        return
    yield f"{ramp_words(canary.policy)}, judged every {rounded(canary.policy.tick_s)}"
    for router in dict.fromkeys(router_for(target.kind, canary) for target in stage.targets):
        yield from _router(router, canary)
    yield from front_door_lines(canary)
    yield _telemetry(canary)
    yield from _saturation(stage, canary)
    if canary.hold_at:
        points = ", ".join(f"{100 * share:g} %" for share in canary.hold_at)
        yield f"holds at {points} until somebody says `slipway advance`"
    yield f"on proven harm: {_ON_HARM[canary.on_harm]}"
    signals = canary.signals
    yield f"between ticks, failing probe: {signals.probe}; bad counters: {signals.counters}; alert: {signals.alert}"
    yield f"not at 100 % within {rounded(canary.within_s)}: {_AT_DEADLINE[canary.at_deadline]}"
    if canary.proven_within_s:
        yield f"a release proven here within {rounded(canary.proven_within_s)} returns without a ramp"
    if canary.top_up.rate_per_s:
        yield f"tops up with {canary.top_up.rate_per_s:g}/s of marked requests to {canary.top_up.path}"


def _router(router: Router, canary: CanaryPlan) -> Iterator[str]:
    yield f"by {router.kind}: in steps of {100 * router.grain:g} %, settled in {rounded(canary.settle_s)}"
    yield f"stickiness: {router.stickiness}"
    yield f"by hand: {router.affinity}"
    yield f"way back: {router.way_back}"
    waits = "nothing advances, and after ten ticks a person is called"
    yield f"where users meet clearly less than the share: {waits if canary.unmet == plan.WAIT else 'not looked at'}"


def _saturation(stage: StagePlan, canary: CanaryPlan) -> Iterator[str]:
    if canary.saturation == plan.IGNORE:
        yield "CPU and memory: not looked at"
        return
    for kind in dict.fromkeys(target.kind for target in stage.targets):
        measures = router_for(kind).measures
        if not measures:
            yield f"CPU and memory: {kind} tells neither of a release"
            continue
        limits = [_LIMITS[each] for each in measures]
        unknown = [each for each in _LIMITS if each not in measures]
        words = f"nothing advances while {' or '.join(limits)}"
        yield words + (f" ({kind} tells no limit of {' and '.join(unknown)})" if unknown else "")


def _telemetry(canary: CanaryPlan) -> str:
    source = canary.source
    where = f"workspace {source.workspace}" if source.workspace else "the workspace of the setting SLIPWAY_WORKSPACE"
    own = ", ".join(name for name, _ in source.metrics)
    return f"evidence: role {source.role} in {where}" + (f"; own metrics {own}" if own else "")
