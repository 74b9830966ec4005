"""Orchestration `release_watch`: a release is watched for as long as there is a way back, long after its stage ended.

Eternal: a generation asks whether it is still wanted, has the probe and the judge look, and waits once, longer with
age. Harm takes the release back under the lock; blindness calls a person, and never rolls back. That of a blue-green
stage, or of one that contracts its database, ends by stopping the old side (`watch_end`).
"""

from dataclasses import replace

import azure.durable_functions as df

from orchestrators.environment_lock import mirror_lock
from orchestrators.live_looks import live_answers
from orchestrators.one_arm import CALLS, watch_order
from orchestrators.waiting import LONGEST_WAIT, Context, Durable, NotTaken, answers_of, called, given, nudge_or
from orchestrators.watch_end import LONGEST_BLIND, ask, keep_old_side, stop_old_side
from orchestrators.watch_record import record
from slipway.promotion.ids import child_id
from slipway.promotion.judge.verdict import Action
from slipway.promotion.outcomes import Answer, Outcome, failed, moment, passed, worst
from slipway.promotion.stage_phases import ROLLED_BACK
from slipway.promotion.watch_run import WatchRun

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration="release_watch")
def release_watch(context: df.DurableOrchestrationContext) -> Durable:
    """Input: a `WatchRun` as JSON. Returns why it ended."""
    run = WatchRun.load(given(context))
    try:
        run, ended = yield from _generation(context, run)
    except NotTaken:
        ended = ""
    if ended:
        return {"outcome": ended}
    context.continue_as_new(run.dump())
    return None


def _generation(context: Context, run: WatchRun) -> Durable:
    """The run as it goes on, and in words why it is over, if it is."""
    context.set_custom_status({"state": "watching", "since": run.began_at, "deadline": run.until})
    wanted = yield from ask(context, run, "ask_watch")
    if wanted["watch"] == "wait":  # a newer release is at work; this one may stay live
        yield from nudge_or(context, context.current_utc_datetime + LONGEST_WAIT)
        return run, ""
    if wanted["watch"] != "go":
        if run.stage.plan.members:  # a member has moved on by itself, and the group is one: nobody watches the others
            yield from ask(context, run, "end_watch")
            yield from mirror_lock(context, run.stage)
        return run, "another release has the environment"
    over, keeps = context.current_utc_datetime >= moment(run.until), run.stage.stops_old_side
    if over and not keeps:
        yield from ask(context, run, "end_watch")
        version = run.stage.build.version
        run = yield from record(context, run, "over", f"{version} was watched until {run.until}: nothing was found")
        return run, "its time is over"
    answers = yield from live_answers(context, run.stage, "watch", run.looks, lambda check: _id(run, check))
    run, judged = yield from _judged(context, run)
    verdict = worst([*answers, judged])
    if verdict.outcome == Outcome.FAILED:
        return (yield from _taken_back(context, run, verdict))
    if verdict.outcome != Outcome.PASSED and run.told != verdict.code:
        run = yield from _call(context, run, verdict.code, verdict.words)
    if over and verdict.outcome == Outcome.PASSED:
        # Newer stages that came to nothing have raised the fence since.
        fenced = replace(run.stage, fence=max(run.stage.fence, wanted.get("fence", 0)))
        return (yield from stop_old_side(context, replace(run, stage=fenced)))
    if context.current_utc_datetime >= moment(run.until) + LONGEST_BLIND:
        return (yield from keep_old_side(context, run, verdict))
    yield from nudge_or(context, run.wakes_at(context.current_utc_datetime))
    return replace(run, looks=run.looks + 1), ""


def _judged(context: Context, run: WatchRun) -> Durable:
    """The run, and what the judge of one arm has against the release."""
    tick = run.due(context.current_utc_datetime)
    if tick <= run.watched.get("tick", 0):
        return run, passed()
    order = watch_order(run.stage, run.watched, child_id(run.instance, "judge", str(tick)), tick)
    answer = yield from called(context, "watch_tick", order)
    if answer.state != Outcome.PASSED:  # what could not be judged now is judged at the next look
        return run, passed()
    run, verdict = run.judged(tick, answer.result["state"]), answer.result["verdict"]
    if verdict["action"] == Action.ROLLBACK:
        return run, failed(verdict["code"], verdict["words"])
    if verdict["code"] in CALLS and run.told != verdict["code"]:
        run = yield from _call(context, run, verdict["code"], verdict["words"])
    return run, passed()


def _taken_back(context: Context, run: WatchRun, verdict: Answer) -> Durable:
    run = yield from record(context, run, "harm", f"{verdict.words}: takes {run.stage.build.version} back")
    back = run.going_back(f"on watch: {verdict.words}")
    (answer,) = yield from answers_of(context, [context.call_sub_orchestrator("stage", back.dump(), back.instance)])
    ended = answer or {
        "outcome": Outcome.BROKEN,
        "code": "STAGE_LOST",
        "words": f"{back.instance} was ended from outside",
    }
    if ended["outcome"] == ROLLED_BACK:
        yield from ask(context, run, "end_watch")
        return run, "it was taken back"
    if ended["code"] != "BEHIND":
        words = f"{run.stage.build.version} was not taken back, and is not watched any more: {ended['words']}"
        run = yield from _call(context, run, ended["code"], words)
    yield from ask(context, run, "end_watch")  # how it goes back is a person's now
    return run, "it was not taken back"


def _call(context: Context, run: WatchRun, code: str, words: str) -> Durable:
    run = yield from record(context, run, "unseen", f"a person must look: {words}", {"calls": True, "code": code})
    return replace(run, told=code)


def _id(run: WatchRun, check: str) -> str:
    """The check's id below the watch: the stage's own of the same step may still be known."""
    return child_id(run.instance, *check.split(":")[-3:])
