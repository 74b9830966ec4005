"""A promotion's decisions: approvals, abort and stage outcomes, as the entity `decisions` keeps them.

Pure: every operation takes the state and its input and gives the next state and an answer. Whoever
waits for a decision asks with its instance id (`waiter`); every operation that changes something
answers `nudge`, the ids to wake. The entity has no clock: moments come with the inputs.
"""

from collections.abc import Callable
from typing import Any

from slipway.promotion.approval import EXPIRED, Vote, admit, decision_of
from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.outcomes import Outcome, moment
from slipway.promotion.plan import ApprovalPolicy

State = dict[str, Any]
Answer = dict[str, Any]
KEPT_ANSWERS = 50


def empty() -> State:
    """The state of a promotion about which nothing has been decided."""
    return {"rev": 0, "aborted": None, "ended": None, "stages": {}, "waiters": [], "answers": {}}


def apply(state: State, operation: str, given: dict[str, Any]) -> tuple[State, Answer]:
    """Carry out one operation. Raises KeyError for an unknown one."""
    return OPERATIONS[operation](state, given)


def ask_needs(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """May `stage` begin? `go`, `wait`, or `cancel` when aborted or when a need ended otherwise than passed."""
    state = _with_waiter(state, given["waiter"])
    if state["aborted"]:
        return state, _cancel("ABORTED", "the promotion was aborted")
    outcomes = {need: _stage(state, need).get("outcome") for need in given["needs"]}
    for need, outcome in outcomes.items():
        if outcome not in (None, Outcome.PASSED):
            return state, _cancel("NEED_NOT_PASSED", f"stage {need} ended {outcome}")
    open_needs = [need for need, outcome in outcomes.items() if outcome is None]
    return state, {"do": "wait", "for": open_needs} if open_needs else {"do": "go"}


def ask_going_on(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """May the waiter go on with what it does? `go`, or `cancel` when the promotion was aborted."""
    state = _with_waiter(state, given["waiter"])
    return state, _cancel("ABORTED", "the promotion was aborted") if state["aborted"] else {"do": "go"}


def ask_approval(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """How does the approval of `stage` stand? The first ask opens it with its `policy` and `deadline`."""
    state = _with_waiter(state, given["waiter"])
    stage = _stage(state, given["stage"])
    if "policy" not in stage:
        stage = {
            **stage,
            "policy": given["policy"],
            "deadline": given["deadline"],
            "votes": [],
            "decision": None,
        }
        state = _with_stage(state, given["stage"], stage)
    if state["aborted"] and not stage["decision"]:
        return state, _cancel("ABORTED", "the promotion was aborted")
    return state, _standing(stage)


def close(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """End the approval of `stage`: what was decided stands, an open one is `expired`. The answer is final."""
    stage = _stage(state, given["stage"])
    if stage["decision"]:
        return state, _standing(stage)
    stage = {**stage, "decision": EXPIRED}
    state = _with_stage(state, given["stage"], stage)
    return state, {**_standing(stage), "nudge": state["waiters"]}


def vote(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Count a person's vote on `stage`, once per `command`; the answer says how the approval stands."""
    known = state["answers"].get(given["command"])
    if known:
        return state, known
    try:
        state, words = _counted(state, given["stage"], Vote.load(given["vote"]))
    except Refused as refusal:
        status = 403 if isinstance(refusal, Forbidden) else 409
        answer = {"status": status, "code": refusal.code, "words": refusal.words}
        return _with_answer(state, given["command"], answer), answer
    stage = _stage(state, given["stage"])
    answer = {
        "status": 200,
        "decision": stage["decision"] or "counted",
        "votes": len(stage["votes"]),
        "at_least": stage["policy"]["at_least"],
        "words": words,
    }
    return _with_answer(state, given["command"], answer), {**answer, "nudge": state["waiters"]}


def abort(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Record that a person ended the promotion. Answers 409 when it is over or already aborted."""
    known = state["answers"].get(given["command"])
    if known:
        return state, known
    if state["ended"]:
        answer: Answer = {
            "status": 409,
            "code": "ALREADY_ENDED",
            "words": f"the promotion ended {state['ended']}",
        }
        return _with_answer(state, given["command"], answer), answer
    if state["aborted"]:
        answer = {
            "status": 409,
            "code": "ALREADY_ABORTED",
            "words": f"{state['aborted']['by']} aborted it already",
        }
        return _with_answer(state, given["command"], answer), answer
    aborted = {"by": given["by"], "at": given["at"], "reason": given["reason"]}
    answer = {"status": 200, "words": "the promotion is aborted; what it changed is being undone"}
    state = _with_answer({**state, "aborted": aborted}, given["command"], answer)
    return state, {**answer, "nudge": state["waiters"]}


def report(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Keep a stage's outcome; those who need it are told. The stage itself waits no more."""
    state = _with_stage(state, given["stage"], {**_stage(state, given["stage"]), "outcome": given["outcome"]})
    waiters = [waiter for waiter in state["waiters"] if not _belongs(waiter, given["waiter"])]
    return {**state, "waiters": waiters}, {"nudge": waiters}


def end(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """The promotion is over: later commands are refused."""
    return {**state, "ended": given["outcome"], "waiters": []}, {"nudge": []}


OPERATIONS: dict[str, Callable[[State, dict[str, Any]], tuple[State, Answer]]] = {
    "ask_needs": ask_needs,
    "ask_going_on": ask_going_on,
    "ask_approval": ask_approval,
    "close": close,
    "vote": vote,
    "abort": abort,
    "report": report,
    "end": end,
}


def _counted(state: State, name: str, cast: Vote) -> tuple[State, str]:
    stage = _stage(state, name)
    if "policy" not in stage:
        raise Refused("NOT_ASKED", f"stage {name} does not ask for an approval now")
    if state["ended"]:
        raise Refused("ALREADY_ENDED", f"the promotion ended {state['ended']}")
    if state["aborted"]:
        raise Refused("ALREADY_ABORTED", f"{state['aborted']['by']} aborted the promotion")
    if stage["decision"] == EXPIRED:
        raise Refused("EXPIRED", f"the approval of {name} ended at {stage['deadline']}")
    if stage["decision"]:
        raise Refused("ALREADY_DECIDED", f"stage {name} is already {stage['decision']}")
    policy = ApprovalPolicy(**{**stage["policy"], "approvers": tuple(stage["policy"]["approvers"])})
    votes = [Vote.load(data) for data in stage["votes"]]
    admit(cast, policy, votes, moment(stage["deadline"]))
    votes.append(cast)
    decision = decision_of(policy, votes)
    stage = {**stage, "votes": [each.dump() for each in votes], "decision": decision}
    words = f"stage {name} is {decision}" if decision else f"{len(votes)} of {policy.at_least} approvals"
    return _with_stage(state, name, stage), words


def _stage(state: State, name: str) -> dict[str, Any]:
    found: dict[str, Any] = state["stages"].get(name, {})
    return found


def _standing(stage: dict[str, Any]) -> Answer:
    return {
        "do": "end" if stage["decision"] else "wait",
        "decision": stage["decision"],
        "deadline": stage["deadline"],
        "votes": stage["votes"],
    }


def _cancel(code: str, words: str) -> Answer:
    return {"do": "cancel", "code": code, "words": words}


def _with_stage(state: State, name: str, stage: dict[str, Any]) -> State:
    return {**state, "stages": {**state["stages"], name: stage}}


def _with_waiter(state: State, waiter: str) -> State:
    return state if waiter in state["waiters"] else {**state, "waiters": [*state["waiters"], waiter]}


def _with_answer(state: State, command: str, answer: Answer) -> State:
    kept = list(state["answers"].items())[-KEPT_ANSWERS + 1 :]
    return {**state, "answers": {**dict(kept), command: answer}}


def _belongs(waiter: str, stage: str) -> bool:
    return waiter == stage or waiter.startswith(f"{stage}:")
