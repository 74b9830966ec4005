"""Loads are kept as they were measured, and compared with the last release that the ledger knows as proven."""

from dataclasses import asdict, replace
from itertools import count
from typing import Any

import pytest

from slipway.adapters.measured_loads import load_kept
from slipway.adapters.read_model import newest_releases, write_environment
from slipway.promotion import lock
from slipway.promotion.load_judgement import LoadMeasurement, measurement
from slipway.promotion.outcomes import Answer, Outcome, iso
from slipway.promotion.plan import LoadTest
from tests.activities.conftest import BUSY, DOWN
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.promotion.builders import later

pytestmark = pytest.mark.usefixtures("configured")

PEAK = LoadTest("peak", rate_per_s=60, duration_s=4, path="/", p95_ms=1000, against="previous")
_NUMBERS = count(1)


class Place:
    """A service's environment that nobody else uses, with releases and what they measured."""

    def __init__(self, app: AppHost) -> None:
        self.environment, self._app, self._rev = f"loaded-{next(_NUMBERS)}", app, 0

    def released(self, version: str, state: str = "proven") -> None:
        """As the lock would tell it, one release after the other."""
        self._rev += 1
        entry = {"version": version, "state": state, "fence": self._rev, "rev": self._rev}
        moments = {"since": iso(later(minutes=self._rev)), "proven_at": "" if state == "unproven" else iso(later())}
        state_now = {**lock.empty(), "rev": self._rev, "releases": [{**entry, **moments}]}
        write_environment(self.environment, "checkout", state_now)

    def order(self, version: str, *latencies_ms: float, rev: int = 1000, test: LoadTest = PEAK) -> dict[str, Any]:
        loads = [
            {"target": target, "test": asdict(test), "measured": a_load(ms).dump()}
            for target, ms in zip(("weu", "neu"), latencies_ms, strict=False)
        ]
        where = {"environment": self.environment, "service": "checkout", "stage": "production"}
        return {**where, "promotion": f"checkout--{version}", "version": version, "rev": rev, "loads": loads}

    def compare(self, version: str, *latencies_ms: float, **more: Any) -> list[Answer]:
        answer = self._app.activity("compare_loads", self.order(version, *latencies_ms, **more))
        assert answer.outcome is Outcome.PASSED, answer
        return [Answer.load(verdict) for verdict in answer.result["verdicts"]]

    def kept(self, version: str, target: str = "weu") -> LoadMeasurement | None:
        found = load_kept(self.environment, "checkout", "production", target, "peak", version)
        return found.measured if found else None


def a_load(ms: float) -> LoadMeasurement:
    return measurement([ms] * 240, [False] * 240, 1.0, 4.0)


@pytest.fixture
def place(app: AppHost) -> Place:
    return Place(app)


def test_a_first_release_passes_and_is_the_measure_for_the_next_once_it_is_proven(place: Place) -> None:
    (first,) = place.compare("1.0+a", 100)
    assert (first.outcome, first.words) == (Outcome.PASSED, "nothing to compare with yet")
    place.released("1.0+a", "unproven")
    assert place.compare("1.1", 300)[0].outcome is Outcome.PASSED, "it may yet be undone"
    place.released("1.0+a")
    (slower,) = place.compare("1.2", 300)
    assert (slower.code, slower.result["previous"]["version"]) == ("LOAD_SLOWER_THAN_PREVIOUS", "1.0+a")


def test_each_target_is_compared_with_itself(place: Place) -> None:
    place.compare("1.0", 100, 300)
    place.released("1.0")
    weu, neu = place.compare("1.1", 300, 300)
    assert (weu.outcome, neu.outcome) == (Outcome.FAILED, Outcome.PASSED)


def test_what_was_taken_back_is_no_measure(place: Place) -> None:
    for version, ms, state in (("1.0", 100, "replaced"), ("1.1", 400, "rolled back"), ("1.2", 500, "undone")):
        place.compare(version, ms)
        place.released(version, state)
    assert place.compare("1.3", 400)[0].result["previous"]["version"] == "1.0"


def test_the_same_build_again_is_compared_with_what_it_was_compared_with_before(place: Place) -> None:
    for version in ("1.0", "1.1"):
        place.compare(version, 100)
        place.released(version)
    assert place.compare("1.1", 100, rev=2000)[0].result["previous"]["version"] == "1.0"


def test_a_load_that_is_not_compared_is_kept_for_when_it_will_be(place: Place) -> None:
    (kept_only,) = place.compare("1.0", 100, test=replace(PEAK, against=""))
    assert (kept_only.outcome, kept_only.words) == (Outcome.PASSED, "")
    place.released("1.0")
    assert place.compare("1.1", 300)[0].code == "LOAD_SLOWER_THAN_PREVIOUS"


def test_of_several_attempts_the_last_one_is_kept_however_late_an_earlier_one_writes(place: Place) -> None:
    for rev, ms in ((1001, 200), (2000, 300), (1000, 100), (2000, 400)):
        place.compare("1.0", ms, rev=rev)
    assert place.kept("1.0") == a_load(300)


@pytest.mark.parametrize("fault", [BUSY, DOWN])
@pytest.mark.parametrize("table", ["loads", "releases"])
def test_while_a_table_is_away_nothing_is_said_and_then_the_same(
    place: Place, app: AppHost, azure: AzureStandin, table: str, fault: dict[str, Any]
) -> None:
    place.compare("1.0", 100)
    place.released("1.0")
    azure.fault(None, f"/tables/{table}", **fault)
    order = place.order("1.1", 300)
    assert app.activity("compare_loads", order).running
    azure.forget_faults()
    (verdict,) = app.followed("compare_loads", order).result["verdicts"]
    assert verdict["code"] == "LOAD_SLOWER_THAN_PREVIOUS"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_measurement_whose_answer_is_lost_is_kept_once(
    place: Place, app: AppHost, azure: AzureStandin, moment: str
) -> None:
    azure.fault("POST", "/tables/loads", drop=moment)
    assert app.followed("compare_loads", place.order("1.0", 100)).outcome is Outcome.PASSED
    assert place.kept("1.0") == a_load(100)


def test_the_ledger_is_read_newest_first_page_by_page(place: Place) -> None:
    for n in range(5):
        place.released(f"1.{n}")
    seen, after = [], None
    while True:
        page, after = newest_releases(place.environment, "checkout", 2, after)
        seen.append([each["version"] for each in page])
        if after is None:
            break
    assert seen == [["1.4", "1.3"], ["1.2", "1.1"], ["1.0"]]
