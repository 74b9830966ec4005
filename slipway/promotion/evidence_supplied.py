"""Evidence that comes after the build: supplied by people or CI, and asked for by the gates. Pure; part of the entity
`decisions`.

The state has `evidence` by name: what was supplied last, with its number `n`, by whom and when. What came with the
build itself has the number 0 and stands in the build.
"""

import json
from collections.abc import Callable
from typing import Any

from slipway.promotion.approval import WITHDRAWN
from slipway.promotion.barriers import in_the_promotion
from slipway.promotion.commands import Command, Given, once
from slipway.promotion.decision_state import Answer, State, stage_of, with_stage, with_waiter
from slipway.promotion.errors import Refused
from slipway.promotion.overrides import skips

MOST_SUPPLIED = 32 * 1024  # bytes of JSON: the state travels whole with each operation


@once
def supply(state: State, given: Given) -> tuple[State, Answer]:
    """Put evidence in the place of what was there under its name. `given`: name, entry (as a build message has it), by,
    at. Refused when all that was supplied is too large to be kept here."""
    name, evidence = given["name"], state.get("evidence", {})
    number = evidence.get(name, {}).get("n", 0) + 1
    kept = {**evidence, name: {**given["entry"], "n": number, "by": given["by"], "at": given["at"]}}
    if (size := len(json.dumps(kept, separators=(",", ":")).encode())) > MOST_SUPPLIED:
        words = f"all that was supplied would have {size} bytes, {MOST_SUPPLIED} are kept: give it by its address"
        raise Refused("EVIDENCE_TOO_LARGE", f"{words} (url)")
    return {**state, "evidence": kept}, {"words": f"the gates that read {name} are asked again"}


def ask_gates(state: State, given: dict[str, Any]) -> tuple[State, Answer]:
    """May the gates of a stage be asked? `go`, or `cancel` when the promotion was aborted; the `evidence` of these
    `names` that was supplied, and the gates that people let it skip (`skips`). A pause does not stop a look."""
    state = with_waiter(state, given["waiter"])
    stopped = next(in_the_promotion(state, {**given, "needs": (), "past_pause": True}), None)
    evidence = {name: state["evidence"][name] for name in given["names"] if name in state.get("evidence", {})}
    if stopped is not None:
        return state, {"do": "cancel", "code": stopped.code, "words": "the promotion was aborted", "evidence": {}}
    skipped = skips(stage_of(state, given.get("stage", "")), given.get("at", ""))
    return state, {"do": "go", "evidence": evidence, **({"skips": skipped} if skipped else {})}


def newer_than_judged(state: State, given: dict[str, Any]) -> list[str]:
    """The names of evidence that came after the gates of a stage had passed on what was there; `given["judged"]` has
    the number of each."""
    evidence = state.get("evidence", {})
    return [name for name, number in given.get("judged", {}).items() if evidence.get(name, {}).get("n", 0) > number]


def withdrawn(state: State, name: str) -> State:
    """With the approval of that stage asked no more: it is asked anew once its gates have been."""
    stage = stage_of(state, name)
    return with_stage(state, name, {**stage, "decision": stage["decision"] or WITHDRAWN})


SUPPLY: dict[str, Command] = {"supply": supply}
ASKS: dict[str, Callable[[State, dict[str, Any]], tuple[State, Answer]]] = {"ask_gates": ask_gates}
