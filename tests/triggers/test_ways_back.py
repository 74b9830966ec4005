"""What is said to a ramp, and to a release that is live."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from slipway.adapters.read_model import write_environment, write_row
from slipway.adapters.rows import Rows
from slipway.promotion import lock
from slipway.promotion.ids import stage_id
from slipway.promotion.outcomes import iso
from slipway.promotion.stage_parts import Ending
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun
from tests.app_host import AppHost, eventually
from tests.triggers.conftest import Underway

pytestmark = pytest.mark.usefixtures("configured")


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


def live(it: Underway, environment: str = "test", before: list[dict[str, Any]] | None = None, **more: Any) -> None:
    """This promotion's release serves there, proven; `before` it others did. `more`: what else the lock knows."""
    release = {"version": it.run.build.version, "promotion": it.id, "proven": True}
    service = it.run.build.service
    row = Rows("environments").get(environment, service)
    rev = int(str(row.values["rev"])) + 1 if row else 1
    state = {**lock.empty(), "rev": rev, "live": release, "previous": before or [], **more}
    write_environment(environment, service, state)


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


def test_what_its_own_stage_could_not_take_back_is_taken_back_by_a_person(app: AppHost, it: Underway) -> None:
    """It is unproven. While its stage holds the lock, that one has the say."""
    mine = {"version": it.run.build.version, "promotion": it.id, "proven": False}
    live(it, live=mine, holder={"promotion": it.id})
    assert it.command("rollback").problem == (409, "NOT_LIVE")
    live(it, live=mine)
    assert it.command("rollback", id="k2").status == 202
    eventually(lambda: runs_back(app, it) == 1)


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


def test_code_that_does_not_run_on_the_database_is_not_returned_to(it: Underway) -> None:
    before = {"version": "0.9", "promotion": "checkout--0.9", "proven": True, "schema": {"from": 12, "to": 13}}
    live(it, before=[before], schema={"version": 14, "at": "2026-11-24T12:00:00Z", "promotion": it.id})
    reply = it.command("rollback")
    assert reply.problem == (409, "SCHEMA_OUT_OF_RANGE")
    assert "the database is at 14, and 0.9 runs on 12 to 13" in reply.json["detail"]


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


# all rings


def test_all_rings_go_back_by_the_name_of_the_stage_the_last_one_first(
    app: AppHost, begin: Callable[..., Underway]
) -> None:
    it = begin(service="ringed")
    for ring in ("production-tenants", "production-eu"):
        live(it, ring)
        ended(it, ring)
    refused = it.command("rollback")
    assert refused.problem == (409, "AMBIGUOUS") and "production, for all its rings" in refused.json["detail"]
    reply = it.command("rollback", stage="production", id="k1")
    assert reply.status == 202 and reply.json["words"].endswith("; then so does production-tenants")
    status = app.status(f"{stage_id(it.id, 'production-eu')}:back:{hashlib.sha256(b'k1').hexdigest()[:8]}")
    assert status is not None, "the last ring's, which takes the others along"


def test_rings_do_not_go_back_while_one_of_them_is_under_way(begin: Callable[..., Underway]) -> None:
    it = begin(service="ringed")
    live(it, "production-tenants")
    ended(it, "production-tenants")
    reply = it.command("rollback", stage="production")
    assert reply.problem == (409, "RINGS_UNDER_WAY") and "production-eu" in reply.json["detail"]
    ended(it, "production-eu", waits_for="retry")
    assert it.command("rollback", stage="production").problem == (409, "RINGS_UNDER_WAY"), "it may be tried again"


def ended(it: Underway, stage: str, waits_for: str = "") -> None:
    run = StageRun(it.id, stage_id(it.id, stage), it.run.plan.stage(stage), it.run.build, "", waits_for=waits_for)
    row = stage_row(replace(run, ended_at=iso(datetime.now(UTC)), ending=Ending("passed")))
    write_row(it.id, f"stage:{stage}", 1, row)
