"""What people tell a canary's ramp, and what the ramp asks. Pure; part of the entity `decisions`.

A stage that ramps has a `ramp`: the instance that asked (`waiter`), the `share` it is at, whether the release's `harm`
is proven, how somebody has `edited` its flag, and the newest word of a person (`said`), whose number grows with each.
The ramp hears it when it asks next.
"""

from typing import Any

from slipway.promotion.commands import Command, Given, once
from slipway.promotion.decision_state import Answer, State, stage_of, with_stage, with_waiter, without_ramp
from slipway.promotion.errors import Refused
from slipway.promotion.ramp_moves import ADVANCE, FINISH, FLAG_CHANGED, GO_BACK

NOTHING_SAID = {"n": 0, "do": "", "by": "", "reason": ""}
_STILL_OPEN = {"": (ADVANCE, FINISH, GO_BACK), ADVANCE: (ADVANCE, FINISH, GO_BACK), FINISH: (GO_BACK,), GO_BACK: ()}
_TAKEN = {
    ADVANCE: "stage {} gets its next share of the traffic",
    FINISH: "stage {} gets all the traffic",
    GO_BACK: "the traffic of stage {} goes back",
}


def heard(state: State, given: Given) -> tuple[State, dict[str, Any]]:
    """The state in which `stage` ramps at `share`, of a release whose `harm` is proven or not, and the newest word of a
    person on that ramp."""
    name, waiter = given["stage"], given["waiter"]
    state = with_waiter(state, waiter)
    ramp = stage_of(state, name).get("ramp")
    said = ramp["said"] if ramp and ramp["waiter"] == waiter else NOTHING_SAID
    ramp = {"waiter": waiter, "share": given["share"], "harm": given.get("harm", False), "said": said}
    ramp["edited"] = given.get("edited", "")
    return with_stage(state, name, {**stage_of(state, name), "ramp": ramp}), said


def end_ramp(state: State, given: Given) -> tuple[State, Answer]:
    """The ramp of `stage` is about to be over: `end`, after which no word reaches it, or `hear` when a person has said
    something since the word number `seen`. With `every` word counted as heard it is `end`, whatever was said. Asked
    again, it answers the same."""
    stage = stage_of(state, given["stage"])
    ramp = stage.get("ramp")
    if ramp and ramp["said"]["n"] > given["seen"] and not given.get("every"):
        return state, {"do": "hear", "said": ramp["said"]}
    waiters = [waiter for waiter in state["waiters"] if waiter != given["waiter"]]
    state = with_stage({**state, "waiters": waiters}, given["stage"], without_ramp(stage))
    return state, {"do": "end", "nudge": []}


@once
def advance(state: State, given: Given) -> tuple[State, Answer]:
    """Go on to the next share. Without `stage`, the only one that ramps."""
    return _say(state, given, ADVANCE)


@once
def promote(state: State, given: Given) -> tuple[State, Answer]:
    """Go on to all the traffic."""
    return _say(state, given, FINISH)


@once
def rollback(state: State, given: Given) -> tuple[State, Answer]:
    """Take all the traffic from the release."""
    return _say(state, given, GO_BACK)


RAMP_COMMANDS: dict[str, Command] = {ADVANCE: advance, FINISH: promote, GO_BACK: rollback}


def ramping(state: State) -> list[str]:
    """The stages that ramp now."""
    return [name for name, stage in state["stages"].items() if "ramp" in stage]


def _say(state: State, given: Given, do: str) -> tuple[State, Answer]:
    """Keep it as the newest word. What cannot be taken back is not overtaken by a later word that nobody heard."""
    there = ramping(state)
    name = given.get("stage") or (there[0] if len(there) == 1 else "")
    if not name and there:
        raise Refused("AMBIGUOUS", f"say which stage: {', '.join(there)} ramp")
    if name not in there:
        raise Refused("NOT_RAMPING", f"stage {name} does not ramp now" if name else "no stage ramps now")
    stage = stage_of(state, name)
    if do == ADVANCE and stage["ramp"].get("harm"):
        raise Refused("HARM_PROVEN", f"the harm that {name} does is proven: no next share; promote it, or roll it back")
    if do != GO_BACK and stage["ramp"].get("edited"):
        words = f"{stage['ramp']['edited']}, and Slipway does not write over that"
        raise Refused(FLAG_CHANGED, f"{words}: put it back as it was and say {do} again, or say rollback")
    before = stage["ramp"]["said"]
    if do not in _STILL_OPEN[before["do"]]:
        raise Refused("ALREADY_DECIDED", f"{before['by']} said {before['do']} already")
    said = {"n": before["n"] + 1, "do": do, "by": given["by"], "reason": given["reason"]}
    state = with_stage(state, name, {**stage, "ramp": {**stage["ramp"], "said": said}})
    return state, {"words": _TAKEN[do].format(name)}
