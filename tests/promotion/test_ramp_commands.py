"""What people say to a ramp, as its stage's decisions keep it until the ramp asks."""

from typing import Any

import pytest

from slipway.promotion import decisions
from slipway.promotion.decision_state import stage_of
from slipway.promotion.outcomes import iso
from tests.promotion.builders import NOON, later

RAMP = "checkout--1:production:ramp:1"
State = dict[str, Any]
NOBODY = {"n": 0, "do": "", "by": "", "reason": ""}


def ask(state: State, share: float = 0.05, stage: str = "production", **more: Any) -> tuple[State, dict[str, Any]]:
    given = {"waiter": RAMP, "stage": stage, "share": share, "at": iso(NOON), **more}
    return decisions.apply(state, "ask_ramp", given)


def say(state: State, command: str, id: str = "k1", stage: str = "", **more: Any) -> tuple[State, dict[str, Any]]:
    given = {"command": id, "by": "Alice", "at": iso(NOON), "reason": "it is fine", "stage": stage, **more}
    return decisions.apply(state, command, given)


@pytest.fixture
def ramping() -> State:
    return ask(decisions.empty())[0]


def test_a_ramp_on_which_nobody_has_a_word_goes_and_asking_again_changes_nothing(ramping: State) -> None:
    again, answer = ask(ramping)
    assert answer == {"do": "go", "said": NOBODY}
    assert again == ramping
    assert ask(ramping, share=0.1)[0] != ramping, "the share is kept"


@pytest.mark.parametrize("command", ["advance", "promote", "rollback"])
def test_a_word_reaches_the_ramp_and_wakes_it(ramping: State, command: str) -> None:
    state, taken = say(ramping, command)
    assert (taken["status"], taken["nudge"]) == (200, [RAMP])
    assert "production" in taken["words"]
    heard = {"n": 1, "do": command, "by": "Alice", "reason": "it is fine"}
    assert ask(state)[1] == {"do": "go", "said": heard}
    assert ask(state, share=0.25)[1]["said"] == heard, "the ramp itself knows what it followed"


def test_nobody_can_advance_a_release_whose_harm_is_proven_but_promote_it_or_take_it_back(ramping: State) -> None:
    state, _ = ask(ramping, harm=True)
    refused = say(state, "advance")[1]
    assert (refused["status"], refused["code"]) == (409, "HARM_PROVEN")
    assert say(state, "promote", "k2")[1]["status"] == say(state, "rollback", "k3")[1]["status"] == 200


@pytest.mark.parametrize("command", ["advance", "promote"])
def test_nobody_gives_more_users_a_flag_that_somebody_else_has_edited(ramping: State, command: str) -> None:
    state, _ = ask(ramping, edited="somebody else changed the flag new")
    refused = say(state, command)[1]
    assert (refused["status"], refused["code"]) == (409, "FLAG_CHANGED")
    assert say(state, "rollback", "k2")[1]["status"] == 200
    state, _ = ask(state)
    assert say(state, command, "k3")[1]["status"] == 200, "it is put back"


def test_each_word_has_a_number_of_its_own_and_a_repeated_one_counts_once(ramping: State) -> None:
    state, first = say(ramping, "advance")
    assert say(state, "advance")[0] == state
    state, _ = say(state, "advance", "k2")
    assert ask(state)[1]["said"]["n"] == 2
    assert say(state, "promote")[1]["code"] == "COMMAND_REUSED"
    assert first["words"] == "stage production gets its next share of the traffic"


@pytest.mark.parametrize(
    ("before", "then"), [("rollback", "advance"), ("rollback", "promote"), ("promote", "advance"), ("promote",) * 2]
)
def test_a_word_that_may_not_have_been_heard_yet_is_not_overtaken_by_a_weaker_one(
    ramping: State, before: str, then: str
) -> None:
    state, _ = say(ramping, before)
    state, refused = say(state, then, "k2")
    assert (refused["status"], refused["code"]) == (409, "ALREADY_DECIDED")
    assert ask(state)[1]["said"]["do"] == before


def test_a_rollback_overtakes_a_promotion(ramping: State) -> None:
    state, _ = say(ramping, "promote")
    state, taken = say(state, "rollback", "k2")
    assert (taken["status"], ask(state)[1]["said"]["do"]) == (200, "rollback")


def test_where_nothing_ramps_a_word_is_refused_and_where_two_stages_do_it_names_one(ramping: State) -> None:
    assert say(decisions.empty(), "advance")[1]["code"] == "NOT_RAMPING"
    assert say(ramping, "advance", stage="dev")[1]["code"] == "NOT_RAMPING"
    both, _ = ask(ramping, stage="europe", waiter="checkout--1:europe:ramp:1")
    refused = say(both, "advance")[1]
    assert (refused["code"], refused["words"]) == ("AMBIGUOUS", "say which stage: production, europe ramp")
    state, taken = say(both, "advance", "k2", stage="europe")
    assert taken["status"] == 200
    assert ask(state)[1]["said"] == NOBODY


def test_a_ramp_hears_of_an_abort_and_of_a_pause(ramping: State) -> None:
    paused, _ = say(ramping, "pause")
    answer = ask(paused)[1]
    assert (answer["do"], answer["for"]) == ("wait", ["resume: Alice paused the promotion"])
    assert ask(paused, at=iso(later(days=8)))[1]["code"] == "PAUSE_OVER"
    assert say(paused, "advance", "k2")[1]["status"] == 200, "a person outranks a pause"
    aborted, _ = say(ramping, "abort")
    assert (ask(aborted)[1]["do"], ask(aborted)[1]["code"]) == ("cancel", "ABORTED")
    assert say(aborted, "advance", "k2")[1]["code"] == "ALREADY_ABORTED"


def test_a_word_that_came_last_of_all_is_heard_before_the_ramp_ends(ramping: State) -> None:
    state, _ = say(ramping, "rollback")
    given = {"waiter": RAMP, "stage": "production", "seen": 0}
    same, answer = decisions.apply(state, "end_ramp", given)
    assert (answer["do"], answer["said"]["do"], same) == ("hear", "rollback", state)
    assert decisions.apply(state, "end_ramp", given | {"every": True})[1]["do"] == "end", "the traffic has gone back"
    ended, answer = decisions.apply(state, "end_ramp", given | {"seen": 1})
    assert answer["do"] == "end"
    assert decisions.apply(ended, "end_ramp", given)[1]["do"] == "end"
    assert say(ended, "rollback", "k2")[1]["code"] == "NOT_RAMPING"
    assert RAMP not in ended["waiters"]


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("report", {"outcome": "failed", "attempt": 1, "over": False, "waiter": "checkout--1:production"}),
        ("close_stage", {}),
        ("settle", {}),
    ],
)
def test_the_end_of_a_stage_ends_its_ramp_and_forgets_what_was_said(
    ramping: State, operation: str, given: dict[str, Any]
) -> None:
    state, _ = say(ramping, "rollback")
    state, _ = decisions.apply(state, operation, {"stage": "production", **given})
    assert "ramp" not in stage_of(state, "production")
    assert say(state, "advance", "k2")[1]["code"] == "NOT_RAMPING"
    assert ask(state)[1]["said"] == NOBODY, "a later attempt begins anew"


def test_a_new_ramp_does_not_hear_what_was_said_to_one_that_was_lost(ramping: State) -> None:
    state, _ = say(ramping, "rollback")
    assert ask(state, waiter="checkout--1:production:ramp:2")[1]["said"] == NOBODY
