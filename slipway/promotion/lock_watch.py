"""The watch of a release after its stage: one at a time for each service and environment, registered at its lock.

Registered in the same operation that gives the lock back, and only then started: whoever finds the registration gone is
not wanted any more. The next grant of the lock sets it aside, because a release that ramps beside it takes its users.
When the lock comes back and the watched release is still live, the watch goes on; else it is over.
"""

from typing import Any

from slipway.promotion.lock_schema import without_contract

State = dict[str, Any]
Answer = dict[str, Any]
Given = dict[str, Any]


def with_watch(state: State, given: Given) -> State:
    """With the watch that `given` registers, if it does: its id, and until when."""
    watch = given.get("watch")
    return {**state, "watch": {**watch, "version": state["live"]["version"]}} if watch else state


def set_aside(state: State) -> tuple[State, list[str]]:
    """With the watch waiting, and whom to wake for it."""
    watch = state.get("watch")
    return ({**state, "watch": None, "aside": watch}, [watch["id"]]) if watch else (state, [])


def resumed(state: State) -> tuple[State, list[str]]:
    """After the lock came back: the watch that was set aside goes on if its release is live, and nothing else is
    watched. And whom to wake."""
    aside, live = state.get("aside"), state["live"]
    if not aside:
        return state, []
    goes_on = live and live["version"] == aside["version"] and not (state["watch"] or state["broken"])
    return {**state, "aside": None, "watch": aside if goes_on else state["watch"]}, [aside["id"]]


def ask_watch(state: State, given: Given) -> tuple[State, Answer]:
    """Is the watch `id` still the registered one? `go`, `wait` while it is set aside, or `over`. `fence`: the newest,
    under which it may write; while it is to go on nobody holds the lock."""
    said = {"watch": "go", "aside": "wait"}
    found = next((word for key, word in said.items() if (state.get(key) or {}).get("id") == given["id"]), "over")
    return state, {"watch": found, "fence": state["fence"], "nudge": []}


def end_watch(state: State, given: Given) -> tuple[State, Answer]:
    """The watch `id` is over by itself, and with it its contract of the database. `stopped`: since when the side that
    it could have gone back to stands still."""
    ended = [key for key in ("watch", "aside") if (state.get(key) or {}).get("id") == given["id"]]
    for key in ended:
        live, version = state["live"], state[key].get("version")
        state = {**state, key: None}
        if given.get("stopped") and live and live["version"] == version:
            state = {**state, "live": {**live, "old_side_stopped": given["stopped"]}}
    state, nudged = without_contract(state, given["id"])
    return state, {"watch": "over", "nudge": nudged}


OPERATIONS = {"ask_watch": ask_watch, "end_watch": end_watch}
