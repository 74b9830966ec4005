"""The state of a promotion's decisions, and the small changes that its operations are made of."""

from typing import Any

State = dict[str, Any]
Answer = dict[str, Any]
KEPT_ANSWERS = 50


def empty() -> State:
    """The state of a promotion about which nothing has been decided."""
    return {"rev": 0, "aborted": None, "paused": None, "ended": None, "stages": {}, "waiters": [], "answers": {}}


def stage_of(state: State, name: str) -> dict[str, Any]:
    """What is known of a stage; empty when nothing is."""
    found: dict[str, Any] = state["stages"].get(name, {})
    return found


def is_final(stage: dict[str, Any]) -> bool:
    """Whether the stage is at its end: proven (`settled`), `over`, or `closed` to a retry and about to be over."""
    return any(stage.get(key) for key in ("settled", "over", "closed"))


def with_stage(state: State, name: str, stage: dict[str, Any]) -> State:
    return {**state, "stages": {**state["stages"], name: stage}}


def without_ramp(stage: dict[str, Any]) -> dict[str, Any]:
    """The stage when it ramps no more: what people said to its ramp is forgotten with it."""
    return {key: value for key, value in stage.items() if key != "ramp"}


def with_waiter(state: State, waiter: str) -> State:
    """With `waiter` among those whom a change wakes."""
    return state if waiter in state["waiters"] else {**state, "waiters": [*state["waiters"], waiter]}


def with_answer(state: State, command: str, answer: Answer) -> State:
    """With the answer to a command kept, the last 50 of them, for whoever asks with the same command again."""
    kept = list(state["answers"].items())[-KEPT_ANSWERS + 1 :]
    return {**state, "answers": {**dict(kept), command: answer}}
