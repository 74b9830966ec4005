"""The phases between verification and switch of a blue-green stage: people are asked, and the release is looked at once
more, because what was verified hours ago may be so no longer.

Other than before a stage, this wait holds the lock: the idle side is taken by what people decide on. It ends by its
deadline, or when a newer build supersedes this one.
"""

from dataclasses import replace
from datetime import timedelta

from orchestrators.asking_people import child_of, decision_of_people, in_words, question, sealed_to, who_is_asked
from orchestrators.environment_lock import ask_lock, mirror_lock
from orchestrators.fan_out import health_checks, reachable
from orchestrators.recording import record_stage
from orchestrators.stage_consent import asked_anew, sealed, void, with_consent
from orchestrators.stage_work import SAYS_NOTHING, VERIFY_TRIES, carried_out, stopped
from orchestrators.waiting import Context, Durable, ask_decisions, now
from slipway.promotion.approval import SWITCH
from slipway.promotion.barriers import LATEST, QUEUE, SUPERSEDE
from slipway.promotion.outcomes import Outcome, iso
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun

LINE = "\n"


def for_switch_approval(context: Context, run: StageRun) -> Durable:
    """Wait until people have decided on the switch. Whatever ends it, the idle side is undone."""
    policy = run.plan.switch_approval
    assert policy is not None
    deadline = iso(context.current_utc_datetime + timedelta(seconds=policy.within_s))
    child = child_of(run, "switch-approval")
    seal = yield from sealed(context, run)
    asked = question(context, run, policy, child, deadline, seal)
    asked |= {"gate": SWITCH, "asks_twice": run.plan.approval is not None}
    waits_for = f"approval of the switch by {who_is_asked(policy)}"
    standing = yield from ask_decisions(context, run.promotion, "ask_approval", {**asked, "waiter": child})
    run = replace(run, since=now(context), deadline=standing.get("deadline", deadline), waits_for=waits_for)
    # Who has the lock goes for no older build.
    mode = LATEST if run.plan.on_newer_build in (LATEST, SUPERSEDE) else QUEUE
    said = {"on_newer_build": mode, "waits_for": waits_for, "until": run.deadline}
    asked["announcement"] = {**asked["announcement"], **said}
    yield from ask_lock(context, run, "announce", {**asked["announcement"], "on_newer_build": QUEUE})
    yield from mirror_lock(context, run)
    told = f"waits for {waits_for}{_seen_at(run)}{_would_change(run)}"
    run = yield from record_stage(context, run, "waiting-for-approval", told, _changes(run))
    answer, ending = yield from decision_of_people(context, run, child, asked)
    yield from ask_lock(context, run, "leave")  # it is announced no more, and keeps the lock
    yield from mirror_lock(context, run)
    if ending is not None:
        return run.ends(ending.outcome, ending.code, f"before the switch: {ending.words}")
    votes = answer["votes"]
    given = {"votes": votes, **sealed_to(answer)}
    run = yield from record_stage(context, run, "switch-approved", in_words(votes), given)
    return with_consent(run, SWITCH, policy, answer).to(run.after_switch_approval)


def verify_again(context: Context, run: StageRun) -> Durable:
    """The health check of the idle sides once more, right before the switch, or before the part that is left of it.
    After a wait for the region (`deadline`) that is looked at again, too."""
    ended = yield from stopped(context, run)
    if ended:
        return ended
    run = replace(run, since=now(context))
    left = [target for part in run.parts[run.part :] for target in part]
    targets = reachable([target for target in run.changing if target in left])
    step = f"health-after-region-{run.rev}" if run.deadline else f"health-again-{run.tick}"
    asked = health_checks(context, run, step, live=False, targets=targets)
    steps = [Step("health again", each.name, op["id"]) for each, op in zip(targets, asked, strict=True)]
    words = f"looks whether {run.called} is still healthy on the idle side"
    run, verdict = yield from carried_out(context, run, "verifying-again", words, steps, asked)
    if verdict.outcome in SAYS_NOTHING and run.tick + 1 < VERIFY_TRIES:
        return replace(run, tick=run.tick + 1)
    if verdict.outcome == Outcome.PASSED:
        why = () if run.part else (yield from void(context, run, SWITCH))
        if why:
            return (yield from asked_anew(context, run, SWITCH, why))
        return replace(run.to(run.to_users), part=run.part, deadline=run.deadline)
    return run.ends(verdict.outcome, verdict.code, f"right before the switch: {verdict.words}")


def _seen_at(run: StageRun) -> str:
    """Where people can look at what they decide on."""
    places = ", ".join(run.previews.values())
    return f"; {run.build.version} can be seen at {places}" if places else ""


def _would_change(run: StageRun) -> str:
    """What people decide on where it was planned, target by target, in short."""
    told = [f"{name}: {text.partition(LINE)[0]}" for name, text in _changes(run).get("changes", {}).items()]
    return f"; would change {'; '.join(told)}" if told else ""


def _changes(run: StageRun) -> dict[str, dict[str, str]]:
    """The same with a line for each change, for the audit and the event."""
    told = {name: site.changes for name, site in run.sites.items() if site.changes}
    return {"changes": told} if told else {}
