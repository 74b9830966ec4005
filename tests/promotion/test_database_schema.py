"""On which versions of the database which code runs: what keeps a build out, and a way back shut."""

from typing import Any

import pytest

from slipway.promotion import barriers, lock
from slipway.promotion.database_schema import (
    Range,
    against_return,
    against_switch,
    against_way_back,
    expands_to,
    must_expand,
)
from slipway.promotion.job_plan import JobPlan, Migration
from slipway.promotion.may_promote import Case, may_promote
from slipway.promotion.outcomes import iso
from slipway.promotion.plan import StagePlan
from slipway.promotion.reach import NONE, reach_of
from tests.promotion.builders import NOON, a_stage, later

MIGRATION = Migration(JobPlan("/jobs/migrate"), ("up",), ("clean",))
OLD, NEW = {"from": 12, "to": 13}, {"from": 13, "to": 15, "expand": 13, "contract": 14}

AT_12, AT_13, HALF_WAY = {"version": 12}, {"version": 13}, {"version": 13, "towards": 14}
LIVE: dict[str, Any] = {"version": "1.0.0", "schema": OLD}


@pytest.mark.parametrize(
    ("database", "declared", "live", "migrates", "words"),
    [
        (None, None, None, True, ""),
        (None, OLD, None, False, ""),
        (AT_12, OLD, None, False, ""),
        (AT_12, None, None, True, "nobody would know where its migration leads"),
        ({"towards": 13}, None, None, True, "nobody would know where its migration leads"),
        (AT_12, None, None, False, ""),
        (AT_12, {"from": 13, "to": 14}, LIVE, False, "the database is at 12, and 2.0.0 runs on 13 to 14"),
        (AT_12, NEW, LIVE, True, ""),
        (AT_12, NEW, LIVE, False, "the database is at 12, and 2.0.0 runs on 13 to 15"),
        (AT_12, NEW, {"version": "1.0.0", "schema": {"from": 12, "to": 12}}, True, "which is live, runs on 12 alone"),
        (AT_12, NEW, {"version": "1.0.0"}, True, ""),  # of before there were ranges
        (AT_13, NEW, {"version": "1.0.0", "schema": {"from": 12, "to": 12}}, True, ""),  # it is there: nothing changes
        (HALF_WAY, OLD, LIVE, True, "the database is at 13 or 14, nobody knows which, and 2.0.0 runs on 12 to 13"),
        (HALF_WAY, {"from": 14, "to": 15}, LIVE, False, "the database is at 13 or 14, nobody knows which, and 2.0.0"),
        (HALF_WAY, {"from": 13, "to": 14}, LIVE, False, ""),
        ({"towards": 13}, OLD, LIVE, True, "has not ended well"),
        ({"towards": 13}, NEW, LIVE, True, ""),  # it goes on from there
        ({"version": 13, "towards": 16}, {"from": 13, "to": 15, "expand": 14}, None, True, "would be at 14 or 16, and"),
        ({"version": 20}, NEW, LIVE, True, "the database is at 20, and 2.0.0 runs on 13 to 15"),
    ],
)
def test_what_speaks_against_a_switch(
    database: dict[str, int] | None,
    declared: dict[str, int] | None,
    live: dict[str, Any] | None,
    migrates: bool,
    words: str,
) -> None:
    said = against_switch(database, "2.0.0", declared, live, migrates)
    assert (words in said) if words else said == ""


def test_what_speaks_against_a_return() -> None:
    assert against_return(AT_13, LIVE) == "" == against_return(AT_13, {"version": "1"}) == against_return(None, LIVE)
    assert (
        against_return(HALF_WAY, LIVE) == "the database is at 13 or 14, nobody knows which, and 1.0.0 runs on 12 to 13"
    )
    assert against_return(AT_13, None) == ""


def test_a_release_of_before_there_were_ranges_is_not_gone_back_to_after_a_contract() -> None:
    before, live = {"version": "0.9"}, {"version": "1.0.0", "schema": NEW}
    assert against_return(AT_13, before, live) == "", "expanded, which it bears"
    words = "the database is contracted to 14 for 1.0.0, and 0.9 does not say that it runs on it"
    for contracted in ({"version": 14}, HALF_WAY, {"version": 15}):
        assert against_return(contracted, before, live) == words
    assert against_return({"version": 14}, before, {"version": "1.0.0", "schema": OLD}) == "", "nothing was taken away"
    first = {"schema": {"version": 14}, "previous": [], "live": {**live, "replaced": {"weu": "0.9", "neu": "0.9"}}}
    assert against_way_back(first) == words, "what was there before Slipway came"
    assert against_way_back({**first, "live": {**live, "replaced": {"weu": ""}}}) == "", "nothing was"
    assert against_return({"version": 14}, {"version": "0.9", "schema": {"from": 12, "to": 14}}, live) == "", (
        "it says so"
    )


def test_the_migration_runs_where_the_database_is_not_there_yet() -> None:
    own = Range.of(NEW)
    assert [expands_to(each, own, True) for each in (None, AT_12, AT_13, HALF_WAY)] == [13, 13, 0, 0]
    assert must_expand(AT_13, None, True), "of a build that says nothing its image decides"
    assert not must_expand(AT_12, Range.of(OLD), True) and not must_expand(None, None, False)


def at_the_lock(
    state: dict[str, Any], schema: dict[str, int], stage: StagePlan | None = None
) -> tuple[bool, list[str]]:
    """What `may_promote` says, and what the lock does."""
    stage = stage or a_stage("dev", migration=MIGRATION)
    case = Case(stage, "checkout", "checkout--2.0.0", "2.0.0", iso(NOON), iso(NOON), state, None, iso(NOON),
                schema=schema)  # fmt: skip
    told = may_promote(case)
    _, answer = lock.acquire(state, {**case.build, "waiter": "w", "stage": "dev"})
    assert (answer["lock"] == "granted") == told.allowed, "what is said is what is done"
    return told.allowed, [each.code for each in told.reasons if each.blocks]


def test_the_lock_and_may_promote_say_the_same_of_the_schema() -> None:
    state = {**lock.empty(), "schema": AT_12}
    assert at_the_lock(state, NEW) == (True, [])
    assert at_the_lock(state, {"from": 13, "to": 14}) == (False, ["SCHEMA_OUT_OF_RANGE"])
    assert at_the_lock(state, {}, a_stage("dev")) == (True, []), "who says nothing and changes nothing has no limits"
    assert at_the_lock(state, {}) == (False, ["SCHEMA_OUT_OF_RANGE"]), "nobody would know where its migration leads"
    assert at_the_lock(lock.empty(), {}) == (True, [])
    assert at_the_lock(state, NEW, a_stage("dev")) == (False, ["SCHEMA_OUT_OF_RANGE"]), "nobody expands it there"


def test_who_waits_for_another_build_is_not_turned_away_for_the_schema_of_now() -> None:
    """The one before it may bring the database to where it runs."""
    state = {**lock.empty(), "schema": AT_12}
    before = {"holder": "checkout--1:dev", "waiter": "w", "promotion": "checkout--1", "stage": "dev", "version": "1"}
    before |= {"finished_at": "2026-01-01T00:00:00Z", "received_at": "2026-01-01T00:00:00Z", "at": iso(NOON)}
    state, answer = lock.acquire(state, before)
    assert answer["lock"] == "granted"
    waiting = {**before, "holder": "checkout--2:dev", "promotion": "checkout--2", "version": "2"}
    waiting |= {"finished_at": iso(NOON), "received_at": iso(NOON), "schema": {"from": 13, "to": 14}}
    state, answer = lock.acquire(state, waiting)
    assert answer["lock"] == "queued"
    given = {"holder": "checkout--1:dev", "fence": 1, "at": iso(NOON)}
    state, _ = lock.apply(state, "migrates", {**given, "towards": 13})
    state, _ = lock.apply(state, "migrated", {**given, "version": 13, "promotion": "checkout--1"})
    state, _ = lock.release(state, {**given, "result": "unchanged"})
    assert lock.acquire(state, waiting)[1]["lock"] == "granted"


A_CONTRACT = {"by_watch": "w1", "promotion": "p", "at": iso(NOON), "until": iso(later(hours=1))}
LIVE_BY_P = {**LIVE, "promotion": "p", "finished_at": "2026-01-01T00:00:00Z", "proven": True}
NEWCOMER = {"holder": "checkout--2:dev", "waiter": "w", "promotion": "checkout--2", "stage": "dev", "version": "2"}
NEWCOMER |= {"finished_at": iso(NOON), "received_at": iso(NOON), "at": iso(NOON)}


def test_only_the_holder_or_the_watch_says_where_the_database_is() -> None:
    state = {**lock.empty(), "watch": {"id": "w1"}}
    told = {**A_CONTRACT, "towards": 13}
    assert lock.apply(state, "migrates", {**told, "by_watch": "", "holder": "x", "fence": 1})[1]["lock"] == "not yours"
    assert lock.apply(state, "migrates", {**told, "by_watch": "w2"})[1]["lock"] == "not yours"
    state, answer = lock.apply(state, "migrates", told)
    assert answer["lock"] == "go" and state["schema"]["towards"] == 13
    ended = {**A_CONTRACT, "version": 13}
    assert lock.apply(state, "migrated", {**ended, "by_watch": "w2"})[1]["lock"] == "not yours"
    state, _ = lock.apply(state, "migrated", ended)
    assert lock.apply(state, "migrates", told)[1]["lock"] == "there"


def test_a_holder_of_before_says_nothing_of_the_database_any_more() -> None:
    state, granted = lock.acquire(lock.empty(), NEWCOMER)
    told = {**NEWCOMER, "fence": granted["fence"] - 1, "towards": 13}
    for operation in ("migrates", "migrated"):
        assert lock.apply(state, operation, told)[1]["lock"] == "not yours"


def test_no_contract_begins_while_somebody_holds_the_lock() -> None:
    state, _ = lock.acquire({**lock.empty(), "watch": {"id": "w1"}}, NEWCOMER)
    assert state["aside"] == {"id": "w1"}
    assert lock.apply(state, "migrates", {**A_CONTRACT, "towards": 14})[1]["lock"] == "not yours"
    assert "schema" not in state


def test_builds_wait_for_a_contract_and_are_judged_by_what_it_came_to() -> None:
    state = {**lock.empty(), "schema": AT_13, "watch": {"id": "w1"}, "live": LIVE_BY_P}
    state, _ = lock.apply(state, "migrates", {**A_CONTRACT, "towards": 14})
    assert at_the_lock(state, {"from": 14, "to": 15}) == (False, ["DATABASE_CONTRACTING", "SCHEMA_OUT_OF_RANGE"])
    asked = {**NEWCOMER, "schema": {"from": 14, "to": 15}}
    back = {**asked, "holder": "h", "goes_back": True}
    assert lock.acquire(state, back)[1]["lock"] == "granted", "a way back waits for nothing"
    state, answer = lock.acquire(state, asked)
    assert answer == {"lock": "queued", "behind": "the contract of the database to 14 by p", "nudge": []}
    ended, answer = lock.apply(state, "migrated", {**A_CONTRACT, "version": 14})
    assert answer["nudge"] == [NEWCOMER["holder"]]
    assert lock.acquire(ended, asked)[1]["lock"] == "granted"


def test_a_contract_that_failed_or_says_nothing_any_more_is_waited_for_no_longer() -> None:
    state = {**lock.empty(), "schema": AT_13, "watch": {"id": "w1"}}
    state, _ = lock.apply(state, "migrates", {**A_CONTRACT, "towards": 14})
    late = {**NEWCOMER, "at": iso(later(hours=2)), "schema": {"from": 13, "to": 14}}
    assert lock.acquire(state, late)[1]["lock"] == "granted"
    state, _ = lock.acquire(state, NEWCOMER)
    state, answer = lock.apply(state, "end_watch", {"id": "w1"})
    assert answer["nudge"] == [NEWCOMER["holder"]] and "contract" not in state["schema"]
    assert (state["schema"]["version"], state["schema"]["towards"]) == (13, 14), "how far it came is not known"
    assert lock.acquire(state, {**NEWCOMER, "schema": {"from": 12, "to": 13}})[1]["lock"] == "schema"


def test_what_has_not_ended_well_is_forgotten_by_no_smaller_migration() -> None:
    state, granted = lock.acquire({**lock.empty(), "schema": {"version": 12, "towards": 16}}, NEWCOMER)
    told = {**NEWCOMER, "fence": granted["fence"]}
    state, _ = lock.apply(state, "migrates", {**told, "towards": 13})
    assert state["schema"]["towards"] == 16
    state, _ = lock.apply(state, "migrated", {**told, "version": 13})
    assert (state["schema"]["version"], state["schema"]["towards"]) == (13, 16)
    state, _ = lock.apply(state, "migrated", {**told, "version": 16})
    assert state["schema"]["version"] == 16 and "towards" not in state["schema"]


def test_the_reach_says_why_it_is_shut() -> None:
    state = {
        **lock.empty(),
        "live": {"version": "2"},
        "previous": [{**LIVE, "proven": True}],
        "schema": {"version": 14},
    }
    assert (reach_of(state).how, reach_of(state).words) == (NONE, "the database is at 14, and 1.0.0 runs on 12 to 13")


def test_of_what_is_live_at_a_member_already_a_group_need_say_nothing() -> None:
    """It runs on the database, whatever anybody has declared."""
    there = {**lock.empty(), "live": {"version": "1.4.2"}, "schema": {"version": 14}}
    brought = [barriers.beyond_the_schema(there, {"in_group": True, "version": each}) for each in ("1.4.2", "1.4.3")]
    assert brought[0] == "" and brought[1].endswith("release it by its own pipeline")
