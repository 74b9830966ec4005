"""Approvals and commands: who said what is on record, refusals too, and what is said twice counts once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from slipway.adapters.rows import Rows
from slipway.promotion.stage_parts import Step
from tests.app_host import AppHost, a_principal, ask_people, eventually, has_ended
from tests.promotion.builders import a_policy
from tests.triggers.conftest import BOB, ERIN, Underway, intake
from triggers import deciding

pytestmark = pytest.mark.usefixtures("configured")

CAROL = a_principal("Carol Chen", "33333333-3333-4333-8333-333333333333", ("reader", "approver", "qa"))
DAVE = a_principal("Dave Diaz", "44444444-4444-4444-8444-444444444444", ("admin",))


# approvals


def test_an_approval_counts_is_on_record_and_wakes_whoever_waits_for_it(it: Underway) -> None:
    it.ask()
    reply = it.vote(reason="looks good")
    assert (reply.status, reply.json["decision"], reply.json["words"]) == (
        200,
        "approved",
        "stage production is approved",
    )
    eventually(it.woken)
    assert it.records == [("approval.approve", "")]


def test_a_rejection_counts_too(it: Underway) -> None:
    it.ask()
    reply = it.vote(decision="reject", reason="not today")
    assert (reply.status, reply.json["decision"]) == (200, "rejected")
    eventually(it.woken)
    assert it.records == [("approval.reject", "")]


def test_an_approval_given_twice_with_one_key_counts_once_and_hears_the_same(it: Underway) -> None:
    it.ask()
    first, second = it.vote(command="k1"), it.vote(command="k1")
    assert (second.status, second.json) == (first.status, first.json)
    assert it.records == [("approval.approve", "")]


def test_a_key_that_was_used_for_another_vote_is_refused(it: Underway) -> None:
    it.ask()
    it.vote(command="k1")
    assert it.vote(command="k1", decision="reject").problem == (409, "COMMAND_REUSED")


def test_a_key_that_was_used_for_another_command_aborts_nothing(it: Underway) -> None:
    assert it.command("pause", id="k1").status == 200
    reply = it.command("abort", id="k1")
    assert "aborted" not in intake(it.id)
    assert reply.problem == (409, "COMMAND_REUSED")
    assert it.records[-1] == ("command.refused", "COMMAND_REUSED")


@pytest.mark.parametrize(
    ("who", "problem"),
    [
        (BOB, (403, "IS_AUTHOR")),
        (CAROL, (403, "NOT_AN_APPROVER")),
        (DAVE, (403, "NOT_AN_APPROVER")),
        (ERIN, (403, "FORBIDDEN")),
    ],
    ids=["author", "not of the policy", "admin without the claim", "reader"],
)
def test_whoever_may_not_approve_is_refused_and_both_what_they_said_and_the_refusal_are_on_record(
    it: Underway, who: dict[str, str], problem: tuple[int, str]
) -> None:
    it.ask()
    assert it.vote(who).problem == problem
    assert it.records == [("approval.approve", ""), ("approval.refused", problem[1])]
    assert not it.woken()
    assert it.vote().status == 200, "the approval is still open"


def test_an_author_that_nobody_knows_leaves_nobody_to_approve(begin: Callable[..., Underway]) -> None:
    it = begin(author="ci-bot")
    it.ask()
    assert it.vote().problem == (403, "AUTHOR_UNKNOWN")
    assert it.records[-1] == ("approval.refused", "AUTHOR_UNKNOWN")


def test_an_author_may_reject_the_own_build(it: Underway) -> None:
    it.ask()
    assert it.vote(BOB, decision="reject").json["decision"] == "rejected"


def test_an_approval_before_the_stage_asks_is_refused_and_on_record(it: Underway) -> None:
    assert it.vote().problem == (409, "NOT_ASKED")
    it.show("production")
    assert it.vote().problem == (409, "NOT_ASKED"), "the stage has begun and does not ask yet"
    assert it.records == [("approval.approve", ""), ("approval.refused", "NOT_ASKED")] * 2


def test_an_approval_after_the_decision_is_refused_and_on_record(it: Underway) -> None:
    it.ask()
    it.vote()
    assert it.vote().problem == (409, "ALREADY_DECIDED")
    assert it.records[-1] == ("approval.refused", "ALREADY_DECIDED")


def test_an_approval_after_the_deadline_is_refused_and_on_record(it: Underway) -> None:
    it.ask(ends=timedelta(seconds=-1))
    assert it.vote().problem == (409, "EXPIRED")
    assert it.records[-1] == ("approval.refused", "EXPIRED")


def test_an_approval_of_a_stage_or_a_promotion_that_is_not_there_is_404(app: AppHost, it: Underway) -> None:
    assert it.vote(stage="moon").problem == (404, "UNKNOWN_STAGE")
    nothing = replace(it, run=replace(it.run, id="checkout--0.0.0"))
    assert nothing.vote().problem == (404, "UNKNOWN_PROMOTION")
    assert nothing.vote(ERIN).problem == (403, "FORBIDDEN"), "who may not approve does not learn what is there"


def test_a_decision_that_does_not_show_in_time_is_202_and_counts_all_the_same(
    app: AppHost, it: Underway, monkeypatch: pytest.MonkeyPatch
) -> None:
    it.ask()
    monkeypatch.setattr(deciding, "READ_BACK_S", 0.1)
    with app.held.entities_stopped():
        reply = it.vote(command="k1")
    assert (reply.status, reply.headers["location"]) == (202, f"/api/promotions/{it.id}")
    eventually(lambda: it.vote(command="k1").status == 200)
    eventually(it.woken)
    assert it.records == [("approval.approve", "")]


# commands


def test_an_abort_marks_the_promotion_wakes_its_waiters_and_is_on_record(it: Underway) -> None:
    it.ask()
    assert "aborted" not in intake(it.id)
    reply = it.command("abort", reason="wrong build")
    assert reply.status == 200 and "being undone" in reply.json["words"]
    assert intake(it.id)["aborted"] is True
    eventually(it.woken)
    assert it.records == [("command.abort", "")]


def test_an_abort_that_does_not_show_in_time_still_stops_what_is_under_way(
    app: AppHost, it: Underway, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.held, "carried_out", {"nudge", "mark_aborted"})
    deploying = an_operation(app, it, f"other--{version}")
    monkeypatch.setattr(deciding, "READ_BACK_S", 0.1)
    with app.held.entities_stopped():
        assert it.command("abort").status == 202
        assert "aborted" not in intake(it.id), "it may yet be refused"
    eventually(lambda: intake(it.id).get("aborted"))
    eventually(lambda: has_ended(app, deploying))


def test_an_abort_that_does_not_show_in_time_and_is_refused_marks_nothing(
    app: AppHost, it: Underway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in ("test", "production"):
        app.signal("decisions", it.id, "settle", {"stage": stage})
    monkeypatch.setattr(deciding, "READ_BACK_S", 0.1)
    with app.held.entities_stopped():
        assert it.command("abort").status == 202
    eventually(lambda: has_ended(app, f"abort:{it.id}"))
    assert "aborted" not in intake(it.id)


def test_an_abort_wakes_the_operations_that_are_under_way(app: AppHost, it: Underway, version: str) -> None:
    deploying = an_operation(app, it, f"other--{version}")
    assert it.command("abort").status == 200
    eventually(lambda: has_ended(app, deploying))


def an_operation(app: AppHost, it: Underway, other: str) -> str:
    """The id of an operation that is under way and ends once it is nudged."""
    deploying = f"{it.id}:test:checkout-test:deploy:1"
    it.show("test", Step("deploy", "checkout-test", deploying))
    # Any orchestration of that id will do: this one would look at what was decided in 15 minutes only.
    ask_people(app, deploying, other, "test", a_policy())
    app.signal("decisions", other, "close", {"stage": "test", "as": "expired"})
    return deploying


def test_a_second_abort_is_refused_and_the_same_one_again_is_not(it: Underway) -> None:
    first = it.command("abort", id="k1")
    assert (it.command("abort", id="k1").json, it.command("abort", id="k2").problem) == (
        first.json,
        (409, "ALREADY_ABORTED"),
    )
    assert it.records == [("command.abort", ""), ("command.abort", ""), ("command.refused", "ALREADY_ABORTED")]


def test_an_abort_that_comes_when_everything_is_proven_is_refused_and_marks_nothing(app: AppHost, it: Underway) -> None:
    for stage in ("test", "production"):
        app.signal("decisions", it.id, "settle", {"stage": stage})
    assert it.command("abort").problem == (409, "ALREADY_ENDED")
    assert "aborted" not in intake(it.id)
    assert it.records == [("command.abort", ""), ("command.refused", "ALREADY_ENDED")]


def test_no_command_but_rollback_reaches_a_promotion_that_ended(it: Underway) -> None:
    Rows("promotions").upsert(it.id, "intake", {"state": "ended"}, merge=True)
    for command in ("abort", "retry", "pause", "resume", "advance", "promote"):
        assert it.command(command).problem == (409, "ALREADY_ENDED")
        assert it.records[-1] == ("command.refused", "ALREADY_ENDED")
    assert it.command("rollback").problem == (409, "NOT_LIVE")


@pytest.mark.parametrize(
    ("command", "code"),
    [("retry", "NOT_FAILED"), ("resume", "NOT_PAUSED"), ("rollback", "NOT_LIVE")],
)
def test_a_command_that_does_not_fit_is_refused_and_on_record(it: Underway, command: str, code: str) -> None:
    assert it.command(command).problem == (409, code)
    assert it.records == [(f"command.{command}", ""), ("command.refused", code)]


def test_pause_and_resume_are_taken_once_each(it: Underway) -> None:
    assert it.command("pause").status == 200
    assert it.command("pause").problem == (409, "ALREADY_PAUSED")
    assert it.command("resume").status == 200


def test_whoever_is_no_operator_is_refused_and_on_record(it: Underway) -> None:
    for who in (ERIN, BOB):
        assert it.command("abort", who).problem == (403, "FORBIDDEN")
        assert it.records[-2:] == [("command.abort", ""), ("command.refused", "FORBIDDEN")]
    assert "aborted" not in intake(it.id)


def test_what_is_no_command_is_named_and_not_on_record(it: Underway) -> None:
    assert it.command("fly").problem == (422, "UNKNOWN_COMMAND")
    assert it.records == []
