"""Approvals and commands: who said what is on record, refusals too, and what is said twice counts once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.read_model import write_environment, write_row
from slipway.adapters.rows import Rows
from slipway.promotion import lock
from slipway.promotion.ids import stage_id
from slipway.promotion.outcomes import iso
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.stage_run import StageRun, Step
from tests.app_host import AppHost, Reply, a_principal, ask_people, eventually, has_ended
from tests.promotion.builders import a_policy
from tests.triggers.conftest import ALICE, BOB, ERIN, a_message, audited, intake
from triggers import deciding
from triggers.intake import match

pytestmark = pytest.mark.usefixtures("configured")

CAROL = a_principal("Carol Chen", "33333333-3333-4333-8333-333333333333", ("reader", "approver", "qa"))
DAVE = a_principal("Dave Diaz", "44444444-4444-4444-8444-444444444444", ("admin",))


@dataclass(frozen=True)
class Underway:
    """A promotion that has begun: its rows are there, and its stages ask and work only as far as a test says."""

    app: AppHost
    run: PromotionRun

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def waiter(self) -> str:
        return f"{stage_id(self.id, 'production')}:approval:1"

    @property
    def records(self) -> list[tuple[str, str]]:
        return audited(self.id)

    def show(self, stage: str, *steps: Step) -> None:
        """The stage has begun."""
        plan = self.run.plan.stage(stage)
        shown = StageRun(self.id, stage_id(self.id, stage), plan, self.run.build, self.run.artifact, steps=steps)
        write_row(self.id, f"stage:{stage}", 1, shown.row())

    def ask(self, ends: timedelta = timedelta(hours=8)) -> None:
        """Production asks for its approval, by the orchestration that waits for it."""
        self.show("production")
        policy = self.run.plan.stage("production").approval
        assert policy is not None
        ask_people(self.app, self.waiter, self.id, "production", policy, ends)

    def vote(self, who: dict[str, str] = ALICE, stage: str = "production", **body: Any) -> Reply:
        path = f"/api/promotions/{self.id}/stages/{stage}/approval"
        return self.app.http("POST", path, who, {"decision": "approve", **body})

    def command(self, command: str, who: dict[str, str] = ALICE, **body: Any) -> Reply:
        return self.app.http(
            "POST", f"/api/promotions/{self.id}/commands", who, {"command": command, "reason": "so", **body}
        )

    def woken(self) -> bool:
        """Whether the wait for people is over."""
        return has_ended(self.app, self.waiter)


@pytest.fixture
def begin(app: AppHost, version: str) -> Callable[..., Underway]:
    def begun(**changes: Any) -> Underway:
        body = a_message(version, **changes)
        app.deliver(body)
        at = datetime.now(UTC)
        run = replace(match(body).run(at), started_at=iso(at))
        write_row(run.id, "promotion", 1, run.row())
        app.signal("decisions", run.id, "begin", {"stages": ["test", "production"]})
        return Underway(app, run)

    return begun


@pytest.fixture
def it(begin: Callable[..., Underway]) -> Underway:
    return begin()


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


# what is said to a ramp


def ramps(it: Underway, stage: str = "production") -> None:
    """The stage ramps, and asks what people say."""
    asked = {"waiter": f"{stage_id(it.id, stage)}:ramp:1", "stage": stage, "share": 0.05, "at": iso(datetime.now(UTC))}
    it.app.signal("decisions", it.id, "ask_ramp", asked)


def heard(it: Underway, stage: str = "production") -> dict[str, Any]:
    """The newest word to the ramp."""
    said: dict[str, Any] = it.app.entity("decisions", it.id)["stages"][stage]["ramp"]["said"]
    return said


@pytest.mark.parametrize("command", ["advance", "promote", "rollback"])
def test_a_word_to_a_ramp_is_taken_kept_and_on_record(it: Underway, command: str) -> None:
    ramps(it)
    reply = it.command(command, reason="enough seen", id="k1")
    assert reply.status == 200 and "stage production" in reply.json["words"]
    assert it.command(command, reason="enough seen", id="k1").json == reply.json
    assert heard(it) == {"n": 1, "do": command, "by": "Alice Adams", "reason": "enough seen"}
    assert it.records[0] == (f"command.{command}", "")


@pytest.mark.parametrize("command", ["advance", "promote"])
def test_a_word_where_nothing_ramps_is_refused_and_on_record(it: Underway, command: str) -> None:
    assert it.command(command).problem == (409, "NOT_RAMPING")
    assert it.command(command, stage="moon").problem == (404, "UNKNOWN_STAGE")
    assert it.records[:2] == [(f"command.{command}", ""), ("command.refused", "NOT_RAMPING")]


def test_whoever_gives_a_release_all_the_traffic_unproven_says_why(it: Underway) -> None:
    ramps(it)
    reply = it.command("promote", reason=" ")
    assert reply.problem == (422, "INVALID_BODY") and "says why" in reply.json["detail"]
    assert heard(it)["n"] == 0


def test_a_word_that_may_mean_two_ramps_names_them(it: Underway) -> None:
    ramps(it, "test")
    ramps(it)
    reply = it.command("advance")
    assert reply.problem == (409, "AMBIGUOUS") and "test, production" in reply.json["detail"]
    assert it.command("advance", stage="test").status == 200


def test_a_rollback_goes_to_the_stage_that_ramps_else_to_what_is_live(app: AppHost, it: Underway) -> None:
    live(it)
    ramps(it)
    assert it.command("rollback", stage="test").status == 202, "it is live and proven there"
    eventually(lambda: runs_back(app, it) == 1)
    assert it.command("rollback", id="k1").status == 200, "a stage ramps"
    assert heard(it)["do"] == "rollback"
    ended = {"waiter": f"{stage_id(it.id, 'production')}:ramp:1", "stage": "production", "seen": 1}
    app.signal("decisions", it.id, "end_ramp", ended)
    eventually(lambda: "ramp" not in app.entity("decisions", it.id)["stages"]["production"])
    assert it.command("rollback", id="k1").status == 200, "the same word again is no second rollback"
    assert runs_back(app, it) == 1


# rollback


def live(it: Underway, environment: str = "test", before: list[dict[str, Any]] | None = None) -> None:
    """This promotion's release serves there, and is proven; `before` it others did."""
    release = {"version": it.run.build.version, "promotion": it.id, "proven": True}
    row = Rows("environments").get(environment, "checkout")
    rev = int(str(row.values["rev"])) + 1 if row else 1
    write_environment(environment, "checkout", {**lock.empty(), "rev": rev, "live": release, "previous": before or []})


def runs_back(app: AppHost, it: Underway) -> int:
    """How many orchestrations ask for the lock to take this release back."""
    queue = app.entity("environment", "test--checkout").get("queue", [])
    holder = app.entity("environment", "test--checkout").get("holder")
    return len([each for each in [*queue, *([holder] if holder else [])] if each["promotion"] == it.id])


def test_a_release_that_is_live_and_proven_is_taken_back_once_per_key(app: AppHost, it: Underway) -> None:
    live(it)
    for _ in range(2):
        reply = it.command("rollback", id="k1")
        assert (reply.status, reply.headers["location"]) == (202, f"/api/promotions/{it.id}")
    eventually(lambda: runs_back(app, it) == 1)
    assert it.command("rollback", stage="production").problem == (409, "NOT_LIVE")
    assert it.command("rollback", stage="moon").problem == (404, "UNKNOWN_STAGE")


def test_a_rollback_of_a_release_that_two_environments_serve_says_which_there_are(app: AppHost, it: Underway) -> None:
    live(it)
    live(it, "production")
    reply = it.command("rollback")
    assert reply.problem == (409, "AMBIGUOUS")
    assert "test, production" in reply.json["detail"]
    assert runs_back(app, it) == 0
    assert it.records == [("command.rollback", ""), ("command.refused", "AMBIGUOUS")]


def test_a_release_that_was_never_proven_is_not_returned_to(it: Underway) -> None:
    live(it, before=[{"version": "0.9", "promotion": "checkout--0.9", "proven": False}])
    reply = it.command("rollback")
    assert reply.problem == (409, "PREVIOUS_NOT_PROVEN")
    assert "0.9, was never proven" in reply.json["detail"]


def test_whoever_takes_a_release_back_hears_what_comes_in_its_place(it: Underway) -> None:
    live(it, before=[{"version": "0.9", "promotion": "checkout--0.9", "proven": True}])
    assert it.command("rollback").json["words"] == "test returns to 0.9"


def test_rollbacks_with_different_keys_are_different_rollbacks(app: AppHost, it: Underway) -> None:
    live(it)
    for key in ("rollback-1", "rollback-2"):
        assert it.command("rollback", id=key).status == 202
    assert app.status(f"{it.id}:test:back:rollback") is None, "an instance that both would share"


def test_a_key_with_odd_characters_is_a_key_like_any_other(it: Underway) -> None:
    live(it)
    assert it.command("rollback", id="a/b?c#d").status == 202
