"""In what a stage is weaker than a policy wants: each requirement in its own direction, by values, never by text."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from slipway.promotion.approval import APPROVE, REJECT
from slipway.promotion.approval_policy import ApprovalPolicy
from slipway.promotion.plan import StagePlan
from slipway.promotion.policies.policy import ApprovalWanted, Wanted
from slipway.promotion.policies.settings_of_gates import weaker
from slipway.promotion.policies.times import freeze_is_kept, hours_are_kept, rate_is_kept

NOBODY = "nobody"  # is asked


@dataclass(frozen=True)
class Shortfall:
    """`key` of the policy's `requires` is not met; `part` narrows it to one of its items. In words: what is wanted and
    what there is."""

    key: str
    words: str
    part: int | str | None = None


def shortfalls(wanted: Wanted, stage: StagePlan, at: datetime) -> Iterator[Shortfall]:
    """All in which the stage, as it is planned, is weaker than wanted at that moment."""
    yield from _of_approval(wanted, stage)
    yield from _of_gates(wanted, stage)
    if wanted.rollouts and stage.rollout not in wanted.rollouts:
        yield Shortfall("rollout", f"its rollout must be {' or '.join(wanted.rollouts)}, and is {stage.rollout}")
    if wanted.first_step and stage.canary and (first := stage.canary.policy.steps[0]) > wanted.first_step:
        words = f"the first step of its ramp is at most {wanted.first_step:.4g} of users, and is {first:.4g}"
        yield Shortfall("first_step", words)
    if stage.bake_s < wanted.bake_s:
        yield Shortfall("bake", f"it bakes for at least {wanted.bake_s:g} s, and does for {stage.bake_s:g} s")
    if stage.watch_s < wanted.retain_previous_s:
        words = f"the release before is kept for at least {wanted.retain_previous_s:g} s, and is for {stage.watch_s:g}"
        yield Shortfall("retain_previous", f"{words} s")
    yield from _of_times(wanted, stage, at)


def _of_approval(wanted: Wanted, stage: StagePlan) -> Iterator[Shortfall]:
    """Met by the approval before the stage, or by that before its switch. Rings after the first come after its yes."""
    if wanted.approval is None or (stage.ring and stage.ring.number > 1):
        return
    asked = [each for each in (stage.approval, stage.switch_approval) if each]
    lacks = [_lacks(wanted.approval, each) for each in asked]
    if not asked:
        yield Shortfall("approval", "it needs an approval, and asks nobody", NOBODY)
    elif all(lacks):
        yield Shortfall("approval", f"it needs {' and '.join(_fewest(lacks))}")


def _lacks(wanted: ApprovalWanted, has: ApprovalPolicy) -> list[str]:
    lacks = []
    if has.needed < wanted.at_least:
        lacks.append(f"{wanted.at_least} approvals, and asks for {has.needed}")
    if wanted.not_author and not has.not_author:
        lacks.append("an approval of somebody other than the author")
    claims = {*has.claims, *(has.escalation.approvers if has.escalation else ())}
    if wanted.approvers and (others := sorted(claims - set(wanted.approvers))):
        lacks.append(f"an approval of {' or '.join(wanted.approvers)} alone, and takes {' and '.join(others)}")
    if wanted.comment and not (has.wants_comment(APPROVE) and has.wants_comment(REJECT)):
        lacks.append("a comment with every vote")
    if wanted.max_age_s and not 0 < has.max_age_s <= wanted.max_age_s:
        holds = f"for {has.max_age_s:g} s" if has.max_age_s else "for ever"
        lacks.append(f"an approval that holds for at most {wanted.max_age_s:g} s, and has one that holds {holds}")
    return lacks


def _of_gates(wanted: Wanted, stage: StagePlan) -> Iterator[Shortfall]:
    for gate in wanted.gates:
        weak = [weaker(gate, has) for has in stage.all_gates if has.kind == gate.kind]
        if not weak:
            yield Shortfall("gates", f"it needs a {gate.kind} gate, and has none", gate.kind)
        elif all(weak):
            words = f"its {gate.kind} gate is weaker in {', '.join(_fewest(weak))}"
            yield Shortfall("gates", words, gate.kind)


def _of_times(wanted: Wanted, stage: StagePlan, at: datetime) -> Iterator[Shortfall]:
    calendar = stage.calendar
    for number, freeze in enumerate(wanted.freezes):
        if not freeze_is_kept(freeze, calendar.freezes, at):
            yield Shortfall("freeze", f"none of its freezes covers {freeze.words}", number)
    if wanted.hours and not hours_are_kept(wanted.hours, calendar.hours, at):
        yield Shortfall("hours", f"builds may enter at times outside of {wanted.hours.words}")
    if wanted.rate and not rate_is_kept(wanted.rate, calendar.rate):
        words = f"at most {wanted.rate.at_most} releases may enter in {wanted.rate.per_s:g} s, and more may"
        yield Shortfall("rate", words)


def _fewest(lists: list[list[str]]) -> list[str]:
    """Of several ways that all fall short, the one that does by the least."""
    return min(lists, key=lambda each: len(each))
