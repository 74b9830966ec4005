"""A stage's blue-green switch in a plan: who is asked, what watches it, and until when there is which way back."""

from collections.abc import Iterator

from slipway.cli.times import rounded
from slipway.promotion import canary_plan as does
from slipway.promotion.approval_policy import ON_APPROVE, ON_REJECT, REQUIRED
from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.kinds.targets import target_kind
from slipway.promotion.plan import ApprovalPolicy, StagePlan

_COMMENTS = {REQUIRED: "with each vote", ON_APPROVE: "with each yes", ON_REJECT: "with a no"}
_DONE = {does.ROLL_BACK: "switches back", does.WAIT: "calls a person, and nothing is proven meanwhile"}


def approval_words(policy: ApprovalPolicy) -> str:
    """`1 of role:release-manager, not the author, within 8 h`."""
    more = [f"a comment {_COMMENTS[policy.comment]}"] if policy.comment in _COMMENTS else []
    if policy.escalation:
        joined = " or ".join(policy.escalation.approvers)
        more += [f"then {joined} may, too, within {rounded(policy.escalation.within_s)} more"]
    more += [f"reminded every {rounded(policy.remind_every_s)}"] if policy.remind_every_s else []
    more += [f"void {rounded(policy.max_age_s)} after it was given"] if policy.max_age_s else []
    return ", ".join([f"{policy.asked}, within {rounded(policy.within_s)}", *more])


def switch_lines(stage: StagePlan) -> Iterator[str]:
    """What a person should know of the switch before it comes; nothing for a stage without one."""
    switch = stage.blue_green
    if switch is None:
        return
    shown = "its idle side's address is shown in status" if switch.preview else "its idle side is shown to nobody"
    answers = any(target.of_kind.answers for target in stage.targets)
    if any(target.of_kind.planned for target in stage.targets):
        shown = f"what would change is shown in status, {shown}" if answers else "what would change is shown in status"
    yield f"blue-green: after verification {shown}"
    if stage.switch_approval:
        yield f"approval of the switch: {approval_words(stage.switch_approval)}; the environment is locked meanwhile"
        if answers:
            yield "then its health once more"
    for kind in dict.fromkeys(target.kind for target in stage.targets):
        how = "if that still is what was planned" if target_kind(kind).planned else _at_a_time(stage)
        yield f"then {target_kind(kind).goes_live} {_names(stage, kind)}, {how}"
    yield f"watched by {_watched_by(switch)}; proven harm switches back at once"
    for name, word in (("bad counters", switch.counters), ("an alert", switch.alert)):
        if word in _DONE:
            yield f"in the bake, {name}: {_DONE[word]}"


def reach_lines(stage: StagePlan) -> Iterator[str]:
    """Until when the way back is how fast."""
    if stage.blue_green is None:
        return
    kept = rounded(stage.blue_green.keep_s)
    yield f"seconds while the old side is kept, {kept} after the bake; then it is stopped"
    yield "minutes after that, by the same `slipway rollback`, which starts it first"
    yield "gone with the next deployment, which takes the idle side"


def _watched_by(switch: BlueGreenPlan) -> str:
    if switch.judged is None:
        return "the health probe and what the platform counts alone: no telemetry is configured"
    source, tick = switch.judged.source, rounded(switch.judged.policy.tick_s)
    where = f"workspace {source.workspace}" if source.workspace else "the workspace of the setting SLIPWAY_WORKSPACE"
    return f"the health probe and by telemetry of role {source.role} in {where}, judged every {tick}"


def _at_a_time(stage: StagePlan) -> str:
    if len(stage.levels) > 1:
        return "all users of a target at once"
    if not stage.max_parallel:
        return "all users at once"
    return f"{stage.max_parallel} of {len(stage.targets)} targets at a time, verified live before the next"


def _names(stage: StagePlan, kind: str) -> str:
    return ", ".join(target.name for target in stage.targets if target.kind == kind)
