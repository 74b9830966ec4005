"""What a promotion's decisions keep of its rings: the regions that were written to when each let its users be moved.
Pure; part of the entity `decisions`."""

from typing import Any

from slipway.promotion.decision_state import Answer, State, stage_of, with_stage


def saw_region(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """Keep which regions are `written` to while the users of `stage` are moved. Asked again, the last answer stays."""
    stage = {**stage_of(state, given["stage"]), "written": list(given["written"])}
    return with_stage(state, given["stage"], stage), {"nudge": []}


def written_in(state: State, stage: str) -> list[str]:
    """The regions that were written to then; none where nobody looked."""
    found: list[str] = stage_of(state, stage).get("written", [])
    return found
