"""A stage's feature flag in a plan: who has it first, how more users get it, and what happens when it does harm."""

from collections.abc import Iterator

from slipway.cli.judge.options import ramp_words
from slipway.cli.times import rounded
from slipway.promotion import canary_plan as plan
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.flags.comparison_plan import CONTROL, PERSON, TREATMENT, ComparisonPlan
from slipway.promotion.flags.plan import FLAG_OFF, FlagPlan
from slipway.promotion.kinds.app_configuration_flag import APP_CONFIGURATION_FLAG
from slipway.promotion.rights.catalogue import FLAGS

_AT_DEADLINE = {
    plan.WITHDRAW: "the flag goes off, and the release is not blamed",
    plan.PROMOTE: "everybody gets it, unless harm was proven",
    plan.STAY: "it stays where it is, and a person decides",
}
_ON_TIE = {
    CONTROL: "the control stays, and the flag goes off",
    TREATMENT: "everybody gets the treatment",
    PERSON: "a person decides, by `slipway promote` or `slipway advance`",
}
RIGHTS = "On the App Configuration store Slipway's identity needs " + ", ".join(FLAGS.data_actions)


def flag_lines(canary: CanaryPlan, flag: FlagPlan) -> Iterator[str]:
    """What a person should know before the release is live."""
    yield f"dark: the release is live for everybody, the flag {flag.where} for {_testers(flag)}"
    ramp = ramp_words(canary.policy)
    ramp = f"{ramp.removesuffix(' · 100 %')} %" if flag.compare else ramp
    yield f"then to users, {ramp}, judged every {rounded(canary.policy.tick_s)}"
    yield f"in effect {rounded(canary.settle_s)} after a change; stickiness: {APP_CONFIGURATION_FLAG.stickiness}"
    yield f"way back: {APP_CONFIGURATION_FLAG.way_back}"
    yield _evidence(canary, flag)
    if canary.hold_at:
        points = ", ".join(f"{100 * share:g} %" for share in canary.hold_at)
        yield f"holds at {points} until somebody says `slipway advance`"
    yield f"on proven harm: {_on_harm(canary, flag)}"
    yield f"an alert on a target: {canary.signals.alert}; `slipway flags off {flag.name}` at any time"
    end = f"{100 * flag.compare.share:g} %" if flag.compare else "100 %"
    yield f"not at {end} within {rounded(canary.within_s)}: {_AT_DEADLINE[canary.at_deadline]}"
    if flag.compare:
        yield from _comparison(flag.compare)
    yield f"noted on the flag, if nothing is there: owner {flag.owner}, needed for {rounded(flag.expires_s)}"


def _comparison(plan: ComparisonPlan) -> Iterator[str]:
    told = f"tell {plan.event}" if plan.event else f"are answered {plan.request} well"
    names = " and ".join(plan.name_of(each) for each in (CONTROL, TREATMENT))
    yield f"at {100 * plan.share:g} % of the users, {names} are compared by those who {told}"
    looks = f"looked at every {rounded(plan.every_s)}, decided after {rounded(plan.at_least_s)} at the earliest"
    yield f"{looks} and {rounded(plan.within_s)} at the latest; the environment is taken as long"
    wrongly = f"a winner is named wrongly in {plan.false_winner:.0%} of comparisons at most"
    yield f"the better one becomes everybody's; {wrongly}, however often one looks"
    yield f"no difference as large as {100 * plan.better_by:g} %, or time over: {_ON_TIE[plan.on_tie]}"


def _testers(flag: FlagPlan) -> str:
    who = [*flag.testers.users, *(f"group {name}" for name in flag.testers.groups)]
    if not who:
        return "nobody yet"
    asks = f", verified as {flag.testers.users[0]} at {flag.path}" if flag.testers.users else ""
    return f"{', '.join(who)} alone{asks}"


def _evidence(canary: CanaryPlan, flag: FlagPlan) -> str:
    source = canary.source
    where = f"workspace {source.workspace}" if source.workspace else "the workspace of the setting SLIPWAY_WORKSPACE"
    slow = f", or took more than {flag.slow_ms:g} ms" if flag.slow_ms else ""
    users = f"users with and without the flag; one is bad when a request of theirs failed{slow}"
    return f"evidence: {users}; role {source.role} in {where}"


def _on_harm(canary: CanaryPlan, flag: FlagPlan) -> str:
    if canary.on_harm == plan.STAY:
        return "flag and release stay, and a person decides"
    if flag.on_harm == FLAG_OFF:
        return "the flag goes off for everybody, the release stays, and the stage has failed"
    return "the flag goes off for everybody, and the release goes back"
