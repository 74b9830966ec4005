"""The ledger beside the lock: each release once, with one end, and never at odds with what is live."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion import lock
from slipway.promotion.ledger import KEPT, live_entry, proven_before
from slipway.promotion.outcomes import iso
from tests.promotion.builders import NOON, later
from tests.workflow.ledgers import check_ledger

PERSON = {"as": "rolled back", "by": "Alice Adams", "code": "ROLLED_BACK", "words": "customers complain"}
ITSELF = {"as": "undone", "by": "slipway", "code": "UNHEALTHY", "words": "it answers 503"}
NOBODY_KNOWS = {"as": "undone", "by": "slipway", "code": "ROLLBACK_FAILED", "words": "the swap back failed"}


class Environment:
    """A lock and its ledger, with an operation a minute, as the entity keeps them."""

    def __init__(self) -> None:
        self.state, self._minute = lock.empty(), 0

    def _apply(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        self._minute += 1
        at = {"at": iso(later(minutes=self._minute))}
        if operation == "switched":
            given = {**given, "release": {**given["release"], **at}}
        changed, answer = lock.apply(self.state, operation, {**given, **at})
        if changed != self.state:
            self.state = {**changed, "rev": self.state["rev"] + 1}
        return answer

    def grant(self, version: str) -> dict[str, Any]:
        """Holder and fence."""
        promotion = f"checkout--{version}"
        asked: dict[str, Any] = {"holder": f"{promotion}:dev", "waiter": "", "promotion": promotion, "stage": "dev"}
        moments = {"finished_at": iso(later(minutes=self._minute)), "received_at": iso(NOON)}
        answer = self._apply("acquire", {**asked, "version": version, **moments})
        return {"holder": asked["holder"], "fence": answer["fence"]}

    def switch(self, version: str, granted: dict[str, Any]) -> None:
        release = {"version": version, "promotion": f"checkout--{version}", "stage": "dev", "commit": "c0ffee"}
        release |= {"digest": "", "finished_at": iso(later(minutes=self._minute)), "received_at": iso(NOON)}
        self._apply("switched", {**granted, "release": {**release, "targets": ["weu"], "replaced": {"weu": "?"}}})

    def give_back(self, granted: dict[str, Any], result: str, why: dict[str, str] | None = None) -> None:
        self._apply("release", {**granted, "result": result, **(why or {})})

    def released(self, version: str, result: str = "proven", why: dict[str, str] | None = None) -> None:
        granted = self.grant(version)
        self.switch(version, granted)
        self.give_back(granted, result, why)

    def rolled_back(self, version: str) -> None:
        self.give_back(self.grant(version), "undone", PERSON)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(each["version"], each["state"]) for each in self.state["releases"]]


def test_a_release_is_unproven_from_its_switch_proven_after_its_bake_and_replaced_by_the_next() -> None:
    there = Environment()
    granted = there.grant("1.0")
    there.switch("1.0", granted)
    assert there.told == [("1.0", "unproven")]
    there.give_back(granted, "proven")
    assert there.told == [("1.0", "proven")]
    there.released("1.1")
    assert there.told == [("1.1", "proven"), ("1.0", "replaced")]
    new, old = there.state["releases"]
    assert (old["until"], old["replaced_by"]) == (new["since"], "1.1")
    assert old["since"] < old["proven_at"] < old["until"]


def test_a_switch_that_is_told_twice_is_one_release_since_the_first_time() -> None:
    there = Environment()
    granted = there.grant("1.0")
    there.switch("1.0", granted)
    since = there.state["releases"][0]["since"]
    there.switch("1.0", granted)
    assert [each["since"] for each in there.state["releases"]] == [since]


def test_a_clock_that_is_behind_does_not_put_a_release_before_the_one_it_replaced() -> None:
    there = Environment()
    there.released("1.0")
    granted = there.grant("1.1")
    there._minute = -30
    there.switch("1.1", granted)
    new, old = there.state["releases"]
    assert new["since"] == old["since"] == old["until"] and new["version"] == "1.1"


def test_what_was_undone_says_why_and_what_it_had_replaced_serves_again() -> None:
    there = Environment()
    there.released("1.0")
    there.released("1.1", "undone", ITSELF)
    bad, good = there.state["releases"]
    assert (bad["state"], bad["by"], bad["code"], bad["words"]) == ("undone", *list(ITSELF.values())[1:])
    assert (good["state"], good["until"], good["replaced_by"], good["back_since"]) == ("proven", "", "", bad["until"])


def test_a_person_may_roll_back_release_after_release() -> None:
    there = Environment()
    for version in ("1.0", "1.1", "1.2"):
        there.released(version)
    there.rolled_back("1.2")
    there.rolled_back("1.1")
    assert there.told == [("1.2", "rolled back"), ("1.1", "rolled back"), ("1.0", "proven")]
    assert {each["by"] for each in there.state["releases"][:2]} == {"Alice Adams"}


def test_a_first_release_that_is_undone_leaves_nothing_live() -> None:
    there = Environment()
    there.released("1.0", "undone", ITSELF)
    assert there.told == [("1.0", "undone")] and live_entry(there.state["releases"]) is None


def test_where_nobody_knows_what_is_live_the_ledger_says_that_too_and_goes_on_from_there() -> None:
    there = Environment()
    there.released("1.0")
    there.released("1.1", "broken", NOBODY_KNOWS)
    open_entry = there.state["releases"][0]
    assert (open_entry["state"], open_entry["until"], open_entry["code"]) == ("unproven", "", "ROLLBACK_FAILED")
    there._apply("lift", {"id": "broken"})
    there.released("1.1")
    assert there.told == [("1.1", "proven"), ("1.0", "replaced")]
    assert there.state["releases"][0]["words"] == ""


def test_only_what_was_proven_and_never_taken_back_is_a_measure_for_others() -> None:
    there = Environment()
    for version in ("1.0", "1.1", "1.2"):
        there.released(version)
    there.released("1.3", "undone", ITSELF)
    there.rolled_back("1.2")
    assert proven_before(there.state["releases"], "1.4") == ["1.1", "1.0"]
    assert proven_before(there.state["releases"], "1.1") == ["1.0"]


def test_a_ledger_from_before_there_was_one_begins_with_the_next_release() -> None:
    there = Environment()
    there.released("1.0")
    del there.state["releases"]
    there.released("1.1", "undone", ITSELF)
    assert there.told == [("1.1", "undone")]
    assert there.state["live"]["version"] == "1.0"


@given(st.lists(st.sampled_from(["proven", "undone", "broken", "rolled back", "nothing"]), max_size=30))
def test_lock_and_ledger_never_tell_two_stories(ends: list[str]) -> None:
    there, most = Environment(), 0
    for n, end in enumerate(ends):
        live = there.state["live"]
        if end == "nothing":
            there.give_back(there.grant(f"1.{n}"), "unchanged")
        elif end != "rolled back":
            there.released(f"1.{n}", end, NOBODY_KNOWS if end == "broken" else ITSELF)
        elif live:
            there.rolled_back(live["version"])
        there._apply("lift", {"id": "broken"})
        most = max(most, len(there.state["releases"]))
        if len(ends) < KEPT:
            check_ledger(there.state["releases"], there.state)
        revs = [each["rev"] for each in there.state["releases"]]
        assert max(revs, default=0) <= there.state["rev"]
    assert most <= KEPT
