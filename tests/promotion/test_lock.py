from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion import intents, lock
from slipway.promotion.outcomes import iso
from tests.promotion.builders import NOON, later


def ask(
    state: dict[str, Any],
    name: str,
    minutes: float = 0,
    mode: str = "queue",
    operation: str = "acquire",
    at: Any = NOON,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`name` is a build's version; `minutes` after noon is when CI finished it."""
    given = {
        "waiter": f"checkout--{name}:prod:approval",
        "received_at": iso(later(hours=1, seconds=float(name) if name.isdigit() else 0)),
        "on_newer_build": mode,
        "holder": f"checkout--{name}:prod",
        "promotion": f"checkout--{name}",
        "stage": "prod",
        "version": name,
        "finished_at": iso(later(minutes=minutes)),
        "at": iso(at),
    }
    return lock.apply(state, operation, given)


def switch(state: dict[str, Any], name: str, fence: int, minutes: float = 0) -> dict[str, Any]:
    release = {"version": name, "promotion": f"checkout--{name}", "finished_at": iso(later(minutes=minutes))}
    release["at"] = iso(NOON)
    release["received_at"] = iso(later(hours=1, seconds=float(name) if name.isdigit() else 0))
    given = {"holder": f"checkout--{name}:prod", "fence": fence, "release": release}
    return lock.apply(state, "switched", given)[0]


def give_back(state: dict[str, Any], name: str, fence: int, result: str) -> tuple[dict[str, Any], dict[str, Any]]:
    given = {"holder": f"checkout--{name}:prod", "fence": fence, "result": result, "words": "?", "at": iso(NOON)}
    given |= {"as": "undone", "by": "slipway", "code": "?"}
    return lock.apply(state, "release", given)


def test_the_first_to_ask_is_granted_and_asking_again_answers_the_same() -> None:
    state, answer = ask(lock.empty(), "1")
    assert (answer["lock"], answer["fence"]) == ("granted", 1)
    assert ask(state, "1") == (state, answer)


def test_the_second_waits_and_is_told_when_the_lock_is_free() -> None:
    state, _ = ask(lock.empty(), "1")
    state, answer = ask(state, "2", minutes=5)
    assert (answer["lock"], answer["behind"]) == ("queued", "checkout--1")
    state, freed = give_back(switch(state, "1", 1), "1", 1, "proven")
    assert freed["nudge"] == ["checkout--2:prod"]
    assert ask(state, "2", minutes=5)[1]["fence"] == 2


def test_a_free_lock_wakes_only_whom_it_concerns() -> None:
    state, _ = ask(lock.empty(), "1")
    for minute in range(2, 6):
        state, answer = ask(state, str(minute), minutes=minute)
    assert answer["behind"] == "checkout--4", "each waits behind the one before it, which stays true"
    assert give_back(switch(state, "1", 1), "1", 1, "proven")[1]["nudge"] == ["checkout--2:prod"]


def test_a_free_lock_wakes_those_that_the_new_release_has_overtaken_and_the_first_that_it_has_not() -> None:
    state, _ = ask(lock.empty(), "5", minutes=5)
    for minute in (2, 3, 7, 8):
        state, _ = ask(state, str(minute), minutes=minute)
    state, freed = give_back(switch(state, "5", 1, minutes=5), "5", 1, "proven")
    assert freed["nudge"] == ["checkout--2:prod", "checkout--3:prod", "checkout--7:prod"]
    assert [ask(state, each, minutes=int(each))[1]["lock"] for each in ("2", "3")] == ["behind"] * 2


def test_the_older_build_goes_first_however_late_it_asks() -> None:
    state, _ = ask(lock.empty(), "1")
    state, _ = ask(state, "3", minutes=9)
    state, _ = ask(state, "2", minutes=5)
    state, _ = give_back(state, "1", 1, "unchanged")
    assert ask(state, "3", minutes=9)[1]["lock"] == "queued"
    assert ask(state, "2", minutes=5)[1]["lock"] == "granted"


def test_a_build_older_than_the_live_one_is_behind() -> None:
    state, _ = ask(lock.empty(), "2", minutes=5)
    state, _ = give_back(switch(state, "2", 1, minutes=5), "2", 1, "proven")
    _, answer = ask(state, "1")
    assert (answer["lock"], answer["live"]["version"]) == ("behind", "2")


def test_of_two_builds_of_one_moment_the_one_taken_in_later_is_newer() -> None:
    state, _ = ask(lock.empty(), "2")
    state, _ = give_back(switch(state, "2", 1), "2", 1, "proven")
    assert ask(state, "1")[1]["lock"] == "behind"


def test_fractions_of_a_second_order_builds_too() -> None:
    state, _ = ask(lock.empty(), "2", minutes=0.001)
    state, _ = give_back(switch(state, "2", 1, minutes=0.001), "2", 1, "proven")
    assert ask(state, "1", minutes=0)[1]["lock"] == "behind"


def test_undoing_makes_the_previous_release_live_again() -> None:
    state, _ = ask(lock.empty(), "1")
    state, _ = give_back(switch(state, "1", 1), "1", 1, "proven")
    state, _ = ask(state, "2", minutes=5)
    state = switch(state, "2", 2, minutes=5)
    assert (state["live"]["version"], state["live"]["proven"]) == ("2", False)
    state, _ = give_back(state, "2", 2, "undone")
    assert (state["live"]["version"], state["previous"]) == ("1", [])


def test_an_unproven_rollback_shuts_the_lock_for_everyone() -> None:
    state, _ = ask(lock.empty(), "1")
    state, _ = give_back(state, "1", 1, "broken")
    state, answer = ask(state, "2", minutes=5)
    assert (answer["lock"], answer["words"]) == ("broken", "?")
    assert state["queue"] == []


def test_releasing_twice_or_with_an_old_fence_changes_nothing() -> None:
    state, _ = ask(lock.empty(), "1")
    state, _ = give_back(state, "1", 1, "unchanged")
    assert give_back(state, "1", 1, "broken") == (state, {"lock": "not yours", "nudge": []})
    state, _ = ask(state, "1")
    assert give_back(state, "1", 1, "broken")[1]["lock"] == "not yours"


def test_leaving_the_queue_lets_the_next_one_in() -> None:
    state, _ = ask(lock.empty(), "1")
    state, _ = ask(state, "2", minutes=1)
    state, _ = ask(state, "3", minutes=2)
    state, answer = lock.apply(state, "leave", {"holder": "checkout--2:prod"})
    assert answer["nudge"] == ["checkout--3:prod"]
    state, _ = give_back(state, "1", 1, "unchanged")
    assert ask(state, "3", minutes=2)[1]["lock"] == "granted"


def test_a_newer_build_takes_the_place_of_one_that_waits_for_people() -> None:
    state, answer = ask(lock.empty(), "1", mode="supersede", operation="announce")
    assert answer["lock"] == "go"
    state, answer = ask(state, "2", minutes=5, mode="supersede", operation="announce")
    assert (answer["lock"], answer["nudge"]) == ("go", ["checkout--1:prod:approval"])
    state, answer = ask(state, "1", mode="supersede", operation="announce")
    assert (answer["lock"], answer["by"]) == ("superseded", "checkout--2")
    assert [entry["version"] for entry in state["announced"]] == ["2"]


def test_a_newer_build_takes_the_place_of_one_that_waits_for_the_lock() -> None:
    state, _ = ask(lock.empty(), "1", mode="supersede")
    state, answer = ask(state, "2", minutes=5, mode="supersede")
    assert answer["lock"] == "queued", "the holder is not disturbed"
    state, answer = ask(state, "3", minutes=9, mode="supersede")
    assert (answer["lock"], answer["nudge"]) == ("queued", ["checkout--2:prod:approval"]), "it is told at once"
    assert ask(state, "3", minutes=9, mode="supersede")[1]["nudge"] == [], "and once"
    state, answer = ask(state, "2", minutes=5, mode="supersede")
    assert (answer["lock"], answer["by"], answer["nudge"]) == ("superseded", "checkout--3", ["checkout--3:prod"])


def test_a_burst_of_builds_wakes_each_that_waits_once() -> None:
    """A hundred builds at one lock, each newer than the one before: telling all older ones each time would be
    thousands of generations."""
    state, told = lock.empty(), list[str]()
    for number in range(1, 101):
        state, answer = ask(state, str(number), minutes=number, mode="supersede")
        told += answer["nudge"]
    assert len(told) == len(set(told)) == 98, "all but the holder and the newest"
    for number in range(2, 100):
        state, answer = ask(state, str(number), minutes=number, mode="supersede")
        assert answer["lock"] == "superseded"
        told += answer["nudge"]
    assert len(told) == 98 + 98, "each that leaves as the first in the queue wakes the next"


def test_who_was_not_the_first_in_the_queue_wakes_nobody_when_it_is_overtaken() -> None:
    state, _ = ask(lock.empty(), "1")
    state, _ = ask(state, "2", minutes=2)
    state, _ = ask(state, "3", minutes=3, mode="supersede")
    state, _ = ask(state, "4", minutes=4)
    state, answer = ask(state, "3", minutes=3, mode="supersede")
    assert (answer["lock"], answer["nudge"]) == ("superseded", [])


def test_in_a_queue_nobody_takes_anybodys_place() -> None:
    state, _ = ask(lock.empty(), "1", operation="announce")
    state, _ = ask(state, "2", minutes=5, operation="announce")
    assert ask(state, "1", operation="announce")[1]["lock"] == "go"


def test_a_pipeline_may_ignore_newer_builds_while_an_older_one_waits() -> None:
    state, _ = ask(lock.empty(), "1", mode="ignore", operation="announce")
    state, answer = ask(state, "2", minutes=5, mode="ignore", operation="announce")
    assert (answer["lock"], answer["by"]) == ("ignored", "checkout--1")
    assert ask(state, "1", mode="ignore", operation="announce")[1]["lock"] == "go"


def held(until: Any) -> dict[str, Any]:
    given = {"id": "h1", "by": "Dave", "reason": "stocktaking", "at": iso(NOON), "expires_at": iso(until)}
    return lock.apply(lock.empty(), "hold", given)[0]


def test_a_hold_keeps_everybody_waiting_until_it_is_lifted() -> None:
    state, answer = ask(held(later(hours=4)), "1")
    assert (answer["lock"], answer["words"]) == ("held", "held by Dave: stocktaking")
    state, answer = lock.apply(state, "lift", {"id": "h1"})
    assert answer["nudge"] == ["checkout--1:prod"]
    assert ask(state, "1")[1]["lock"] == "granted"


def test_a_hold_ends_by_itself() -> None:
    state, _ = ask(held(later(hours=4)), "1")
    assert ask(state, "1", at=later(hours=4))[1]["lock"] == "granted"


def test_what_has_ended_is_remembered_for_a_while_and_counts_no_more() -> None:
    state = held(later(hours=4))
    for n in range(30):
        given = {"id": f"n{n}", "by": "Dave", "reason": "again", "at": iso(later(hours=5 + n))}
        state, _ = lock.apply(state, "hold", given | {"expires_at": iso(later(hours=6 + n))})
    at = iso(later(hours=34.5))
    assert [each["id"] for each in intents.in_force(state, at)] == ["n29"]
    assert [each["id"] for each in intents.record_of(state)] == [f"n{n}" for n in range(9, 30)]


def test_a_broken_lock_opens_when_a_person_lifts_it() -> None:
    state, _ = ask(lock.empty(), "1")
    state, _ = give_back(state, "1", 1, "broken")
    state, _ = lock.apply(state, "lift", {"id": "broken"})
    assert ask(state, "2", minutes=5)[1]["lock"] == "granted"


def test_whoever_takes_over_from_a_dead_holder_comes_with_a_higher_fence() -> None:
    state, _ = ask(lock.empty(), "1")
    given = {"holder": "checkout--1:prod", "by": "checkout--1:prod:sweep"}
    state, answer = lock.apply(state, "take_over", given)
    assert answer["fence"] == 2
    assert lock.apply(state, "take_over", given) == (state, answer), "asked again, it answers the same"
    assert give_back(state, "1", 1, "proven")[1]["lock"] == "not yours"
    assert lock.apply(lock.empty(), "take_over", given)[1]["lock"] == "not yours"


def test_a_raised_fence_makes_the_old_one_worthless() -> None:
    state, _ = ask(lock.empty(), "1")
    given = {"holder": "checkout--1:prod", "fence": 1}
    state, answer = lock.apply(state, "raise_fence", given)
    assert answer["fence"] == 2
    assert give_back(state, "1", 1, "proven")[1]["lock"] == "not yours"
    again, answer = lock.apply(state, "raise_fence", given)
    assert (again, answer["fence"]) == (state, 2), "asked again, it answers the same"
    assert lock.apply(state, "raise_fence", {**given, "holder": "x"})[1]["lock"] == "not yours"


def rejected(name: str = "1", result: str = "unchanged", state: dict[str, Any] | None = None) -> dict[str, Any]:
    """A lock whose holder `name` came back, and must not come again."""
    state, answer = ask(lock.empty() if state is None else state, name, minutes=float(name))
    if result == "undone":
        state = switch(state, name, answer["fence"], minutes=float(name))
    given = {"holder": f"checkout--{name}:prod", "fence": answer["fence"], "result": result, "rejects": True}
    told = {"as": "undone", "by": "slipway", "code": "HARM", "words": "it fails", "at": iso(NOON)}
    return lock.apply(state, "release", given | told)[0]


@pytest.mark.parametrize("result", ["undone", "unchanged"])
def test_a_rejected_version_is_not_let_in_again_and_any_other_is(result: str) -> None:
    state = rejected(result=result)
    entry = {"version": "1", "promotion": "checkout--1", "code": "HARM", "words": "it fails", "at": iso(NOON)}
    assert state["rejected"] == [entry]
    state, answer = ask(state, "1", minutes=1)
    assert answer == {"lock": "rejected", "words": "1 was rejected here: it fails", "nudge": []}
    assert state["queue"] == state["announced"] == []
    assert ask(state, "2", minutes=2)[1]["lock"] == "granted"


def test_who_takes_a_release_back_is_let_in_though_its_version_is_rejected() -> None:
    given = {"holder": "checkout--1:prod:back", "waiter": "w", "promotion": "checkout--1", "stage": "prod"}
    given |= {"version": "1", "finished_at": iso(NOON), "received_at": iso(NOON), "at": iso(NOON), "goes_back": True}
    assert lock.apply(rejected(), "acquire", given)[1]["lock"] == "granted"


def test_a_person_lets_a_rejected_version_in_again() -> None:
    state, answer = lock.apply(rejected("2", state=rejected("1")), "lift", {"id": "rejected-1"})
    assert answer["lifted"] == "rejected-1"
    assert [each["version"] for each in state["rejected"]] == ["2"]
    assert ask(state, "1", minutes=1)[1]["lock"] == "granted"


def test_a_version_is_rejected_once_and_the_last_twenty_are_kept() -> None:
    state = lock.empty()
    for n in (1, *range(1, 24)):
        state = rejected(str(n), state={**state, "rejected": [*state["rejected"]]} if n != 1 else lock.empty())
    assert [each["version"] for each in state["rejected"]] == [str(n) for n in range(4, 24)]


def test_a_lock_of_before_versions_were_rejected_still_works() -> None:
    old = {key: value for key, value in lock.empty().items() if key != "rejected"}
    assert ask(old, "1")[1]["lock"] == "granted"
    assert [each["version"] for each in rejected(state=old)["rejected"]] == ["1"]


def test_whoever_is_granted_hears_when_its_version_was_proven_here() -> None:
    state, answer = ask(lock.empty(), "1")
    assert answer["proven_at"] == ""
    state, _ = give_back(switch(state, "1", 1), "1", 1, "proven")
    state, answer = ask(state, "1")
    assert answer["proven_at"] == iso(NOON)
    assert ask(state, "1")[1] == answer, "asked again, it answers the same"
    state, _ = give_back(switch(state, "1", 2), "1", 2, "undone")
    assert ask(state, "1")[1]["proven_at"] == "", "it was taken back since"


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["ask", "proven", "undone", "unchanged", "leave"])), max_size=40
    )
)
def test_never_two_holders_and_fences_only_grow(events: list[tuple[int, str]]) -> None:
    state, last_fence = lock.empty(), 0
    for name, event in events:
        holder = state["holder"]
        if event == "ask":
            state, answer = ask(state, str(name), minutes=name)
            if answer["lock"] == "granted":
                assert state["holder"]["holder"] == f"checkout--{name}:prod"
                assert answer["fence"] >= last_fence
                last_fence = answer["fence"]
        elif event == "leave":
            state, _ = lock.apply(state, "leave", {"holder": f"checkout--{name}:prod"})
        else:
            fence = holder["fence"] if holder else 0
            if event == "proven" and holder and holder["version"] == str(name):
                state = switch(state, str(name), fence, minutes=name)
            state, _ = give_back(state, str(name), fence, event)
        assert len({entry["holder"] for entry in state["queue"]}) == len(state["queue"])


def test_a_watch_is_registered_with_the_lock_s_return_and_ended_by_the_next_grant() -> None:
    """Registered in the same operation: a newer stage that comes at once finds it, and wakes it."""
    state, _ = ask(lock.empty(), "1")
    state = switch(state, "1", 1)
    given = {"holder": "checkout--1:prod", "fence": 1, "result": "proven", "at": iso(NOON)}
    state, _ = lock.apply(state, "release", {**given, "watch": {"id": "w1", "until": iso(later(hours=1))}})
    assert lock.apply(state, "ask_watch", {"id": "w1"})[1]["watch"] == "go"
    assert lock.apply(state, "ask_watch", {"id": "w0"})[1]["watch"] == "over"
    state, answer = ask(state, "2", minutes=5)
    assert (answer["lock"], answer["nudge"]) == ("granted", ["w1"])
    assert lock.apply(state, "ask_watch", {"id": "w1"})[1]["watch"] == "wait"
    kept = state
    given = {"holder": "checkout--2:prod", "fence": 2, "result": "unchanged", "at": iso(NOON)}
    state, answer = lock.apply(state, "release", given)
    assert "w1" in answer["nudge"]
    answer = lock.apply(state, "ask_watch", {"id": "w1"})[1]
    assert (answer["watch"], answer["fence"]) == ("go", 2), "what it watches is still live"
    state = switch(kept, "2", 2, minutes=5)
    state, answer = lock.apply(state, "release", {**given, "result": "proven"})
    assert "w1" in answer["nudge"]
    assert lock.apply(state, "ask_watch", {"id": "w1"})[1]["watch"] == "over", "another is live"


def test_a_watch_that_is_set_aside_can_end_itself() -> None:
    state = {**lock.empty(), "aside": {"id": "w1", "version": "1", "until": iso(NOON)}}
    state = lock.apply(state, "end_watch", {"id": "w1"})[0]
    assert lock.apply(state, "ask_watch", {"id": "w1"})[1]["watch"] == "over"


def test_what_a_watch_stopped_is_known_even_when_a_newer_stage_has_begun_meanwhile() -> None:
    state, _ = ask(lock.empty(), "1")
    state = switch(state, "1", 1)
    given = {"holder": "checkout--1:prod", "fence": 1, "result": "proven", "at": iso(NOON)}
    state, _ = lock.apply(state, "release", {**given, "watch": {"id": "w1", "until": iso(later(hours=1))}})
    state, _ = ask(state, "2", minutes=5)
    ended = {"id": "w1", "stopped": iso(later(hours=1))}
    beside = lock.apply(state, "end_watch", ended)[0]
    assert beside["live"]["old_side_stopped"] == iso(later(hours=1))
    given = {"holder": "checkout--2:prod", "fence": 2, "result": "unchanged", "at": iso(NOON)}
    after = lock.apply(beside, "release", given)[0]
    assert (after["live"]["old_side_stopped"], after["watch"]) == (iso(later(hours=1)), None)
    switched = lock.apply(switch(state, "2", 2, minutes=5), "end_watch", ended)[0]
    assert not switched["live"].get("old_side_stopped"), "another release is live"


def test_a_watch_that_is_not_the_registered_one_ends_nobody_else_s() -> None:
    state = {**lock.empty(), "watch": {"id": "w2", "version": "2", "until": iso(NOON)}}
    assert lock.apply(state, "end_watch", {"id": "w1"})[0] == state
    assert lock.apply(state, "end_watch", {"id": "w2"})[0]["watch"] is None
