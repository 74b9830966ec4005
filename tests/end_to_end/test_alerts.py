"""The alerts fire for what the real system really told of itself, and not for a system that is well."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slipway.cli.main import app
from tests.alerts.rules import QUERIES, alert
from tests.end_to_end.system import System, a_message, start
from tests.end_to_end.test_virtual_ramp import MINUTE, clock
from tests.end_to_end.test_virtual_time import let_pass

HOUR = 60 * MINUTE


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alerts")


@pytest.fixture(scope="module")
def system(state: Path) -> Iterator[System]:
    with start(state, virtual_time=True) as laptop:
        yield System(laptop)


def fault(system: System, path: str, status: int, method: str | None = None) -> None:
    """From now on Azure answers so where the path is like that."""
    match = {"method": method, "path_contains": path}
    system.azure("POST", "/standin/faults", json={"match": match, "times": 100_000, "answer": {"status": status}})


def well_again(system: System) -> None:
    system.azure("DELETE", "/standin/faults")


def fires(system: System, name: str) -> list[tuple[object, ...]]:
    """For what the alert fires now, looking at its window up to the system's own time."""
    asked = alert(name)
    now = clock(system) + timedelta(seconds=1)
    return asked.fires_for(system.ask(asked.query, f"{(now - asked.window).isoformat()}/{now.isoformat()}"))


def until_it_fires(system: System, name: str) -> list[tuple[object, ...]]:
    """What is told travels for some seconds, while the system's time stands."""
    return _until(system, name, bool)


def until_it_is_quiet(system: System, name: str) -> bool:
    """Whether it stops firing once what was told has come."""
    return not _until(system, name, lambda found: not found)


def _until(system: System, name: str, is_so: Callable[[list[tuple[object, ...]]], bool]) -> list[tuple[object, ...]]:
    deadline = time.monotonic() + 30
    while not is_so(found := fires(system, name)) and time.monotonic() < deadline:
        time.sleep(0.3)
    return found


@pytest.mark.timeout(120)
def test_a_promotion_that_gets_nowhere_is_told_by_name_and_one_that_waits_for_people_is_not(system: System) -> None:
    system.send(a_message("1.1.0"))
    system.until_state("checkout--1.1.0", "test", "deploying")
    let_pass(system, MINUTE)
    system.until_state("checkout--1.1.0", "production", "waiting for approval")
    fault(system, "/slots/staging", 503, "GET")
    system.send(a_message("1.2.0"))
    system.until("checkout--1.2.0", lambda seen: bool(seen["stages"]))
    let_pass(system, 2 * HOUR)
    assert until_it_fires(system, "stuck-promotion") == [("checkout--1.2.0",)]
    assert until_it_fires(system, "activity-failing") == [("survey_targets",)]
    assert until_it_is_quiet(system, "janitor-silent")
    well_again(system)


def test_a_message_that_nobody_can_promote_is_told_by_its_code(system: System) -> None:
    assert fires(system, "rejected-builds") == []
    system.send(a_message("1.0.0", service="nobody"))
    assert until_it_fires(system, "rejected-builds") == [("UNKNOWN_SERVICE",)]


def test_requests_that_slipway_failed_are_told(system: System) -> None:
    system.call("GET", "/api/promotions/checkout--0.0.1")  # 404: whoever asks for what is not there is no fault
    assert fires(system, "http-5xx") == []
    fault(system, "/tables/", 403, "GET")
    answers = [system.call("GET", "/api/promotions/checkout--1.1.0").status_code for _ in range(5)]
    well_again(system)
    assert answers == [503] * 5
    assert until_it_fires(system, "http-5xx") == [()]


@pytest.mark.timeout(120)
def test_an_identity_that_lost_its_right_is_told_by_what_it_could_not_do(system: System) -> None:
    assert fires(system, "azure-denied") == []
    fault(system, "/slots/staging", 403, "GET")
    for version in ("1.3.0", "1.4.0", "1.5.0"):
        system.send(a_message(version))
        system.until(f"checkout--{version}", lambda seen: bool(seen["stages"]))
        let_pass(system, 10 * MINUTE)
    well_again(system)
    assert until_it_fires(system, "azure-denied") == [("survey_targets",)]


def test_a_person_asks_the_workspace_by_a_command(system: System, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_STATE", str(state))
    asked = CliRunner().invoke(app, ["ask", f"@{QUERIES / 'janitor-silent.kql'}", "--json"])
    assert json.loads(asked.stdout)[0]["Ticks"] > 100, asked.stderr
    refused = CliRunner().invoke(app, ["ask", "AppTraces | nonsense"])
    assert refused.exit_code == 1 and "QUERY_REFUSED" in refused.stderr
