"""The watch of a release after its stage: one at a time for each service and environment, registered at its lock.

Registered in the same operation that gives the lock back, and only then started: whoever finds the registration gone is
not wanted any more. The next grant of the lock removes it.
"""

from typing import Any

State = dict[str, Any]
Answer = dict[str, Any]
Given = dict[str, Any]


def with_watch(state: State, given: Given) -> State:
    """With the watch that `given` registers, if it does: its id, and until when."""
    watch = given.get("watch")
    return {**state, "watch": {**watch, "version": state["live"]["version"]}} if watch else state


def without_watch(state: State) -> tuple[State, list[str]]:
    """Without a watch, and whom to wake for it."""
    watch = state.get("watch")
    return ({**state, "watch": None}, [watch["id"]]) if watch else (state, [])


def ask_watch(state: State, given: Given) -> tuple[State, Answer]:
    """Is the watch `id` still the registered one? `go` or `over`."""
    watch = state.get("watch")
    return state, {"watch": "go" if watch and watch["id"] == given["id"] else "over", "nudge": []}


def end_watch(state: State, given: Given) -> tuple[State, Answer]:
    """The watch `id` is over by itself. `stopped`: since when the side that it could have gone back to stands still."""
    if ask_watch(state, given)[1]["watch"] == "go":
        state = {**state, "watch": None}
        if given.get("stopped") and state["live"]:
            state = {**state, "live": {**state["live"], "old_side_stopped": given["stopped"]}}
    return state, {"watch": "over", "nudge": []}


OPERATIONS = {"ask_watch": ask_watch, "end_watch": end_watch}
