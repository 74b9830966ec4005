"""How a stage ends: proven, or undone; the lock given back; its outcome told to whoever needs it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.environment_lock import ask_lock, leave_lock, mirror_lock, raise_fences
from orchestrators.fan_out import an_operation, fan_out
from orchestrators.recording import record_stage
from orchestrators.release_parts import told_of
from orchestrators.release_settings import seen
from orchestrators.waiting import Context, Durable, answers_of, ask_decisions, insist, now, nudge_or
from slipway.promotion import stage_phases as phase
from slipway.promotion.database_schema import OUT_OF_RANGE
from slipway.promotion.ids import child_id
from slipway.promotion.ledger import UNDONE
from slipway.promotion.outcomes import Answer, Outcome, broken, iso, moment, worst
from slipway.promotion.plain import plain
from slipway.promotion.release_parts import before
from slipway.promotion.release_parts.before import Brought
from slipway.promotion.release_parts.configuration import GONE
from slipway.promotion.stage_parts import Ending, Site, Step, holds
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stored import known
from slipway.promotion.watch_run import WatchRun

HARM_PROVEN = "HARM_PROVEN"
START_WITHIN_S = 900.0
GIVES_BACK = (phase.GATES_AT_LOCK, phase.SETTLE, phase.UNDO, phase.SHUT, phase.READY_OLD_SIDE, phase.GO_BACK)


def settle(context: Context, run: StageRun) -> Durable:
    """The release is proven: give the lock back and say so. An abort until here still undoes it. One whose flag came
    to a bad end may be tried again, so it is not settled for good."""
    asked: dict[str, Any] = {"stage": run.plan.name, "waiter": run.instance}
    if run.flag_ending:
        asked = {"waiter": run.instance, "past_pause": True}
    going = yield from ask_decisions(context, run.promotion, "ask_going_on" if run.flag_ending else "settle", asked)
    if going["do"] == "cancel":
        return run.ends(Outcome.CANCELLED, going["code"], going["words"])
    until = iso(context.current_utc_datetime + timedelta(seconds=run.plan.watch_s))
    stops = {"stops": True} if run.stops_old_side else {}
    watch = {"watch": {"id": run.watch, "until": until, **stops}} if run.watch else {}
    yield from _unlock(context, run, {"result": "proven", **watch})
    words = f"{run.called} is live and proven in {run.plan.environment}"
    return run.to(phase.REPORT, ending=run.flag_ending or Ending(Outcome.PASSED, "", words))


def undo(context: Context, run: StageRun) -> Durable:
    """Put the previous release back, prove it by reading, and give the lock back; else leave it broken. Code that does
    not run on the database as it is by now is never put back: a person has to decide."""
    ending = run.ending
    assert ending is not None
    if beyond := run.beyond_return:
        words = f"{ending.words}; it stays live, because {beyond}"
        return run.to(phase.SHUT, ending=Ending(Outcome.BROKEN, OUT_OF_RANGE, words))
    run = yield from raise_fences(context, run)
    run = replace(run, since=now(context))
    run = yield from record_stage(
        context, run, "rolling-back", f"undoes its changes: {ending.words}", {"code": ending.code}
    )
    child = child_id(run.instance, "rollback", str(run.attempt))
    rollback = context.call_sub_orchestrator("rollback", replace(run, tick=0).dump(), child)
    (ended,) = yield from answers_of(context, [rollback])
    answer = Answer.load(ended) if ended else broken("ROLLBACK_LOST", f"{child} broke off or was ended from outside")
    for step in answer.result.get("steps", ()):
        done = Step(**known(Step, step))
        run = replace(run, steps=(*(each for each in run.steps if each.operation != done.operation), done))
    run = replace(run, brought=Brought.load(answer.result.get("brought")))
    if answer.outcome == Outcome.PASSED:
        shut = yield from _unlock(context, run, _undone(run, ending))
        words = "; ".join([ending.words, answer.words, *shut])
        run = replace(run, switched=False, taken_back=run.switched, calls=bool(shut))
        return run.to(run.undone, ending=replace(ending, words=words))
    left = tuple(each for each in run.changed_flags if each.where not in run.brought.put_back)
    run = replace(run, changed_flags=left)
    words = f"{ending.words}; the rollback is not proven ({answer.code}): {answer.words}"
    return run.to(phase.SHUT, ending=Ending(Outcome.BROKEN, "ROLLBACK_FAILED", words))


def _undone(run: StageRun, ending: Ending) -> dict[str, Any]:
    """With what a lock is given back after the release was taken back."""
    # Who was terminated may have told the lock of its switch and died before it knew that itself.
    told = run.switched or (run.swept and not run.goes_back)
    return {"result": "undone" if told else "unchanged", **_why(run, ending), "overwrote": _overwrote(run)}


def sweep(context: Context, run: StageRun) -> Durable:
    """Stand in the place of an orchestration that is no more: take its lock over and undo what it may have changed.

    One that held no lock has changed nothing: whatever of it waits is taken away, and its end reported. One of a group
    that had begun to give its locks back had come to its end: the others are given back as it would have done it.
    """
    fences: dict[str, int] = {}
    asked = {"holder": run.swept, "by": run.instance, **({"heirs": list(run.heirs)} if run.heirs else {})}
    for service in run.locks:
        answer = yield from ask_lock(context, run, "take_over", asked, service)
        if "fence" in answer:
            fences[service] = answer["fence"]
    if not fences:
        return (yield from _left_behind(context, run))
    yield from leave_lock(context, run, run.swept, [service for service in run.locks if service not in fences])
    yield from mirror_lock(context, run, fences)
    run = run.with_fences({**dict.fromkeys(run.locks, 0), **fences})
    if run.fence == 0 and run.swept_in in GIVES_BACK and not run.purged:
        return (yield from _given_back(context, run))
    if not run.goes_back:  # its ramp hears so, if one goes on without it
        yield from ask_decisions(context, run.promotion, "close_stage", {"stage": run.plan.name})
    if run.purged:
        words = f"{run.swept} was purged while it held the lock, so nobody knows what it changed"
        return run.to(phase.SHUT, ending=Ending(Outcome.BROKEN, "STAGE_LOST", words))
    words = f"{run.swept} ended without giving the lock back"
    return run.to(phase.UNDO, ending=Ending(Outcome.BROKEN, "SWEPT", words))


def _given_back(context: Context, run: StageRun) -> Durable:
    """What is left of a group's locks goes the way that its own lock went."""
    ending = run.ending or Ending(Outcome.BROKEN, "STAGE_LOST", f"{run.swept} was ended from outside")
    proven, undone = {"result": "proven"}, _undone(run, ending)
    shut = {"result": "broken", **_why(run, ending)}
    result = {phase.SETTLE: proven, phase.UNDO: undone, phase.SHUT: shut}.get(run.swept_in, {"result": "unchanged"})
    yield from _unlock(context, run, result)
    return (yield from _left_behind(context, replace(run, ending=ending)))


def _left_behind(context: Context, run: StageRun) -> Durable:
    """Nobody asks people for it any more, it stands in no queue and is not announced; then it can be reported."""
    closing = {"do": "go"}
    if not run.goes_back:
        closing = yield from ask_decisions(context, run.promotion, "close_stage", {"stage": run.plan.name})
    yield from leave_lock(context, run, run.swept)
    words = f"{run.swept} was ended from outside"
    ending = run.ending or Ending(Outcome.BROKEN, "STAGE_LOST", words)
    run = replace(run.with_fences(dict.fromkeys(run.locks, 0)), ending=ending)
    return run.to(phase.OVER if closing["do"] == "end" else run.undone)


def ready_old_side(context: Context, run: StageRun) -> Durable:
    """The side to go back to was stopped when its time was over: start it, and see that it holds the release."""
    run = replace(run, before=(yield from seen(context, run)))
    if run.before.state == before.GONE:
        return (yield from _not_without_settings(context, run))
    order, stays = {"promotion": run.promotion, **run.plan.reading}, run.stays
    asked, steps = [], []
    for target in run.plan.targets:
        version = run.replaced.get(target.name)
        if version and target.name not in stays:
            id = run.operation(target, "start-idle")
            given = {**order, "fence": run.fence_of(target.name), "live": run.version_of(target.name)}
            given |= {"target": plain(target), "version": version}
            asked.append(an_operation(context, id, "start_idle", given, START_WITHIN_S))
            steps.append(Step("start old side", target.name, id))
    run = replace(run.stepping(steps, now(context)), since=now(context))
    run = yield from record_stage(context, run, "starting-old-side", "starts the side that was stopped")
    answers = yield from fan_out(context, asked)
    for step, answer in zip(steps, answers, strict=True):
        run = run.stepped(step.name, step.target, answer, now(context))
    verdict = worst(answers)
    late = [answer for answer in answers if answer.code == "TIMED_OUT"]
    well = [answer for answer in answers if answer.outcome == Outcome.PASSED]
    if verdict.outcome == Outcome.PASSED or (well and len(well) + len(late) == len(answers)):
        return run.to(phase.GO_BACK)  # which sees what has not come up
    return (yield from _not_gone_back(context, run, verdict.code, verdict.words))


def go_back(context: Context, run: StageRun) -> Durable:
    """A person wants the previous release back: find it on the idle sides, then undo what this release changed. What of
    a group it had not changed stays as it is. Where nothing answers on either side the undo looks again; what it cannot
    bring back leaves the lock broken, and the other targets go back all the same."""
    if others := _moved_on(run):
        words = f"{', '.join(others)} came there since by itself: take that back first"
        return (yield from _not_gone_back(context, run, "NOT_LIVE", words, Outcome.CANCELLED))
    order = {
        "promotion": run.promotion,
        "targets": [plain(target) for target in run.plan.targets],
        **run.plan.reading,
    }
    survey = yield from insist(context, "survey_targets", order)
    if survey.state != Outcome.PASSED:
        return (yield from _not_gone_back(context, run, survey.code, survey.words))
    found = {name: Site(**known(Site, site)) for name, site in survey.result["sites"].items()}
    elsewhere = _elsewhere(run, found)
    if elsewhere:
        words = f"{', '.join(elsewhere)} does not serve {run.called} any more"
        return (yield from _not_gone_back(context, run, "NOT_LIVE", words, Outcome.CANCELLED))
    going = {name: site for name, site in found.items() if name not in run.stays}
    if not going and run.harm and not run.changed_flags:
        words = f"{run.build.version} had changed nothing there, so its members' own releases do the harm"
        return (yield from _not_gone_back(context, run, "NOTHING_TO_RETURN_TO", words))
    lost = [name for name, site in going.items() if not _may_come_back(site, run.replaced.get(name, ""))]
    if lost:
        words = f"the idle side of {', '.join(lost)} does not hold the release before {run.build.version} any more"
        return (yield from _not_gone_back(context, run, "NOTHING_TO_RETURN_TO", words))
    run = replace(run, before=(yield from seen(context, run)))
    if run.before.state == before.GONE:
        return (yield from _not_without_settings(context, run))
    sites = found | {name: replace(site, previous=run.replaced[name]) for name, site in going.items()}
    words = f"{run.called} is taken back" + (f": {run.reason}" if run.reason else "")
    ending = Ending(phase.ROLLED_BACK, "ROLLED_BACK", words)
    return replace(run, sites=sites, switched=True).to(phase.UNDO, ending=ending)


def _elsewhere(run: StageRun, found: dict[str, Site]) -> list[str]:
    """The targets on which neither this release is live nor the one before it. Where that one serves already, from a
    way back that did not come to its end or by somebody's hand, the others follow; and where it serves everywhere, what
    is left is brought back: flags, lock and ledger."""
    live = {name: site.previous or site.held for name, site in found.items()}
    others = [name for name, version in live.items() if version and not holds(version, run.version_of(name))]
    return [name for name in others if live[name] != run.replaced.get(name)]


def _may_come_back(site: Site, before: str) -> bool:
    """Whether the release `before` is there to serve again, or serves already; of a target that says nothing, the undo
    finds out."""
    return bool(before) and (site.says_nothing or before in (site.idle_was, site.previous))


def _not_without_settings(context: Context, run: StageRun) -> Durable:
    words = f"{run.before.version} cannot serve again: {run.before.words}"
    return (yield from _not_gone_back(context, run, GONE, words))


def _moved_on(run: StageRun) -> list[str]:
    """The members whose release is not this one any more, with what they serve by their locks."""
    locks = {service: lock for service, lock in run.member_locks.items() if not run.keeps(service)}
    return [f"{service} {lock.live}" for service, lock in locks.items() if lock.promotion != run.promotion]


def _not_gone_back(
    context: Context, run: StageRun, code: str, words: str, outcome: Outcome = Outcome.BROKEN
) -> Durable:
    """Nothing was changed. A ring whose release is bad by the word of a later one stays on it: a person has to look."""
    if run.with_ring and outcome == Outcome.BROKEN:
        return run.to(phase.SHUT, ending=Ending(outcome, code, words))
    yield from _unlock(context, run, {"result": "unchanged"})
    return run.to(phase.REPORT, ending=Ending(outcome, code, words))


def shut(context: Context, run: StageRun) -> Durable:
    """Nobody knows what is live, or how to go back: leave the lock broken, so that a person looks before anything else
    happens."""
    ending = run.ending
    assert ending is not None
    flags = {"flags_back": list(run.brought.put_back)}
    yield from _unlock(context, run, {"result": "broken", **_why(run, ending), **flags})
    return run.to(phase.REPORT, calls=True)


def report(context: Context, run: StageRun) -> Durable:
    """Record the outcome, then tell the stages that need this one. What failed may be tried again for a while."""
    ending = run.ending
    assert ending is not None
    if run.fence == 0:
        yield from leave_lock(context, run)  # it may have announced itself, and others look at that
    else:
        yield from mirror_lock(context, run)
    if run.watch and (ending.outcome == Outcome.PASSED or ending == run.flag_ending):
        yield from _watched(context, run)
    run = replace(run, ended_at=now(context), since=now(context))
    if run.may_retry:
        until = iso(context.current_utc_datetime + timedelta(seconds=run.plan.retry_within_s))
        run = replace(run, deadline=until, waits_for="retry")
    action = ending.outcome.replace(" ", "-")
    evidence: dict[str, Any] = {"code": ending.code}
    evidence |= {} if run.goes_back else told_of(run)
    if logs := {f"{step.name} {step.target}": step.log for step in run.steps if step.log}:
        evidence |= {"logs": logs}
    if run.brought.is_told:
        evidence |= {"brought": run.brought.dump(), "calls": run.calls or bool(run.brought.left)}
    elif run.calls:
        evidence |= {"calls": True}
    run = yield from record_stage(context, run, action, ending.words, evidence)
    if run.goes_back:
        return run.to(phase.OVER)
    yield from _tell(context, run, over=not run.may_retry)
    return replace(run, phase=phase.RETRY) if run.may_retry else run.to(phase.OVER)


def _watched(context: Context, run: StageRun) -> Durable:
    """Start the watch that the lock knows of already. Raises NotTaken."""
    until = iso(context.current_utc_datetime + timedelta(seconds=run.plan.watch_s))
    watched = {**run.watched, "began_at": now(context), "tick": 0, "state": {}} if run.watched else {}
    watch = WatchRun(replace(run, steps=(), watched={}), run.watch, now(context), until, watched)
    order = {"orchestration": "release_watch", "instance": run.watch, "given": watch.dump()}
    yield from insist(context, "start_orchestration", order)


def for_retry(context: Context, run: StageRun) -> Durable:
    """Wait until a person has the stage tried again, or the time for that is over."""
    asked = {"stage": run.plan.name, "attempt": run.attempt, "waiter": run.instance}
    answer = yield from ask_decisions(context, run.promotion, "ask_retry", asked)
    if answer["do"] == "cancel" or (answer["do"] == "wait" and context.current_utc_datetime >= moment(run.deadline)):
        answer = yield from ask_decisions(context, run.promotion, "close_retry", asked)
    if answer["do"] == "retry":
        return run.again()
    if answer["do"] == "end":
        run = replace(run, waits_for="", deadline="")
        run = yield from record_stage(context, run, "not-retried", "the time for a retry is over")
        yield from _tell(context, run, over=True)
        return run.to(phase.OVER)
    yield from nudge_or(context, moment(run.deadline))
    return run


def _tell(context: Context, run: StageRun, over: bool) -> Durable:
    """Report the outcome to the promotion's decisions. Last in its phase: what is over is not looked after any more."""
    ending = run.ending
    assert ending is not None
    given = {"outcome": ending.outcome, "attempt": run.attempt, "over": over, "until": run.deadline}
    asked = {"stage": run.plan.name, "waiter": run.swept or run.instance, **given}
    yield from ask_decisions(context, run.promotion, "report", asked)


def _unlock(context: Context, run: StageRun, result: dict[str, Any]) -> Durable:
    """Give the locks back. Last in its phase, since a phase that begins again must still hold them: `report` copies.
    Of a member that the group does not change, and whose version nobody blames, nothing is said. Returns in words why
    locks stay shut."""
    shut = []
    for service in run.locks_given_back:
        given = result
        if service != run.build.service:
            given = {**result, "rejects": False} if "rejects" in result else result
            given = {"result": "unchanged"} if run.keeps(service) and result["result"] != "broken" else given
        if run.fence_at(service):
            freed = yield from ask_lock(context, run, "release", {**given, "at": now(context)}, service)
            shut += [freed["words"]] if freed["lock"] == "broken" else []
    return shut


def _overwrote(run: StageRun) -> bool:
    """Whether what is undone had been deployed over the release to which the one before it could have gone back."""
    deployed = run.goes_back or any(step.name == "deploy" for step in run.steps)
    return deployed and any(target.of_kind.overwrites for target in run.plan.targets)


def _why(run: StageRun, ending: Ending) -> dict[str, Any]:
    """As what, by whom and why a release is taken back, for the ledger, and whether that speaks against it; for harm
    its version is rejected."""
    taken_back = {"as": phase.ROLLED_BACK if run.goes_back else UNDONE, "by": run.asked_by or "slipway"}
    rejects = run.harm or ending.code == HARM_PROVEN
    told = {"code": ending.code, "words": ending.words, "against": ending.outcome == Outcome.FAILED}
    return {**taken_back, **told, "rejects": rejects}
