"""What a promotion's decisions hear of orchestrations that are no more: terminated, purged or failed. Pure; part of
the entity `decisions`. Asked by what stands in their place; safe to repeat.
"""

from typing import Any

from slipway.promotion.approval import WITHDRAWN
from slipway.promotion.decision_state import Answer, State, is_final, stage_of, with_stage, with_waiter, without_ramp


def close_stage(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """The orchestration of `stage` is no more. `end` when the stage is over already, else `go`: whoever asks reports
    for it. Its approval asks nobody any more, and whoever still waits for that hears `cancel`."""
    stage = stage_of(state, given["stage"])
    if stage.get("over"):
        return state, {"do": "end"}
    stage = {**without_ramp(stage), "lost": True}
    if "policy" in stage and not stage["decision"]:
        stage["decision"] = WITHDRAWN
    return with_stage(state, given["stage"], stage), {"do": "go", "nudge": state["waiters"]}


def close_promotion(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """`wait` until every stage is over, then `end` with whether all `passed`. With `abort` (by, at, reason) what is
    not proven is ended as by a person's abort; without, the stages come to the ends of their own."""
    unsettled = [stage for stage in state["stages"].values() if not is_final(stage)]
    stops = given["abort"] and unsettled and not (state["aborted"] or state["ended"])
    if stops:
        state = {**state, "aborted": given["abort"]}
    stages = state["stages"].values()
    if not all(stage.get("over") for stage in stages):
        state = with_waiter(state, given["waiter"])
        return state, {"do": "wait", "nudge": state["waiters"] if stops else []}
    return state, {"do": "end", "passed": bool(stages) and all(stage["outcome"] == "passed" for stage in stages)}


CLOSING = {"close_stage": close_stage, "close_promotion": close_promotion}
