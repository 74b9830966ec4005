"""The phases in which a stage waits: for the stages it needs, for people, for the lock."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.asking_people import (
    EVIDENCE_CHANGED,
    child_of,
    decision_of_people,
    in_words,
    overtaken,
    question,
    sealed_to,
    who_is_asked,
)
from orchestrators.environment_lock import ask_lock, leave_lock, mirror_lock
from orchestrators.lock_grants import asked_in_order, granted, step_aside
from orchestrators.recording import record_stage
from orchestrators.stage_consent import asked_anew, sealed, void, with_consent
from orchestrators.waiting import LONGEST_WAIT, Context, Durable, ask_decisions, now, nudge_or
from slipway.promotion import stage_phases as phase
from slipway.promotion.approval import START
from slipway.promotion.database_schema import OUT_OF_RANGE
from slipway.promotion.gates.rounds import numbers
from slipway.promotion.outcomes import Outcome, iso, moment
from slipway.promotion.release_parts.before import Before
from slipway.promotion.release_parts.configuration import KeptConfiguration
from slipway.promotion.release_parts.flag_wish import ChangedFlag
from slipway.promotion.stage_run import StageRun

OVERTAKEN = ("superseded", "ignored")


def for_needs(context: Context, run: StageRun) -> Durable:
    """Wait until every stage that this one needs has passed; end when one of them did not."""
    context.set_custom_status({"state": run.state})
    asked = {"needs": list(run.plan.needs), "waiter": run.instance, "at": now(context)}
    answer = yield from ask_decisions(context, run.promotion, "ask_needs", asked)
    if answer["do"] == "wait":
        until = answer.get("until") or iso(context.current_utc_datetime + LONGEST_WAIT)
        said = {"state": run.state, "waits_for": ", ".join(answer["for"])}
        context.set_custom_status({**said, "deadline": until} if "until" in answer else said)
        yield from nudge_or(context, moment(until))
        return run
    run = replace(run, since=now(context))
    if answer["do"] == "cancel":
        return run.ends(Outcome.CANCELLED, answer["code"], answer["words"])
    return replace(run, started_at=now(context)).to(run.after_needs)


def for_approval(context: Context, run: StageRun) -> Durable:
    """Wait until people have decided. Holds no lock."""
    policy = run.plan.approval
    assert policy is not None
    deadline = iso(context.current_utc_datetime + timedelta(seconds=policy.within_s))
    who = who_is_asked(policy)
    run = replace(run, since=now(context), deadline=deadline, waits_for=f"approval by {who}")
    child = child_of(run, "approval")
    seal = yield from sealed(context, run)
    asked = question(context, run, policy, child, deadline, seal)
    asked |= {"judged": numbers(run.plan.gates, run.gate_answers)} if run.plan.gates else {}
    # Ask before saying so: whoever reads that the stage waits may approve at once.
    standing = yield from ask_decisions(context, run.promotion, "ask_approval", {**asked, "waiter": child})
    run = replace(run, deadline=standing.get("deadline", deadline))
    run = yield from record_stage(context, run, "waiting-for-approval", f"waits for approval by {who}")
    answer, ending = yield from decision_of_people(context, run, child, asked)
    if ending is not None and ending.code == EVIDENCE_CHANGED:
        run = yield from record_stage(context, run, "gate-revoked", ending.words)
        return run.to(phase.GATES, revoked=run.revoked + 1)
    if ending is not None:
        return run.ends(ending.outcome, ending.code, ending.words)
    votes = answer["votes"]
    run = yield from record_stage(context, run, "approved", in_words(votes), {"votes": votes, **sealed_to(answer)})
    return with_consent(run, START, policy, answer).to(phase.LOCK, approved=True)


def for_lock(context: Context, run: StageRun) -> Durable:
    """Wait until this stage holds the environment's lock, and those of all members of its group; end when the build is
    overtaken or aborted. What it holds already while it waits for the next one it is granted anew at each ask."""
    if not run.deadline:
        ends = context.current_utc_datetime + timedelta(seconds=run.plan.lock_within_s)
        run = replace(run, since=now(context), deadline=iso(ends))
    asked = {"waiter": run.instance, "at": now(context)}
    going = {"do": "go"} if run.goes_back else (yield from ask_decisions(context, run.promotion, "ask_going_on", asked))
    if going["do"] == "cancel":
        return (yield from _left(context, run.ends(Outcome.CANCELLED, going["code"], going["words"])))
    if going["do"] == "wait":
        return (yield from _paused(context, run, going["for"][0], going["until"]))
    answers = yield from asked_in_order(context, run)
    service, answer = list(answers.items())[-1]
    whose = f" of {service}" if run.plan.members else ""
    if answer["lock"] == "granted":
        why = () if run.goes_back else (yield from void(context, run, START))
        if why:
            return (yield from asked_anew(context, (yield from _left(context, run)), START, why))
        yield from mirror_lock(context, run)
        run = _with_parts(granted(run, answers), answers[run.build.service])
        if run.goes_back:
            return run.to(phase.READY_OLD_SIDE if run.old_side_stopped else phase.GO_BACK)
        return run.to(run.after_lock)
    if answer["lock"] == "behind":
        words = f"{answer['live']['version']}, a newer build{whose}, is already live here"
        if run.with_ring:
            yield from ask_lock(context, run, "doubt", {"promotion": run.promotion, "words": run.reason}, service)
        return (yield from _left(context, run.ends(Outcome.CANCELLED, "BEHIND", words)))
    if answer["lock"] == "rejected":
        words = f"{service}: {answer['words']}" if whose else answer["words"]
        return (yield from _left(context, run.ends(Outcome.CANCELLED, "VERSION_REJECTED", words)))
    if answer["lock"] == "schema":
        outcome = Outcome.BROKEN if run.goes_back else Outcome.CANCELLED
        words = f"{service}: {answer['words']}" if whose else answer["words"]
        return (yield from _left(context, run.ends(outcome, OUT_OF_RANGE, words)))
    if answer["lock"] == "broken":
        words = f"the lock{whose}: {answer['words']}" if whose else answer["words"]
        return (yield from _left(context, run.ends(Outcome.BROKEN, "LOCK_BROKEN", words)))
    if context.current_utc_datetime >= moment(run.deadline):
        words = f"the lock{whose} was not free before {run.deadline}"
        return (yield from _left(context, run.ends(Outcome.CANCELLED, "LOCK_WAIT_OVER", words)))
    if answer["lock"] in OVERTAKEN:
        return (yield from _left(context, run.ends(Outcome.CANCELLED, *overtaken(answer))))
    if answer["lock"] == "held":
        waits_for = f"{service}: {answer['words']}" if whose else answer["words"]
        until = min(moment(run.deadline), moment(answer["until"] or run.deadline))
        if run.plan.members:
            yield from step_aside(context, run, service)
    else:
        waits_for, until = f"the lock{whose}, behind {answer['behind']}", moment(run.deadline)
    if run.waits_for != waits_for:
        run = replace(run, waits_for=waits_for)
        yield from mirror_lock(context, run, answers)
        run = yield from record_stage(context, run, "waiting-for-the-lock", f"waits for {waits_for}")
    yield from nudge_or(context, until)
    return run


def _with_parts(run: StageRun, answer: dict[str, Any]) -> StageRun:
    """With what the lock knows of configuration and flags, of this release when it goes back, and of the one that it
    would go back to."""
    if not run.goes_back:
        return replace(run, before=Before.load({"version": answer["live"], **_of(answer, "configuration")}))
    changed = tuple(ChangedFlag.load(flag) for flag in answer.get("changed_flags", ()))
    own = KeptConfiguration.load(answer.get("configuration"))
    return replace(run, configuration=own, changed_flags=changed, before=Before.load(answer.get("before")))


def _of(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return {name: answer[name]} if name in answer else {}


def _paused(context: Context, run: StageRun, waits_for: str, until: str) -> Durable:
    """Wait for `resume` outside of the queue, so that nobody waits behind a paused promotion.

    The time for the lock begins anew when the promotion goes on.
    """
    if run.waits_for != waits_for:
        run = yield from _left(context, replace(run, waits_for=waits_for, deadline=until))
        run = yield from record_stage(context, run, "paused", f"waits for {waits_for}")
    yield from nudge_or(context, moment(until))
    return replace(run, deadline="")


def _left(context: Context, run: StageRun) -> Durable:
    """Leave the queue. Returns the run as it ends."""
    yield from leave_lock(context, run)
    return run
