"""The lock of one service in one environment, with its queue, its fence and the release it holds.

Pure, as the entity `environment` keeps it. Operations are idempotent by holder and fence. Order, not
luck, decides who is next: the older build first, ties by arrival. A build older than the live one is
`behind` and never deployed. A rollback that could not be proven leaves the lock `broken`: nobody gets
it until a person has looked.
"""

from collections.abc import Callable
from typing import Any

from slipway.promotion.outcomes import moment

State = dict[str, Any]
Answer = dict[str, Any]
KEPT_PREVIOUS = 5


def empty() -> State:
    """An environment in which this service has never been released by Slipway."""
    return {"rev": 0, "fence": 0, "holder": None, "queue": [], "live": None, "previous": [], "broken": None}


def apply(state: State, operation: str, given: dict[str, Any]) -> tuple[State, Answer]:
    """Carry out one operation. Raises KeyError for an unknown one."""
    return OPERATIONS[operation](state, given)


def acquire(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Ask for the lock: `granted` (with a fence and what is live), `queued`, `behind` a newer one, or `broken`.

    `given`: holder (the stage's instance id, which is also whom to nudge), promotion, stage, version,
    finished_at, at.
    """
    me = given["holder"]
    if state["holder"] and state["holder"]["holder"] == me:
        return state, _granted(state)
    if state["broken"]:
        state = _without(state, me)
        return state, {"lock": "broken", "words": state["broken"]["words"], "nudge": _waiting(state)}
    if _newer_is_live(state, given):
        state = _without(state, me)
        return state, {"lock": "behind", "live": state["live"], "nudge": _waiting(state)}
    state = _queued(state, given)
    first = state["queue"][0]
    if state["holder"] or first["holder"] != me:
        ahead = state["holder"] or first
        return state, {"lock": "queued", "behind": ahead["promotion"], "nudge": []}
    fence = state["fence"] + 1
    holder = {**first, "fence": fence, "since": given["at"]}
    state = {**state, "fence": fence, "holder": holder, "queue": state["queue"][1:]}
    return state, _granted(state)


def switched(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """The holder's release serves the traffic now, unproven. `given`: holder, fence, release."""
    if not _is_holder(state, given):
        return state, {"lock": "not yours", "nudge": []}
    live = {**given["release"], "proven": False}
    if state["live"] and state["live"]["version"] == live["version"]:
        return {**state, "live": live}, {"lock": "switched", "nudge": []}
    previous = ([state["live"]] if state["live"] else []) + state["previous"]
    return {**state, "live": live, "previous": previous[:KEPT_PREVIOUS]}, {"lock": "switched", "nudge": []}


def release(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Give the lock back. `given`: holder, fence, result and, when broken, words.

    `proven`: the release that was switched to stays. `undone`: the previous one serves again.
    `unchanged`: nothing was switched. `broken`: nobody knows; the lock stays shut.
    """
    if not _is_holder(state, given):
        return state, {"lock": "not yours", "nudge": []}
    holder, result = state["holder"], given["result"]
    state = {**state, "holder": None}
    if result == "proven":
        state = {**state, "live": {**state["live"], "proven": True}}
    elif result == "undone" and state["live"] and state["live"]["promotion"] == holder["promotion"]:
        back = state["previous"][0] if state["previous"] else None
        state = {**state, "live": back, "previous": state["previous"][1:]}
    elif result == "broken":
        state = {
            **state,
            "broken": {"promotion": holder["promotion"], "words": given["words"], "at": given["at"]},
        }
    return state, {"lock": "free", "nudge": _waiting(state)}


def leave(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Stop waiting for the lock: the stage was cancelled or its time is over."""
    state = _without(state, given["holder"])
    return state, {"lock": "left", "nudge": _waiting(state)}


OPERATIONS: dict[str, Callable[[State, dict[str, Any]], tuple[State, Answer]]] = {
    "acquire": acquire,
    "switched": switched,
    "release": release,
    "leave": leave,
}


def _granted(state: State) -> Answer:
    live = state["live"]["version"] if state["live"] else ""
    return {"lock": "granted", "fence": state["holder"]["fence"], "live": live, "nudge": []}


def _is_holder(state: State, given: dict[str, Any]) -> bool:
    holder = state["holder"]
    return bool(holder and holder["holder"] == given["holder"] and holder["fence"] == given["fence"])


def _newer_is_live(state: State, given: dict[str, Any]) -> bool:
    live = state["live"]
    return bool(
        live and live["promotion"] != given["promotion"] and moment(live["finished_at"]) > moment(given["finished_at"])
    )


def _queued(state: State, given: dict[str, Any]) -> State:
    if any(entry["holder"] == given["holder"] for entry in state["queue"]):
        return state
    entry = {key: given[key] for key in ("holder", "promotion", "stage", "version", "finished_at")}
    queue = sorted([*state["queue"], {**entry, "since": given["at"]}], key=lambda each: moment(each["finished_at"]))
    return {**state, "queue": queue}


def _without(state: State, holder: str) -> State:
    return {**state, "queue": [entry for entry in state["queue"] if entry["holder"] != holder]}


def _waiting(state: State) -> list[str]:
    return [entry["holder"] for entry in state["queue"]]
