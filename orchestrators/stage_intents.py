"""What people and calendars say to a stage that has its locks: asked before each step that users would meet, and while
they meet it. A way back is never asked.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.environment_lock import ask_lock, said_of_the_build
from orchestrators.recording import record_stage
from orchestrators.waiting import Context, Durable, now, nudge_or
from slipway.promotion.outcomes import Outcome, iso, moment
from slipway.promotion.precedence import BACK, GO, WAIT
from slipway.promotion.stage_run import StageRun

LOOK_EVERY = timedelta(minutes=1)


def word(context: Context, run: StageRun) -> Durable:
    """The strongest word of all the stage's locks: `do` is `go`, `wait` or `back`, with code, words and until."""
    told: list[dict[str, Any]] = []
    for service in run.locks:
        given = {"version": run.version_at(service), "at": now(context), **said_of_the_build(run, service)}
        told.append((yield from ask_lock(context, run, "ask_intents", given, service)))
    ranked = sorted(told, key=lambda each: (BACK, WAIT, GO).index(each["do"]))
    return ranked[0] if ranked else {"do": GO}


def kept_back(context: Context, run: StageRun) -> Durable:
    """Before a step. Returns the run as it goes on with it, and the run as it waits or ends instead, if it does."""
    said = yield from word(context, run)
    if said["do"] == GO:
        return replace(run, waits_for="", deadline="") if run.waits_for else run, None
    if said["do"] == BACK:
        return run, run.ends(Outcome.CANCELLED, said["code"], said["words"])
    if not run.waits_for:
        ends = context.current_utc_datetime + timedelta(seconds=run.plan.lock_within_s)
        run = replace(run, since=now(context), deadline=iso(ends))
    if context.current_utc_datetime >= moment(run.deadline):
        words = f"kept from its next step until {run.deadline}: {said['words']}"
        return run, run.ends(Outcome.CANCELLED, "KEPT_TOO_LONG", words)
    if run.waits_for != said["words"]:
        run = replace(run, waits_for=said["words"])
        run = yield from record_stage(context, run, "kept-back", f"waits before its next step: {said['words']}")
    soon = context.current_utc_datetime + LOOK_EVERY
    yield from nudge_or(context, min(soon, moment(said["until"]), moment(run.deadline)))
    return run, run
