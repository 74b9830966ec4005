"""Canaries of real durations on the whole laptop system, in virtual time: users are drawn from a seed, and one clock
is for the host and for Azure."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.end_to_end.system import Promotion, System, a_message, stage_of, start
from tests.end_to_end.test_virtual_time import let_pass

RAMPED = Path(__file__).with_name("virtually_ramped.yaml")
START = datetime(2026, 11, 30, 8, tzinfo=UTC)
MINUTE, HOUR = 60.0, 3600.0
GOOD, BAD = "2.0.0", "2.1.0-subtle"  # the latter fails three times as often as usual


def submitted(system: System, version: str, finished_at: datetime) -> str:
    """The promotion, once it is on its way."""
    system.send(a_message(version, finished_at=finished_at.isoformat()))
    id = f"checkout--{version}"
    system.until_state(id, "production", "deploying")
    return id


def ramp(system: System, id: str) -> dict[str, Any]:
    found: dict[str, Any] = production(system, id)["ramp"]
    return found


def production(system: System, id: str) -> dict[str, Any]:
    promotion: Promotion = system.get(f"/api/promotions/{id}")
    return stage_of(promotion, "production")


def until_it_bakes_or_ends(system: System, id: str) -> dict[str, Any]:
    for _ in range(30):
        if (stage := production(system, id))["state"] not in ("deploying", "verifying", "ramping"):
            return stage
        let_pass(system, 5 * MINUTE)
    raise AssertionError(f"after hours: {stage}")


def told(system: System, id: str) -> list[tuple[str, str, str]]:
    """What is on record, with its moment and its words. To the millisecond: the host tells the steps of one instant
    apart by microseconds, and how many there are depends on what else ran in that instant."""
    records = system.get(f"/api/promotions/{id}/audit")["records"]
    return [(each["action"], each["at"][:23], each["words"]) for each in records]


def time_at_both(system: System) -> tuple[datetime, datetime]:
    """The host's time, and that of the Azure stand-in."""
    azure = system.azure("GET", "/standin/clock").json()["now"]
    return clock(system), datetime.fromisoformat(azure)


def clock(system: System) -> datetime:
    return datetime.fromisoformat(plain_http.get(f"{system.run.url}/admin/clock").json()["now"])


@pytest.mark.timeout(300)
def test_a_release_with_three_times_the_failures_is_caught_in_the_same_tick_of_the_same_traffic(tmp_path: Path) -> None:
    lives = []
    for name in ("one", "other"):
        with start(tmp_path / name, RAMPED, virtual_time=True, starts_at=START) as laptop:
            system = System(laptop)
            id = submitted(system, BAD, START)
            ended = until_it_bakes_or_ends(system, id)
            assert (ended["state"], ended["code"]) == ("failed", "HARM_PROVEN")
            assert system.live(id) == {"weu": "1.0.0", "neu": "1.0.0"}
            lives.append(told(system, id))
    assert lives[0] == lives[1], "to the word and the millisecond"


@pytest.mark.timeout(300)
def test_both_have_one_time_over_the_death_of_either(tmp_path: Path) -> None:
    with start(tmp_path, RAMPED, virtual_time=True, starts_at=START) as laptop:
        system = System(laptop)
        id = submitted(system, BAD, START)
        let_pass(system, 5 * MINUTE)
        system.laptop.kill_host()
        ahead = (START + timedelta(minutes=5.2)).isoformat()  # told, and killed before it went there itself
        system.azure("POST", "/standin/clock", json={"now": ahead})
        system.laptop.start_host()
        assert len(set(time_at_both(system))) == 1 and clock(system) == datetime.fromisoformat(ahead)
        system.laptop.kill("azure")
        system.laptop.start("azure")
        let_pass(system, MINUTE)
        assert len(set(time_at_both(system))) == 1
        assert until_it_bakes_or_ends(system, id)["code"] == "HARM_PROVEN"
