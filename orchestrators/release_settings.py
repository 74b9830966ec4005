"""The configuration of a release: fixed before anything is deployed, and looked at again where that counts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.fan_out import an_operation, fan_out
from orchestrators.release_parts import has_parts
from orchestrators.waiting import Context, Durable, ask_decisions, called, now
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plain import plain
from slipway.promotion.release_parts import before
from slipway.promotion.release_parts.configuration import CHANGED, KeptConfiguration
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun

WITHIN_S = 900.0
LOOKS = 3
PAUSE = timedelta(seconds=10)


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
