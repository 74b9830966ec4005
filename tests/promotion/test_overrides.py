"""An emergency override: two people, not the author, for a while; and what it skips."""

from typing import Any

import pytest

from slipway.promotion import decisions
from slipway.promotion.gates.rounds import passes
from slipway.promotion.outcomes import iso
from slipway.promotion.overrides import OVERRIDDEN, overridden, shown, skips
from tests.promotion.builders import NOON, later

ALICE, BOB, ERIN = ({"oid": f"oid-{name.lower()}", "name": name} for name in ("Alice", "Bob", "Erin"))
ASKED = {
    "stage": "prod",
    "id": "o1",
    "gates": ["sarif"],
    "reason": "the till is down",
    "by": ALICE,
    "at": iso(NOON),
    "until": iso(later(hours=4)),
}
CONFIRMED = {"stage": "prod", "id": "o1", "by": ERIN, "at": iso(later(minutes=5)), "author_oid": BOB["oid"]}


def told(*given: tuple[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    state, answer = decisions.apply(decisions.empty(), "begin", {"stages": ["prod"]})
    for number, (operation, each) in enumerate(given):
        state, answer = decisions.apply(state, operation, {"command": f"k{number}", **each})
    return state, answer


def confirmed(**changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return told(("override", ASKED), ("confirm_override", {**CONFIRMED, **changes}))


def skipped(state: dict[str, Any], at: str = iso(later(minutes=6))) -> dict[str, Any]:
    return skips(state["stages"]["prod"], at)


def test_one_person_alone_skips_nothing_and_two_do() -> None:
    state, answer = told(("override", ASKED))
    assert answer["status"] == 200 and "another person has to confirm" in answer["words"]
    assert skipped(state) == {}
    state, answer = confirmed()
    assert answer["words"].startswith("skipped by Alice and Erin: the till is down; it skips sarif until")
    assert skipped(state) == {"sarif": {"id": "o1", "words": "skipped by Alice and Erin: the till is down"}}


def test_it_ends() -> None:
    state, _ = confirmed()
    assert skipped(state, iso(later(hours=4))) == {}
    assert skipped(state, "") == {}, "an orchestration of before does not say when it asks"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"by": ALICE}, 403, "SAME_PERSON"),
        ({"by": BOB}, 403, "IS_AUTHOR"),
        ({"author_oid": None}, 403, "AUTHOR_UNKNOWN"),
        ({"id": "another"}, 409, "NO_OVERRIDE"),
        ({"stage": "test"}, 409, "NO_OVERRIDE"),
        ({"at": iso(later(hours=5))}, 409, "OVERRIDE_EXPIRED"),
    ],
)
def test_who_may_not_confirm_it_does_not(changes: dict[str, Any], status: int, code: str) -> None:
    state, answer = confirmed(**changes)
    assert (answer["status"], answer["code"]) == (status, code)
    assert skipped(state) == {}


def test_it_is_confirmed_once_and_a_new_wish_has_to_be_confirmed_anew() -> None:
    agreed = (("override", ASKED), ("confirm_override", CONFIRMED))
    _, answer = told(*agreed, ("confirm_override", CONFIRMED))
    assert answer["code"] == "ALREADY_CONFIRMED"
    state, _ = told(*agreed, ("override", {**ASKED, "id": "o2"}))
    assert skipped(state) == {}


def test_the_same_key_for_other_gates_is_refused() -> None:
    again = {**ASKED, "gates": ["sarif", "coverage"], "command": "k0"}
    _, answer = told(("override", ASKED), ("override", again))
    assert answer["code"] == "COMMAND_REUSED"


def test_a_stage_that_is_over_is_past_it() -> None:
    over = {"stage": "prod", "outcome": "passed", "attempt": 1, "over": True, "waiter": "w"}
    _, answer = told(("report", over), ("override", ASKED))
    assert answer["code"] == "STAGE_OVER"


def test_what_was_skipped_counts_and_is_named() -> None:
    answers = {"sarif": {"outcome": "passed", "code": OVERRIDDEN, "words": "skipped by Alice and Erin: x"}}
    assert passes(answers["sarif"]) and overridden(answers) == {"sarif": "skipped by Alice and Erin: x"}
    assert overridden({"sarif": {"outcome": "passed", "code": "", "words": "none"}}) == {}


def test_it_is_shown_while_it_waits_and_after() -> None:
    assert shown(None) is None and shown({}) is None
    for (state, _), by in ((told(("override", ASKED)), ""), (confirmed(), "Erin")):
        said = shown(state["stages"]["prod"])
        assert said is not None and (said["by"], said["confirmed_by"], said["gates"]) == ("Alice", by, ["sarif"])
