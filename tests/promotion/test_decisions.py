from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion import decisions
from slipway.promotion.approval import REJECT
from slipway.promotion.outcomes import iso, moment
from tests.promotion.builders import ALICE, BOB, CAROL, a_policy, a_vote, later

STAGE, WAITER = "production", "checkout--1:production:approval:1"
DEADLINE = iso(later(hours=8))


def asked(policy: Any = None) -> dict[str, Any]:
    """The state after the stage has asked for its approval."""
    state, _ = ask(decisions.empty(), policy)
    return state


def ask(state: dict[str, Any], policy: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
    given = {"stage": STAGE, "policy": asdict(policy or a_policy()), "deadline": DEADLINE, "waiter": WAITER}
    return decisions.apply(state, "ask_approval", given)


def reported(outcome: str, over: bool = True, attempt: int = 1) -> dict[str, Any]:
    return {"stage": "dev", "outcome": outcome, "waiter": "p:dev", "over": over, "attempt": attempt}


def cast(state: dict[str, Any], vote: Any, command: str = "c1") -> tuple[dict[str, Any], dict[str, Any]]:
    return decisions.apply(state, "vote", {"command": command, "stage": STAGE, "vote": vote.dump()})


def test_an_approval_ends_the_wait_and_names_whom_to_wake() -> None:
    state, answer = cast(asked(), a_vote(ALICE))
    assert (answer["status"], answer["decision"], answer["nudge"]) == (200, "approved", [WAITER])
    assert ask(state)[1]["do"] == "end"


def test_a_first_of_two_votes_is_counted_and_waits_on() -> None:
    state, answer = cast(asked(a_policy(at_least=2)), a_vote(ALICE))
    assert (answer["decision"], answer["votes"], answer["at_least"]) == ("counted", 1, 2)
    assert ask(state)[1]["do"] == "wait"


def test_a_repeated_command_counts_once_and_hears_the_same_answer() -> None:
    state, first = cast(asked(a_policy(at_least=2)), a_vote(ALICE))
    again, second = cast(state, a_vote(ALICE))
    assert again == state
    assert {**first, "nudge": None} == {**second, "nudge": None}


def test_an_approval_before_the_stage_asks_is_refused() -> None:
    _, answer = cast(decisions.empty(), a_vote(ALICE))
    assert (answer["status"], answer["code"]) == (409, "NOT_ASKED")


def test_the_wrong_role_is_403_and_leaves_the_approval_open() -> None:
    state, answer = cast(asked(), a_vote(CAROL))
    assert (answer["status"], answer["code"]) == (403, "NOT_AN_APPROVER")
    assert ask(state)[1]["do"] == "wait"


def test_an_approval_after_the_decision_is_refused() -> None:
    state, _ = cast(asked(), a_vote(ALICE, REJECT))
    _, answer = cast(state, a_vote(BOB), "c2")
    assert (answer["status"], answer["code"]) == (409, "ALREADY_DECIDED")


def test_close_is_final() -> None:
    state, answer = decisions.apply(asked(), "close", {"stage": STAGE, "as": "expired"})
    assert (answer["do"], answer["decision"]) == ("end", "expired")
    _, late = cast(state, a_vote(ALICE))
    assert (late["status"], late["code"]) == (409, "EXPIRED")


def test_close_answers_the_decision_that_stands() -> None:
    state, _ = cast(asked(), a_vote(ALICE))
    assert decisions.apply(state, "close", {"stage": STAGE, "as": "expired"})[1]["decision"] == "approved"


def test_the_deadline_is_the_one_of_the_first_ask() -> None:
    given = {"stage": STAGE, "policy": asdict(a_policy()), "deadline": iso(later(days=9)), "waiter": WAITER}
    _, answer = decisions.apply(asked(), "ask_approval", given)
    assert answer["deadline"] == DEADLINE


def test_abort_cancels_everyone_who_asks() -> None:
    given = {"command": "a1", "by": "Alice", "at": iso(later(hours=1)), "reason": "wrong build"}
    state, answer = decisions.apply(asked(), "abort", given)
    assert (answer["status"], answer["nudge"]) == (200, [WAITER])
    assert ask(state)[1]["do"] == "cancel"
    assert decisions.apply(state, "ask_needs", {"needs": [], "waiter": "w"})[1]["code"] == "ABORTED"
    assert decisions.apply(state, "ask_going_on", {"waiter": "w"})[1]["do"] == "cancel"
    assert decisions.apply(state, "abort", {**given, "command": "a2"})[1]["code"] == "ALREADY_ABORTED"
    assert cast(state, a_vote(ALICE), "c9")[1]["code"] == "ALREADY_ABORTED"


def test_commands_after_the_end_are_refused() -> None:
    state, _ = decisions.apply(asked(), "end", {"outcome": "passed"})
    given = {"command": "a1", "by": "Alice", "at": DEADLINE, "reason": ""}
    assert decisions.apply(state, "abort", given)[1]["code"] == "ALREADY_ENDED"
    assert cast(state, a_vote(ALICE))[1]["code"] == "ALREADY_ENDED"


def test_a_stage_waits_for_its_needs_and_is_woken_by_their_report() -> None:
    state, answer = decisions.apply(decisions.empty(), "ask_needs", {"needs": ["dev"], "waiter": "p:test"})
    assert answer == {"do": "wait", "for": ["stage dev"]}
    state, told = decisions.apply(state, "report", reported("passed"))
    assert told["nudge"] == ["p:test"]
    assert decisions.apply(state, "ask_needs", {"needs": ["dev"], "waiter": "p:test"})[1] == {"do": "go"}


@pytest.mark.parametrize("outcome", ["failed", "cancelled", "broken", "not enough evidence"])
def test_a_need_that_did_not_pass_cancels_the_stage(outcome: str) -> None:
    state, _ = decisions.apply(decisions.empty(), "report", reported(outcome))
    _, answer = decisions.apply(state, "ask_needs", {"needs": ["dev"], "waiter": "p:test"})
    assert (answer["do"], answer["code"]) == ("cancel", "NEED_NOT_PASSED")


def command(name: str, state: dict[str, Any], id: str = "c1", **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    given = {"command": id, "by": "Alice", "at": iso(later(hours=1)), "reason": "", "stage": "", **more}
    return decisions.apply(state, name, given)


def test_a_failed_stage_is_waited_for_while_it_may_be_retried() -> None:
    state, _ = decisions.apply(decisions.empty(), "report", reported("failed", over=False))
    assert decisions.apply(state, "ask_needs", {"needs": ["dev"], "waiter": "p:test"})[1]["do"] == "wait"
    asked = {"stage": "dev", "attempt": 1, "waiter": "p:dev"}
    assert decisions.apply(state, "ask_retry", asked)[1]["do"] == "wait"
    state, answer = command("retry", state)
    assert (answer["status"], answer["words"]) == (200, "stage dev is tried again, attempt 2")
    assert decisions.apply(state, "ask_retry", asked)[1]["do"] == "retry"
    assert command("retry", state, "c2")[1]["code"] == "NOT_FAILED"


def test_a_retry_that_could_mean_two_stages_is_refused_and_names_them() -> None:
    state, _ = decisions.apply(decisions.empty(), "report", reported("failed", over=False))
    state, _ = decisions.apply(state, "report", {**reported("broken", over=False), "stage": "load"})
    same, answer = command("retry", state)
    assert (answer["status"], answer["code"]) == (409, "AMBIGUOUS")
    assert "dev, load" in answer["words"]
    assert same["stages"] == state["stages"], "neither is tried again"
    assert command("retry", state, "c2", stage="load")[1]["status"] == 200


def test_a_retry_after_its_time_is_refused_and_one_in_time_is_kept() -> None:
    state, _ = decisions.apply(decisions.empty(), "report", reported("failed", over=False))
    closing = {"stage": "dev", "attempt": 1, "waiter": "p:dev"}
    late, ended = decisions.apply(state, "close_retry", closing)
    assert ended["do"] == "end" and command("retry", late, stage="dev")[1]["code"] == "RETRY_OVER"
    state, _ = command("retry", state)
    assert decisions.apply(state, "close_retry", closing)[1]["do"] == "retry"


def test_a_key_that_was_used_for_something_else_is_refused() -> None:
    state, _ = cast(asked(a_policy(at_least=2)), a_vote(ALICE))
    assert cast(state, a_vote(ALICE, REJECT))[1]["code"] == "COMMAND_REUSED"
    state, answer = command("abort", state)
    assert (answer["code"], state["aborted"]) == ("COMMAND_REUSED", None)


def test_an_abort_is_taken_until_every_stage_is_settled() -> None:
    state, _ = decisions.apply(decisions.empty(), "begin", {"stages": ["dev", "test"]})
    state, answer = decisions.apply(state, "settle", {"stage": "dev"})
    assert answer["do"] == "go"
    late, _ = decisions.apply(state, "settle", {"stage": "test"})
    assert command("abort", late)[1]["code"] == "ALREADY_ENDED"
    state, answer = command("abort", state)
    assert answer["status"] == 200
    assert decisions.apply(state, "settle", {"stage": "test"})[1]["do"] == "cancel"


def test_a_paused_promotion_lets_no_stage_begin_until_it_is_resumed() -> None:
    state, _ = command("pause", decisions.empty())
    asked = {"needs": [], "waiter": "p:dev", "at": iso(later(days=6))}
    state, answer = decisions.apply(state, "ask_needs", asked)
    assert (answer["do"], answer["for"]) == ("wait", ["resume: Alice paused the promotion"])
    assert decisions.apply(state, "ask_going_on", {"waiter": "w", "past_pause": True})[1]["do"] == "go"
    assert command("pause", state, "c2")[1]["code"] == "ALREADY_PAUSED"
    state, answer = command("resume", state, "c3")
    assert answer["nudge"] == ["p:dev"]
    assert decisions.apply(state, "ask_needs", asked)[1]["do"] == "go"
    assert command("resume", state, "c4")[1]["code"] == "NOT_PAUSED"


def test_a_pause_has_an_end() -> None:
    state, _ = command("pause", decisions.empty())
    until = state["paused"]["until"]
    for ask in ({"needs": []}, {}):
        name = "ask_needs" if ask else "ask_going_on"
        early, late = ({**ask, "waiter": "p:dev", "at": iso(moment(until) + timedelta(seconds=s))} for s in (-1, 0))
        assert decisions.apply(state, name, early)[1]["until"] == until
        assert decisions.apply(state, name, late)[1]["code"] == "PAUSE_OVER"


@given(st.lists(st.sampled_from(["ask", "yes", "no", "close", "abort", "end"]), max_size=20))
def test_once_decided_always_decided(events: list[str]) -> None:
    """Whatever comes in whatever order, a decision never changes and every operation answers."""
    state, decided = decisions.empty(), None
    for n, event in enumerate(events):
        given_ = {"command": f"c{n}", "by": "Alice", "at": DEADLINE, "reason": "", "stage": STAGE, "outcome": "passed"}
        if event == "ask":
            state, answer = ask(state)
        elif event in ("yes", "no"):
            state, answer = cast(
                state, a_vote(ALICE if event == "yes" else BOB, "approve" if event == "yes" else REJECT), f"c{n}"
            )
        elif event == "close" and STAGE in state["stages"]:
            state, answer = decisions.apply(state, "close", {**given_, "as": "expired"})
        elif event in ("abort", "end"):
            state, answer = decisions.apply(state, event, given_)
        else:
            continue
        assert answer
        now = state["stages"].get(STAGE, {}).get("decision")
        assert decided is None or now == decided
        decided = now
