"""Who waits in another service's stage until a version of this one is live here: registered at this service's lock, and
woken when what is live here has changed."""

from typing import Any

from slipway.promotion.at_least import missing

State = dict[str, Any]
Answer = dict[str, Any]
Given = dict[str, Any]
KEPT_AWAITING = 200  # beyond that, whoever is forgotten looks again by itself


def ask_at_least(state: State, given: Given) -> tuple[State, Answer]:
    """Is `at_least`, or later, live and proven here? Answers what is missing, in words, empty when nothing is. Until
    then `waiter` is registered, once."""
    words = missing(state, given["service"], given["environment"], given["at_least"])
    others = [each for each in state.get("awaited", ()) if each != given["waiter"]]
    awaited = [*others, given["waiter"]][-KEPT_AWAITING:] if words else others
    if awaited == list(state.get("awaited", ())) or (not words and not awaited and "awaited" not in state):
        return state, {"missing": words, "nudge": []}
    return {**state, "awaited": awaited}, {"missing": words, "nudge": []}


def told(state: State) -> tuple[State, list[str]]:
    """After the lock came back: whom to wake. Whoever still has to wait registers again."""
    awaited = list(state.get("awaited", ()))
    return ({**state, "awaited": []}, awaited) if awaited else (state, [])


OPERATIONS = {"ask_at_least": ask_at_least}
