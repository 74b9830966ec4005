"""What people tell a promotion: abort, retry, pause, resume. Pure; part of the entity `decisions`.

Each carries a `command`, the person's own key: given twice it counts once and hears the same answer; used
again for something else it is refused. An answer has an HTTP `status`: 200 with `words` (and `nudge`, whom
to wake), 403 or 409 with `code` and `words`. Votes stand in `votes`, what people tell a canary's ramp in
`ramp_commands`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from slipway.promotion.decision_state import Answer, State, is_final, stage_of, with_answer, with_stage
from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.outcomes import Outcome, iso, moment

Given = dict[str, Any]
Command = Callable[[State, Given], tuple[State, Answer]]
LONGEST_PAUSE = timedelta(days=7)


REUSED: Answer = {
    "status": 409,
    "code": "COMMAND_REUSED",
    "words": "this key was used for another command before; a new command needs a new one",
}


def said_of(operation: str, given: Given) -> list[str]:
    """What a command says, without who and when: two commands of one key must say the same."""
    said = [operation, given.get("stage", ""), given.get("vote", {}).get("decision", "")]
    said += [given["gate"]] if given.get("gate") else []
    said += given.get("gates", [])
    return [*said, given["name"], given["digest"]] if "entry" in given else said


def once(command: Command) -> Command:
    """Answer a repeated command as the first time; refuse every command when the promotion is over; keep the answer.

    The key is the person's: another person's same key is another command.

    The command itself raises `Refused` or `Forbidden` for what it does not allow.
    """

    def kept(state: State, given: Given) -> tuple[State, Answer]:
        said = said_of(command.__name__, given)
        known = state["answers"].get(given["command"])
        if known:
            return state, known if known["said"] == said else REUSED
        try:
            _still_open(state)
            state, answer = command(state, given)
        except Refused as refusal:
            status = 403 if isinstance(refusal, Forbidden) else 409
            refused: Answer = {"status": status, "code": refusal.code, "words": refusal.words, "said": said}
            return with_answer(state, given["command"], refused), refused
        answer = {"status": 200, "said": said, **answer}
        return with_answer(state, given["command"], answer), {**answer, "nudge": state["waiters"]}

    return kept


@once
def abort(state: State, given: Given) -> tuple[State, Answer]:
    """End the promotion: nothing new begins, what is not proven is undone. Refused when nothing is left to end."""
    stages = state["stages"].values()
    if stages and all(is_final(stage) for stage in stages):
        raise Refused("ALREADY_ENDED", "every stage has come to its end; `rollback` takes a release back")
    aborted = {key: given[key] for key in ("by", "at", "reason")}
    return {**state, "aborted": aborted}, {
        "words": "the promotion is aborted; what it changed and has not proven is being undone"
    }


@once
def retry(state: State, given: Given) -> tuple[State, Answer]:
    """Try a failed stage again. Without `stage`, the only one that can be."""
    failed = [name for name, stage in state["stages"].items() if stage.get("outcome") and not is_final(stage)]
    name = given.get("stage") or (failed[0] if len(failed) == 1 else "")
    stage = stage_of(state, name)
    if not name and failed:
        raise Refused("AMBIGUOUS", f"say which stage: {', '.join(failed)} can be tried again")
    if (stage.get("over") or stage.get("closed")) and stage["outcome"] != Outcome.PASSED:
        raise Refused("RETRY_OVER", f"stage {name} ended {stage['outcome']}, and its time for a retry is over")
    if name not in failed:
        raise Refused("NOT_FAILED", f"stage {name} has not failed" if name else "no stage has failed")
    again = {**stage, "outcome": None, "retries": stage["attempt"]}
    return with_stage(state, name, again), {"words": f"stage {name} is tried again, attempt {stage['attempt'] + 1}"}


@once
def pause(state: State, given: Given) -> tuple[State, Answer]:
    """Let no stage begin its work until `resume`, a week at most. What is under way comes to its end."""
    if state["paused"]:
        raise Refused("ALREADY_PAUSED", f"{state['paused']['by']} paused it already")
    until = iso(moment(given["at"]) + LONGEST_PAUSE)
    paused = {**{key: given[key] for key in ("by", "at", "reason")}, "until": until}
    words = f"no further stage begins until the promotion is resumed; without that it is cancelled on {until}"
    return {**state, "paused": paused}, {"words": words}


@once
def resume(state: State, given: Given) -> tuple[State, Answer]:
    """Go on after `pause`."""
    if not state["paused"]:
        raise Refused("NOT_PAUSED", "the promotion is not paused")
    return {**state, "paused": None}, {"words": "the promotion goes on"}


COMMANDS: dict[str, Command] = {"abort": abort, "retry": retry, "pause": pause, "resume": resume}


def _still_open(state: State) -> None:
    if state["ended"]:
        raise Refused("ALREADY_ENDED", f"the promotion ended {state['ended']}")
    if state["aborted"]:
        raise Refused("ALREADY_ABORTED", f"{state['aborted']['by']} aborted it already")
