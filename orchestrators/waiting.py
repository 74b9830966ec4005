"""The one waiting pattern, and the calls that every orchestrator makes. Replay-safe generators only.

A waiter's generation first asks (a durable call), then acts or waits once, then continues as new.
The ask must come before the wait in every generation: the runtime carries a used nudge into the next
one, where the ask uses it up; a generation that began with the wait would spin.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import azure.durable_functions as df

from slipway.promotion.ids import decisions_key
from slipway.promotion.outcomes import Answer, iso, running
from slipway.promotion.trace import carried

NUDGE = "nudge"
LONGEST_WAIT = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(seconds=60)
TRIES = 10  # over five minutes; each costs six to eight events of the generation's history

Context: TypeAlias = df.DurableOrchestrationContext
Durable: TypeAlias = Generator[Any, Any, Any]


class NotTaken(Exception):
    """An activity that the workflow cannot do without was not taken by an outside service, for five minutes.

    The generation ends with it and begins again: each can, because all that it does is safe to repeat.
    """


def now(context: Context) -> str:
    """The orchestration's own time, which replays to the same value."""
    return iso(context.current_utc_datetime)


def nudge_or(context: Context, until: datetime) -> Durable:
    """Wait once: for a nudge, or until `until`, at most 15 minutes. Which one it was does not matter."""
    moment = min(until, context.current_utc_datetime + LONGEST_WAIT)
    nudged = context.wait_for_external_event(NUDGE)
    timer = context.create_timer(moment)
    first = yield context.task_any([nudged, timer])
    if first is not timer:
        timer.cancel()  # an open timer would hold the generation open; cancelling a fired one raises


def answers_of(context: Context, children: list[Any]) -> Durable:
    """Wait for sub-orchestrations. Returns what they answered, in their order; when one was terminated or failed, None
    for that one and for those that had not ended by then: the SDK waits no longer, though the runtime does.

    One that was purged answers never, and no timer helps: the runtime keeps a generation open while a child is. The
    janitor ends whoever waits for such a one.
    """
    try:
        return (yield context.task_all(children))
    except Exception:  # noqa: BLE001 - ours answer, whatever happens; one that does not was ended from outside
        ended = [child.is_completed and not isinstance(child.result, Exception) for child in children]
        return [child.result if well else None for child, well in zip(children, ended, strict=True)]


def insist(context: Context, activity: str, order: dict[str, Any]) -> Durable:
    """Call an activity until it has an answer other than `running`, with growing pauses. Returns the `Answer`.

    For short activities that the workflow cannot do without (record, mirror, claim): their `running`
    means that an outside service did not take the request, and a breakdown of the worker is no different.
    Raises NotTaken after 10 tries.
    """
    pause = timedelta(seconds=1)
    for _ in range(TRIES):
        answer = yield from called(context, activity, order)
        if not answer.running:
            return answer
        yield context.create_timer(context.current_utc_datetime + pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    raise NotTaken(f"{activity}: {answer.words}")


def called(context: Context, activity: str, order: dict[str, Any]) -> Durable:
    """One call of an activity, in the trace of the work. Its `Answer`; `running` when the worker broke down over it."""
    order = {**carried_by(context), **order}
    try:
        return Answer.load((yield context.call_activity(activity, order)))
    except Exception as error:  # noqa: BLE001 - activities answer; one that raises could not be run at all
        return running(order.get("handle") or {}, 5.0, f"{activity} could not be run: {error}")


def given(context: Context) -> Any:
    """The orchestration's input. It is long and read in every episode, so what is needed of it later is kept."""
    found = context.get_input()
    vars(context)["carried"] = carried(found)
    return found


def carried_by(context: Context) -> dict[str, str]:
    """The trace of the work, from the orchestration's input."""
    if "carried" not in vars(context):
        given(context)
    found: dict[str, str] = vars(context)["carried"]
    return found


def ask_decisions(context: Context, promotion: str, operation: str, given: dict[str, Any]) -> Durable:
    """Ask the promotion's decisions, and nudge whomever the change concerns. Returns the answer."""
    entity = df.EntityId("decisions", decisions_key(promotion))
    answer = yield context.call_entity(entity, operation, given)
    yield from nudge_all(context, answer)
    return answer


def nudge_all(context: Context, answer: dict[str, Any]) -> Durable:
    """Wake the waiters that an entity's answer names, but not the caller itself."""
    waiters = [waiter for waiter in answer.get("nudge", ()) if waiter != context.instance_id]
    if waiters:
        # Whether the nudges arrive or not: a lost one costs its waiter the timer, no more.
        yield from called(context, "nudge", {"waiters": waiters})
