"""Flags of a release: looked at before anything is deployed, switched once it is live, brought back; and what the lock
is told of a release beside its code."""

from dataclasses import replace
from typing import Any

from orchestrators.fan_out import an_operation, fan_out
from orchestrators.waiting import Context, Durable, now
from slipway.promotion.flags.plan import KIND
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.release_parts.before import Brought
from slipway.promotion.release_parts.flag_wish import ChangedFlag
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun

WITHIN_S = 900.0
SOON_S = 60.0  # for what comes before the code on a way back: harm does not wait for a store
FIRST, LAST = "first", "last"  # before the code goes back, and after


def flags_checked(context: Context, run: StageRun) -> Durable:
    """Whether the stage's flags are there and free, before anything is deployed. The run; ended, when one is not."""
    id = child_id(run.instance, "flags", "check", str(run.attempt))
    order = {"promotion": run.promotion, "release": run.release, "flags": [plain(wish) for wish in run.plan.flags]}
    names = ", ".join(wish.where for wish in run.plan.flags)
    run = run.stepping([Step("check flags", names, id)], now(context))
    (answer,) = yield from fan_out(context, [an_operation(context, id, "check_flags", order, WITHIN_S)])
    run = run.stepped("check flags", names, answer, now(context))
    return run if answer.outcome == Outcome.PASSED else run.ends(answer.outcome, answer.code, answer.words)


def flags_set(context: Context, run: StageRun) -> Durable:
    """Switch the stage's flags: the release is live. The run; ended, when one could not be."""
    asked, steps = [], []
    for wish in run.plan.flags:
        target = _target(run, wish.name, wish.label)
        id = _operation(run, target, "set-flag")
        order = {**_about(run, target, run.release), "flag": plain(wish)}
        asked.append(an_operation(context, id, "set_flag", order, WITHIN_S))
        steps.append(Step("set flag", wish.where, id))
    run = run.stepping(steps, now(context))
    answers: list[Answer] = yield from fan_out(context, asked)
    for wish, step, answer in zip(run.plan.flags, steps, answers, strict=True):
        run = run.stepped(step.name, step.target, answer, now(context))
        if answer.result.get("was"):
            run = with_changed(run, wish.name, wish.label, answer.result["was"], answer.result["now"])
    bad = next((answer for answer in answers if answer.outcome != Outcome.PASSED), None)
    return run.ends(bad.outcome, bad.code, bad.words) if bad else run


def with_changed(run: StageRun, name: str, label: str, was: str, becomes: str) -> StageRun:
    """With a flag among those that the release changed."""
    others = tuple(each for each in run.changed_flags if (each.name, each.label) != (name, label))
    return replace(run, changed_flags=(*others, ChangedFlag(name, label, was, becomes, run.release)))


def told_of(run: StageRun) -> dict[str, Any]:
    """What the lock is told of the release beside its code."""
    told: dict[str, Any] = {}
    if run.configuration.label:
        told["configuration"] = plain(run.configuration)
    if run.changed_flags:
        told["changed_flags"] = [plain(each) for each in run.changed_flags]
    return told


def has_parts(run: StageRun) -> bool:
    """Whether a way back from the release has more to bring than code."""
    return bool(run.configuration.label or run.before.configuration.label or _to_put_back(run))


def flags_back(context: Context, run: StageRun, when: str, answers: dict[str, Answer]) -> Durable:
    """Put the flags back that the release changed: `first` what it gave, `last` what is left of them (`answers`, by
    flag). Returns the answers of all, and the steps that were taken."""
    open_ = [each for each in _to_put_back(run) if when == FIRST or not _is_done(answers.get(each.where))]
    asked, steps, began = [], [], now(context)
    for each in open_:
        target = _target(run, each.name, each.label)
        id = _operation(run, target, f"flag-back-{when}-{run.part + 1}" if run.part else f"flag-back-{when}")
        order = {**_about(run, target, each.release), "name": each.name, "label": each.label, "when": when}
        asked.append(an_operation(context, id, "put_flag_back", order, SOON_S if when == FIRST else WITHIN_S))
    found: list[Answer] = yield from fan_out(context, asked)
    for each, operation, answer in zip(open_, asked, found, strict=True):
        answers = {**answers, each.where: answer}
        if _is_done(answer) and answer.result["flag"] != "unchanged":
            ended = answer.at or now(context)
            steps.append(Step("flag back", each.where, operation["id"], answer.state, began, ended, answer.words))
    return answers, steps


def half_way_back(run: StageRun, flags: dict[str, Answer]) -> Brought:
    """What a way back brought whose code is not proven to be back: the flags that had gone before it."""
    back, left = of_flags({where: each for where, each in flags.items() if each.result.get("flag") != "later"})
    changed = {each.where for each in (_to_put_back(run) if run.swept else run.changed_flags)}
    later = {where for where, each in flags.items() if each.result.get("flag") == "later"}
    waiting = [f"flag {where} waits for it" for where in sorted(later | (changed - flags.keys()))]
    return Brought(flags=tuple(back), left=("the code", *left, *waiting), put_back=put_back(flags))


def of_flags(answers: dict[str, Answer]) -> tuple[list[str], list[str]]:
    """The flags that are as they were, and those that are not, each in words."""
    back = [each.words for each in answers.values() if each.result.get("flag") == "back"]
    left = [f"flag {each.words}" for each in answers.values() if each.result.get("flag") == "left"]
    for where, each in answers.items():
        if not _is_done(each):
            left.append(f"flag {where} could not be put back, a person must look: {each.words}")
    return back, left


def put_back(answers: dict[str, Answer]) -> tuple[str, ...]:
    """The flags that are as they were, by name and label."""
    return tuple(where for where, each in answers.items() if each.result.get("flag") == "back")


def _to_put_back(run: StageRun) -> list[ChangedFlag]:
    """The flags that the release changed, or may have: of a stage's own undo those of its plan, since whoever undoes
    may not have heard of what was done last. What is kept with the release decides."""
    if run.goes_back:
        return list(run.changed_flags)
    wishes = [ChangedFlag(wish.name, wish.label, release=run.release) for wish in run.plan.flags]
    if run.flag_plan and run.flag.get("was"):
        wishes.insert(0, ChangedFlag(run.flag_plan.name, run.flag_plan.label, release=run.release))
    return wishes


def _is_done(answer: Answer | None) -> bool:
    return answer is not None and answer.outcome == Outcome.PASSED and answer.result.get("flag") != "later"


def _operation(run: StageRun, target: Target, step: str) -> str:
    """The id of an operation on a flag: one name may stand for several flags, each with a label of its own."""
    flag = (target.name, target.slot) if target.slot else (target.name,)
    return child_id(run.instance, *flag, step, str(run.attempt))


def _target(run: StageRun, name: str, label: str) -> Target:
    return Target(name, KIND, f"flag/{run.build.service}/{run.plan.environment}/{name}", label)


def _about(run: StageRun, target: Target, release: str) -> dict[str, Any]:
    about = {"promotion": run.promotion, "target": plain(target), "version": run.build.version}
    return {**about, "fence": run.fence, "release": release}
