"""One rule of precedence for what people and calendars say; one record of it, which only people change."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion import at_least, intents, lock
from slipway.promotion.calendar.windows import Calendar, Freeze, Hours, Rate
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.promotion.precedence import against, at_work
from slipway.promotion.wide_intents import missing_copies
from tests.promotion.builders import NOON, later

AT = iso(later(hours=1))
CLOSED = Calendar(
    (Freeze("launch", "2026-11-24T12:00", "2026-11-25T12:00", but=("hotfix",), on_begin="pause"),),
    Hours((5,), "09:00", "10:00"),
    Rate(1, 86_400),
)


def said(kind: str, **more: Any) -> dict[str, Any]:
    given = {"id": f"prod.checkout.{kind}", "by": "Dave", "oid": "dave", "reason": "so", "at": iso(NOON)}
    return {**given, "expires_at": iso(later(hours=9)), **({"version": "2"} if kind == "reject" else {}), **more}


def a_lock(*kinds: str, **more: Any) -> dict[str, Any]:
    state: dict[str, Any] = {**lock.empty(), **more}
    for kind in kinds:
        state, _ = lock.apply(state, kind, said(kind))
    return state


def a_build(**more: Any) -> dict[str, Any]:
    return {"version": "2", "at": AT, **more}


def codes(state: dict[str, Any], **more: Any) -> list[str]:
    return [each.code for each in against(state, a_build(**more))]


EVERYTHING = ["VERSION_REJECTED", "STOPPED", "HELD", "FROZEN", "FROZEN", "OUT_OF_HOURS", "RATE_LIMITED"]


@pytest.mark.parametrize("order", list(permutations(("hold", "reject", "freeze", "stop"))), ids="-".join)
def test_the_strongest_word_comes_first_in_whatever_order_they_were_said(order: tuple[str, ...]) -> None:
    state = a_lock(*order, releases=[{"since": iso(NOON), "version": "1"}])
    found = list(against(state, a_build(calendar=plain(CLOSED), after="orders 4.2 or later")))
    assert [each.code for each in found] == [*EVERYTHING, "DEPENDENCY_NOT_LIVE"]
    assert [each.by["words"] for each in found][:4] == [
        "2 was rejected here by Dave: so",
        "stopped by Dave: so",
        "held by Dave: so",
        "frozen by Dave: so",
    ]
    assert all(each.by.keys() >= {"words", "since", "until", "ended_by"} for each in found)


def test_a_hotfix_enters_where_it_is_excepted_and_nowhere_else() -> None:
    calendar = plain(CLOSED)
    assert codes(a_lock(), calendar=calendar, hotfix="down") == ["OUT_OF_HOURS"]
    state, _ = lock.apply(a_lock("hold"), "freeze", said("freeze", but=["hotfix"]))
    assert codes(state, hotfix="down") == ["HELD"]
    assert codes(state) == ["HELD", "FROZEN"]


def test_a_rate_opens_when_the_oldest_release_that_counts_is_old_enough() -> None:
    releases = [{"since": iso(later(hours=hours)), "version": "1"} for hours in (0, -2, -30)]
    state = a_lock(releases=releases)
    (limited,) = against(state, a_build(calendar=plain(Calendar(rate=Rate(2, 86_400)))))
    assert (limited.code, limited.by["until"]) == ("RATE_LIMITED", iso(later(hours=22)))
    assert not codes(state, calendar=plain(Calendar(rate=Rate(3, 86_400))))
    assert not codes(state, calendar=plain(Calendar(rate=Rate(2, 86_400))), at=iso(later(hours=22)))


@pytest.mark.parametrize(
    ("kinds", "does"),
    [
        ((), "go"),
        (("hold",), "go"),
        (("freeze",), "go"),
        (("stop",), "wait"),
        (("stop", "reject"), "back"),
    ],
)
def test_who_is_at_work_goes_on_under_a_hold_waits_under_a_stop_and_goes_back_when_rejected(
    kinds: tuple[str, ...], does: str
) -> None:
    assert at_work(a_lock(*kinds), a_build())["do"] == does


@pytest.mark.parametrize(("on_begin", "does"), [("finish", "go"), ("pause", "wait"), ("roll-back", "back")])
def test_who_is_at_work_does_as_the_freeze_says_unless_it_is_excepted(on_begin: str, does: str) -> None:
    state, _ = lock.apply(lock.empty(), "freeze", said("freeze", but=["hotfix"], on_begin=on_begin))
    assert at_work(state, a_build())["do"] == does
    assert at_work(state, a_build(hotfix="down"))["do"] == "go"
    freeze = Freeze("launch", "2026-11-24T12:30", "2026-11-25T12:00", on_begin=on_begin)
    told = at_work(lock.empty(), a_build(calendar=plain(Calendar((freeze,)))))
    assert told["do"] == does
    assert does != "wait" or told["until"] == "2026-11-25T12:00:00Z"


def test_a_stop_is_lifted_by_another_person_only_and_that_is_remembered() -> None:
    state = a_lock("stop")
    own, answer = lock.apply(state, "lift", {"id": "prod.checkout.stop", "by": "Dave", "oid": "dave", "at": AT})
    assert (own, answer["refused"]) == (state, "STOP_IS_YOURS")
    lifted, _ = lock.apply(state, "lift", {"id": "prod.checkout.stop", "by": "Erin", "oid": "erin", "at": AT})
    assert not codes(lifted)
    (kept,) = intents.record_of(lifted)
    assert (kept["ended_by"], kept["ended_at"]) == ("Erin", AT)


def test_holds_from_before_there_was_a_record_still_hold_and_can_be_lifted() -> None:
    hold = {"id": "h", "by": "Dave", "reason": "so", "at": iso(NOON), "expires_at": iso(later(hours=9))}
    state = {**lock.empty(), "holds": [hold]}
    assert codes(state) == ["HELD"]
    state, _ = lock.apply(state, "lift", {"id": "h", "by": "Erin", "at": AT})
    assert not codes(state) and "holds" not in state


operations = st.lists(st.sampled_from(["acquire", "announce", "leave", "switched", "release", "doubt", "take_over"]))


@settings(max_examples=80, deadline=None)
@given(operations, st.sampled_from(["proven", "undone", "unchanged", "broken"]))
def test_nothing_but_a_person_changes_what_a_person_said(names: list[str], result: str) -> None:
    state = a_lock("hold", "reject", "freeze", "stop")
    before = intents.record_of(state)
    for name in names:
        release = {"version": "1", "promotion": "p", "finished_at": iso(NOON), "received_at": iso(NOON), "at": AT}
        asked = {"holder": "p:prod", "waiter": "p:prod", "promotion": "p", "stage": "prod", "version": "1"}
        asked |= {"finished_at": iso(NOON), "received_at": iso(NOON), "at": AT, "goes_back": True, "by": "slipway"}
        asked |= {"fence": state["fence"], "release": release, "as": "undone", "code": "?", "words": "?"}
        state, _ = lock.apply(
            state, name, asked | {"result": result if state["live"] else "unchanged", "rejects": True}
        )
    assert intents.record_of(state) == before


def test_a_service_that_came_after_a_stop_of_everything_is_told_and_one_that_was_lifted_is_not() -> None:
    everywhere, of_one = said("stop", id="_._.1"), said("stop", id="prod._.2")
    told = [lock.apply(lock.empty(), "stop", each)[0] for each in (everywhere, of_one)]
    both = lock.apply(told[0], "stop", of_one)[0]
    places = [("prod", "checkout", both), ("prod", "orders", lock.empty()), ("test", "orders", lock.empty())]
    found = {(each.environment, each.service, each.said["id"]) for each in missing_copies(places, AT)}
    assert found == {("prod", "orders", "_._.1"), ("prod", "orders", "prod._.2"), ("test", "orders", "_._.1")}
    lifted = lock.apply(both, "lift", {"id": "_._.1", "by": "Erin", "oid": "erin", "at": AT})[0]
    later_on = list(missing_copies([("prod", "checkout", lifted), *places[1:], ("dev", "a", told[0])], AT))
    assert {each.said["id"] for each in later_on} == {"prod._.2"}, "nothing brings back what a person has lifted"
    assert lock.apply(lifted, "stop", everywhere)[0]["intents"] == lifted["intents"]


# -- another service that has to be live first


def live(version: str, proven: bool = True, *ledger: tuple[str, int]) -> dict[str, Any]:
    releases = [{"version": name, "finished_at": iso(later(minutes=minutes))} for name, minutes in ledger]
    return {**lock.empty(), "live": {"version": version, "proven": proven}, "releases": releases}


@pytest.mark.parametrize(
    ("version", "wanted", "there"),
    [
        ("4.2", "4.2", True),
        ("4.2.0", "4.2", True),
        ("4.10", "4.2", True),
        ("4.1.9", "4.2", False),
        ("v5", "4.2", True),
        ("4.2-rc.1", "4.2", False),
        ("4.3-rc.1", "4.2", True),
        ("4.2+build.7", "4.2", True),
        ("blue", "4.2", False),
        ("4.2", "blue", False),
    ],
)
def test_later_is_told_by_dotted_numbers_where_the_ledger_says_nothing(version: str, wanted: str, there: bool) -> None:
    assert (at_least.missing(live(version), "orders", "prod", wanted) == "") == there


def test_the_ledger_comes_first_and_only_what_is_proven_counts() -> None:
    assert at_least.is_later(live("2026-a", True, ("2026-a", 5), ("9.9", 1)), "2026-a", "9.9")
    assert not at_least.is_later(live("9.9", True, ("2026-a", 5), ("9.9", 1)), "9.9", "2026-a")
    assert "is not proven yet" in at_least.missing(live("4.2", proven=False), "orders", "prod", "4.2")
    assert at_least.missing(lock.empty(), "orders", "prod", "4.2").endswith("nothing is yet")
    assert "cannot be compared" in at_least.missing(live("blue"), "orders", "prod", "4.2")
