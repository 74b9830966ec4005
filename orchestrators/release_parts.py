"""Configuration and flags of a release: fixed before anything is deployed, switched once it is live, brought back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.fan_out import an_operation, fan_out
from orchestrators.waiting import Context, Durable, ask_decisions, called, now
from slipway.promotion.flags.plan import KIND
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.release_parts import before
from slipway.promotion.release_parts.before import Brought
from slipway.promotion.release_parts.configuration import CHANGED, KeptConfiguration
from slipway.promotion.release_parts.flag_wish import ChangedFlag
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun

WITHIN_S = 900.0
SOON_S = 60.0  # for what comes before the code on a way back: harm does not wait for a store
LOOKS = 3
PAUSE = timedelta(seconds=10)
FIRST, LAST = "first", "last"  # before the code goes back, and after


def fixed(context: Context, run: StageRun) -> Durable:
    """Have the settings of the release fixed, before anything is deployed. The run; ended, when there are none, or when
    they are not those that an earlier stage was promoted with."""
    plan = run.plan.configuration
    assert plan is not None
    place = plan.place(run.build.service, run.build.version, run.plan.environment)
    id = child_id(run.instance, "configuration", "fix", str(run.attempt))
    order = {"promotion": run.promotion, "place": plain(place), "service": run.build.service}
    run = run.stepping([Step("fix configuration", place.label, id)], now(context))
    (answer,) = yield from fan_out(context, [an_operation(context, id, "fix_configuration", order, WITHIN_S)])
    run = run.stepped("fix configuration", place.label, answer, now(context))
    if answer.outcome != Outcome.PASSED:
        return run.ends(answer.outcome, answer.code, answer.words)
    kept = KeptConfiguration.load(answer.result)
    given = {"stage": run.plan.name, "fingerprint": kept.fingerprint}
    given |= {"label": kept.label, "key_filter": kept.key_filter}
    first = yield from ask_decisions(context, run.promotion, "fixed_configuration", given)
    if first["fingerprint"] != kept.fingerprint:
        words = f"the settings with the label {kept.label} are not those that stage {first['stage']} was promoted with"
        words += f": fingerprint {kept.fingerprint[:12]}, there {first['fingerprint'][:12]}; promote another version"
        return run.ends(Outcome.BROKEN, CHANGED, words)
    return replace(run, configuration=kept)


def settings_before_users(context: Context, run: StageRun) -> Durable:
    """Whether the release's settings are those that were fixed, right before users meet it, or more of them. The run;
    ended, when they are not, or cannot be looked at."""
    if not run.configuration.label:
        return run
    order = _look_at(run, run.configuration)
    answer = yield from called(context, "look_at_configuration", order)
    if answer.running:
        id = child_id(run.instance, "configuration", f"look-{run.phase.replace(' ', '-')}-{run.part}", str(run.attempt))
        (answer,) = yield from fan_out(context, [an_operation(context, id, "look_at_configuration", order, WITHIN_S)])
    when = "right before users meet the release"
    if answer.outcome != Outcome.PASSED:
        return run.ends(answer.outcome, answer.code, f"{when}: {answer.words}")
    return _unless_changed(run, answer, when)


def settings_before_proven(context: Context, run: StageRun) -> Durable:
    """The same before the release counts as proven; a store that is away says nothing against it."""
    if not run.configuration.label:
        return run
    answer = yield from _looked_at(context, run, run.configuration)
    return _unless_changed(run, answer, "before the release counts as proven")


def _unless_changed(run: StageRun, seen: Answer, when: str) -> StageRun:
    if seen.result.get("state") in (before.CHANGED, before.GONE):
        return run.ends(Outcome.BROKEN, CHANGED, f"{when}: {seen.words}")
    return run


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


def seen(context: Context, run: StageRun) -> Durable:
    """What a way back leads to, with what is seen of its configuration now. A store that is away stops no way back."""
    if run.before.state or not has_parts(run):
        return run.before
    fixed = run.before.configuration
    if not fixed.label:
        return replace(run.before, state=before.NONE, words="none was fixed with the release before")
    answer: Answer = yield from _looked_at(context, run, fixed)
    if answer.state == Outcome.PASSED:
        return replace(run.before, state=answer.result["state"], words=answer.words)
    return replace(run.before, state=before.UNREAD, words=f"{fixed.label} could not be looked at: {answer.words}")


def _looked_at(context: Context, run: StageRun, fixed: KeptConfiguration) -> Durable:
    """The last answer of a few looks at a configuration."""
    for look in range(1, LOOKS + 1):
        answer: Answer = yield from called(context, "look_at_configuration", _look_at(run, fixed))
        if not answer.running or look == LOOKS:
            break
        yield context.create_timer(context.current_utc_datetime + PAUSE)
    return answer


def _look_at(run: StageRun, fixed: KeptConfiguration) -> dict[str, Any]:
    return {"promotion": run.promotion, "configuration": plain(fixed)}


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
