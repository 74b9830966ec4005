"""A promotion's decisions: approvals, commands and stage outcomes, as the entity `decisions` keeps them.

Pure: every operation takes the state and its input and gives the next state and an answer. Whoever
waits for a decision asks with its instance id (`waiter`); every operation that changes something
answers `nudge`, the ids to wake. The entity has no clock: moments come with the inputs.
"""

from collections.abc import Callable, Iterable
from typing import Any

from slipway.promotion import barriers
from slipway.promotion.approval import WITHDRAWN
from slipway.promotion.barriers import Barrier, in_the_promotion
from slipway.promotion.closing import CLOSING
from slipway.promotion.commands import COMMANDS
from slipway.promotion.decision_state import Answer, State, empty, stage_of, with_stage, with_waiter, without_ramp
from slipway.promotion.evidence_supplied import ASKS, SUPPLY, newer_than_judged, withdrawn
from slipway.promotion.overrides import OVERRIDES
from slipway.promotion.ramp_commands import NOTHING_SAID, RAMP_COMMANDS, end_ramp, heard
from slipway.promotion.release_parts.decided import fixed_configuration
from slipway.promotion.ring_decisions import saw_region, written_in
from slipway.promotion.votes import VOTES, closed, opened, standing

__all__ = ["apply", "empty"]


def apply(state: State, operation: str, given: dict[str, Any]) -> tuple[State, Answer]:
    """Carry out one operation. Raises KeyError for an unknown one."""
    return OPERATIONS[operation](state, given)


def ask_needs(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """May `stage` begin? `go`, `wait`, or `cancel` when aborted or when a need is over and did not pass.

    A need that failed and may still be retried is waited for. A pause ends with `until`, at the latest.
    """
    state = with_waiter(state, given["waiter"])
    return state, _go_unless(in_the_promotion(state, given))


def ask_going_on(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """May the waiter go on? `go`, `cancel` when the promotion was aborted, `wait` while it is paused.

    Who cannot stop where it is (a release on watch, say) asks with `past_pause` and hears no `wait`.
    """
    state = with_waiter(state, given["waiter"])
    return state, _go_unless(in_the_promotion(state, {**given, "needs": ()}))


def ask_ramp(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """`stage` ramps at `share`; may it go on? `go`, `cancel` or `wait` as in `ask_going_on`, and the newest word of a
    person (`said`: n, do, by, reason; n is 0 when nobody said anything). `cancel` when the stage is no more."""
    stage = stage_of(state, given["stage"])
    if stage.get("lost") or stage.get("over"):
        return state, {**_cancel("STAGE_LOST", "the stage that ramped is no more"), "said": NOTHING_SAID}
    state, said = heard(state, given)
    return state, {**_go_unless(in_the_promotion(state, {**given, "needs": ()})), "said": said}


def ask_region(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """May a ring go on to its region? As in `ask_going_on`; `written` are the regions that were written to when the
    users of the ring `before` it were moved."""
    state, answer = ask_going_on(state, given)
    return state, {**answer, "written": written_in(state, given["before"])}


def ask_retry(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Was a retry of `stage` asked for after its attempt number `attempt`? `retry`, `wait`, or `cancel`."""
    state = with_waiter(state, given["waiter"])
    if state["aborted"]:
        return state, _cancel("ABORTED", "the promotion was aborted")
    asked = stage_of(state, given["stage"]).get("retries", 0) >= given["attempt"]
    return state, {"do": "retry"} if asked else {"do": "wait"}


def close_retry(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """End the time for a retry of `stage`: `retry` when one was asked for in time, else `end`, which is final.

    The stage is over when it has recorded that, and reported so.
    """
    stage = stage_of(state, given["stage"])
    if stage.get("retries", 0) >= given["attempt"] and not state["aborted"]:
        return state, {"do": "retry"}
    return with_stage(state, given["stage"], {**stage, "closed": True}), {"do": "end", "nudge": []}


def ask_approval(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """How does the approval of `stage` stand? The first ask of an attempt opens it with its `policy` and `deadline`.

    A stage may ask twice, one after the other: before it starts, and before its switch (`gate`). While nothing is
    decided, evidence that is newer than what its gates were `judged` on ends the question: `evidence`.
    """
    state = with_waiter(state, given["waiter"])
    stage = stage_of(state, given["stage"])
    if stage.get("asked") != given["waiter"]:
        stage = opened(stage, given)
        state = with_stage(state, given["stage"], stage)
    if stage.get("lost"):
        return state, _cancel("STAGE_LOST", "the stage that asked is no more")
    if state["aborted"] and not stage["decision"]:
        return state, _cancel("ABORTED", "the promotion was aborted")
    if stage["decision"] in (None, WITHDRAWN) and (names := newer_than_judged(state, given)):
        return withdrawn(state, given["stage"]), {"do": "evidence", "names": names}
    return state, standing(stage)


def close(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """End the approval of `stage`: what was decided stands, an open one is closed `as` expired or withdrawn.

    The answer is final, but for the `wait` of one that escalates instead of expiring.
    """
    stage = stage_of(state, given["stage"])
    if stage["decision"]:
        return state, standing(stage)
    stage = closed(stage, given["as"])
    state = with_stage(state, given["stage"], stage)
    return state, {**standing(stage), "nudge": state["waiters"]}


def begin(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """The promotion begins with these `stages`; an abort is taken until each of them is settled or over."""
    known = {name: stage_of(state, name) for name in given["stages"]}
    return {**state, "stages": {**known, **state["stages"]}}, {"nudge": []}


def settle(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """The release of `stage` is about to count as proven: `go`, after which no abort undoes it, or `cancel`.

    Asked again, it answers the same.
    """
    stage = stage_of(state, given["stage"])
    if state["aborted"] and not stage.get("settled"):
        return state, _cancel("ABORTED", "the promotion was aborted")
    return with_stage(state, given["stage"], {**without_ramp(stage), "settled": True}), {"do": "go"}


def report(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Keep the outcome of a stage's attempt; those who need it are told. A ramp of it is over.

    `over` says that the stage has no further attempt: it waits no more. Else it may be tried again `until` then.
    """
    kept = {key: given[key] for key in ("outcome", "attempt", "over")} | {"until": given.get("until", "")}
    state = with_stage(state, given["stage"], {**without_ramp(stage_of(state, given["stage"])), **kept})
    if not given["over"]:
        return state, {"nudge": state["waiters"]}
    waiters = [waiter for waiter in state["waiters"] if not _belongs(waiter, given["waiter"])]
    return {**state, "waiters": waiters}, {"nudge": waiters}


def end(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """The promotion is over: later commands are refused."""
    return {**state, "ended": given["outcome"], "waiters": []}, {"nudge": []}


OPERATIONS: dict[str, Callable[[State, dict[str, Any]], tuple[State, Answer]]] = {
    "ask_needs": ask_needs,
    "ask_going_on": ask_going_on,
    "ask_ramp": ask_ramp,
    "ask_region": ask_region,
    "saw_region": saw_region,
    "fixed_configuration": fixed_configuration,
    "end_ramp": end_ramp,
    "ask_retry": ask_retry,
    "close_retry": close_retry,
    "ask_approval": ask_approval,
    "close": close,
    "begin": begin,
    "settle": settle,
    "report": report,
    "end": end,
    **ASKS,
    **CLOSING,
    **COMMANDS,
    **VOTES,
    **SUPPLY,
    **RAMP_COMMANDS,
    **OVERRIDES,
}


def _go_unless(found: Iterable[Barrier]) -> Answer:
    """What a stage hears that would begin its work: of the first barrier, or of all stages that it waits for."""
    kept = list(found)
    if not kept:
        return {"do": "go"}
    code, by = kept[0]
    match code:
        case barriers.ABORTED:
            return _cancel(code, "the promotion was aborted")
        case barriers.NEED_NOT_PASSED:
            return _cancel(code, f"stage {by['name']} ended {by['outcome']}")
        case barriers.NEED_NOT_OVER:
            return {"do": "wait", "for": [f"stage {each.by['name']}" for each in kept if each.code == code]}
        case barriers.PAUSE_OVER:
            return _cancel(code, f"{by['by']} paused the promotion, and nobody resumed it by {by['until']}")
    return {"do": "wait", "for": [f"resume: {by['by']} paused the promotion"], "until": by["until"]}


def _cancel(code: str, words: str) -> Answer:
    return {"do": "cancel", "code": code, "words": words}


def _belongs(waiter: str, stage: str) -> bool:
    return waiter == stage or waiter.startswith(f"{stage}:")
