"""What a watch asks of its lock, and how one ends that has kept an old side: it is stopped, and what only that has
needed is taken out of the database.

Only under the newest fence of a lock that nobody holds: whoever gets it next has a higher one, and then nothing is
stopped any more. A rollback that comes in between starts what it finds stopped.
"""

from datetime import timedelta
from typing import Any

from orchestrators.environment_lock import ask_environment, mirror_lock
from orchestrators.fan_out import an_operation, fan_out
from orchestrators.waiting import Context, Durable, now
from orchestrators.watch_contract import contract
from orchestrators.watch_record import record
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome, passed, worst
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.watch_run import WatchRun

STOP_WITHIN_S = 900.0
LONGEST_BLIND = timedelta(days=1)  # beyond the time of the old side


def stop_old_side(context: Context, run: WatchRun) -> Durable:
    """Stop what the release replaced, say so, and be over. Returns the run, and why it is over."""
    version = run.stage.build.version
    asked = [_stop(context, run, target) for target in run.stage.changing if run.stage.sites[target.name].previous]
    answers: list[Answer] = yield from fan_out(context, asked)
    verdict = worst(answers) if answers else passed("nothing was there before it")
    if verdict.code == "FENCED":
        yield from ask(context, run, "end_watch")
        return run, "another release has the environment"
    stopped = any(answer.result.get("stopped") for answer in answers)
    said = "; ".join(answer.words for answer in answers) or verdict.words
    words = f"{version} was watched until {run.until}: nothing was found; {said}"
    if verdict.outcome == Outcome.PASSED:
        run = yield from record(context, run, "over", words)
    else:
        evidence = {"calls": True, "code": verdict.code}
        run = yield from record(context, run, "over", f"a person must look: {words}", evidence)
    run = yield from contract(context, run, answers)
    yield from ask(context, run, "end_watch", {"stopped": now(context)} if stopped else {})
    yield from mirror_lock(context, run.stage)
    return run, "its time is over"


def keep_old_side(context: Context, run: WatchRun, verdict: Answer) -> Durable:
    """Leave what the release replaced as it is, since nobody could see for so long that it is not needed; a person has
    to. Returns the run, and why it is over."""
    words = f"a person must look: the old side is left as it is, because the release cannot be seen: {verdict.words}"
    run = yield from record(context, run, "over", words, {"calls": True, "code": verdict.code})
    yield from ask(context, run, "end_watch")
    yield from mirror_lock(context, run.stage)
    return run, "its time is over"


def _stop(context: Context, run: WatchRun, target: Target) -> dict[str, Any]:
    order = {
        "promotion": run.stage.promotion,
        "target": plain(target),
        "version": run.stage.sites[target.name].previous,
        "live": run.stage.version_of(target.name),
        **run.stage.plan.reading,
        "fence": run.stage.fence_of(target.name),
    }
    id = child_id(run.instance, target.name, "stop-old-side", "1")
    return an_operation(context, id, "stop_old_side", order, STOP_WITHIN_S)


def ask(context: Context, run: WatchRun, operation: str, given: dict[str, Any] | None = None) -> Durable:
    """Ask the lock of the release's environment, as its watch, and those of its group's members. Returns the answer
    that says least: the watch goes on where all say so."""
    order, answers = ("over", "wait", "go"), []
    for service in run.stage.locks:
        if not run.stage.keeps(service):
            where = run.stage.plan.environment, service
            asked = {"id": run.instance, **(given or {})}
            answers.append((yield from ask_environment(context, *where, operation, asked)))
    return min(answers, key=lambda answer: order.index(answer["watch"]))
