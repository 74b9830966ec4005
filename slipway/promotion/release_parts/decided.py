"""What a promotion's decisions keep of its configuration: the settings that were verified first. Pure; part of the
entity `decisions`."""

from typing import Any

from slipway.promotion.decision_state import Answer, State


def fixed_configuration(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """`stage` found the settings with `label` and `key_filter` to have that `fingerprint`. The first word stays:
    `fingerprint` and `stage` of who said it."""
    place = f"{given['label']} {given['key_filter']}"
    kept = {"fingerprint": given["fingerprint"], "stage": given["stage"]}
    there = state.get("configurations", {})
    first = there.get(place, kept)
    return {**state, "configurations": {**there, place: first}}, {**first, "nudge": []}
