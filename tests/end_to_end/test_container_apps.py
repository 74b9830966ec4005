"""A container app on the whole laptop system: images as revisions, weights as the router, and every way back."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.end_to_end.system import SELDOM_S, Promotion, System, a_message, stage_of, start
from tests.end_to_end.test_janitor import terminate, the_janitor_comes

PIPELINE = Path(__file__).with_name("catalog.yaml")
ARM = "https://management.azure.com/"
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop"
LIVE = {"service": "catalog", "version": "1.0.0"}
APPS = [{"name": name, "port": 1 + n, "live": LIVE} for n, name in enumerate(("catalog", "catalog-test"))]
USUAL = {"site": "catalog", **LIVE, "hours": 0.5, "per_second": 60, "error_rate": 0.003, "noise": 0}
HOLDS = {"sites": [], "container_apps": APPS, "telemetry": {"traffic": [USUAL]}, "pace": 0.1, "router_delay_s": 0.1}
USERS_PER_S = "80"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("apps")


@pytest.fixture(scope="module")
def system(state: Path) -> Iterator[System]:
    """1.0.0 live in test and in production, with users there."""
    with start(state, PIPELINE, **HOLDS) as laptop, users(laptop.azure["sites"]["catalog"]):
        yield System(laptop)


@contextlib.contextmanager
def users(address: str) -> Iterator[None]:
    """Their requests, for as long as the context lasts."""
    command = [sys.executable, "-m", "slipway.local.traffic", "--to", address, "--rate", USERS_PER_S]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def a_build(version: str) -> dict[str, Any]:
    return a_message(version, service="catalog")


def ramp(promotion: Promotion) -> dict[str, Any]:
    found: dict[str, Any] = stage_of(promotion, "production")["ramp"] or {"share": 0.0, "tick": 0, "move": ""}
    return found


def answering(system: System, app: str = "catalog", count: int = 60) -> set[str]:
    """The versions that so many requests to the app meet."""
    with plain_http.plain_client(system.laptop.azure["sites"][app]) as users:
        return {users.get("/").headers["x-version"] for _ in range(count)}


def revisions(system: System, app: str = "catalog") -> dict[str, tuple[bool, int]]:
    """Each revision of the app in Azure: whether it is active, and its weight in percent."""
    path = f"{GROUP}/providers/Microsoft.App/containerApps/{app}/revisions?api-version=2026-07-01"
    listed = system.azure("GET", path, ARM).json()["value"]
    return {each["name"]: (each["properties"]["active"], each["properties"]["trafficWeight"]) for each in listed}


def command(system: System, promotion: str, name: str, **more: str) -> None:
    answer = system.call("POST", f"/api/promotions/{promotion}/commands", json={"command": name, **more})
    assert answer.status_code in (200, 202), answer.text


@pytest.mark.timeout(120)
def test_an_image_goes_live_in_test_and_ramps_over_a_kill_to_everybody_in_production(system: System) -> None:
    id = "catalog--2.0.0"
    system.send(a_build("2.0.0"))
    system.until(id, lambda seen: ramp(seen)["share"] == 0.4 and ramp(seen)["tick"] >= 1, within_s=60, every_s=SELDOM_S)
    assert answering(system) == {"1.0.0", "2.0.0"}
    assert answering(system, "catalog-test", 10) == {"2.0.0"}
    system.laptop.kill_host()
    system.laptop.start_host()
    ended = system.until_ended(id, within_s=60)
    assert ended["state"] == "passed"
    assert answering(system) == {"2.0.0"}
    assert revisions(system) == {"catalog--v1-0-0": (True, 0), "catalog--v2-0-0": (True, 100)}
    steps = [(step["name"], step["state"]) for step in stage_of(ended, "production")["steps"]]
    assert steps == [(name, "passed") for name in ("deploy", "verify health", "ramp", "swap", "verify live", "bake")]
    told = [each["action"] for each in system.get(f"/api/promotions/{id}/audit")["records"]]
    assert told.count("ramp.begins") == 1
    place = system.get("/api/environments/production/services/catalog")
    assert (place["live"]["version"], place["releases"][0]["state"]) == ("2.0.0", "proven")


@pytest.mark.timeout(120)
def test_a_live_release_is_rolled_back_to_the_revision_before_even_past_one_that_crashed(system: System) -> None:
    crashed = "catalog--2.0.1-crash"
    system.send(a_build("2.0.1-crash"))
    for stage in ("test", "production"):
        shown = system.until_state(crashed, stage, "failed", "broken")
        assert stage_of(shown, stage)["code"] == "DEPLOYMENT_FAILED", stage_of(shown, stage)["words"]
    for app in ("catalog", "catalog-test"):
        assert [active for name, (active, _) in revisions(system, app).items() if "crash" in name] == [False]
    id = "catalog--2.0.0"
    command(system, id, "rollback", stage="test", reason="customers complain")
    shown = system.until_state(id, "test", "rolled back", "broken")
    assert stage_of(shown, "test")["state"] == "rolled back", stage_of(shown, "test")["words"]
    assert answering(system, "catalog-test", 10) == {"1.0.0"}
    assert revisions(system, "catalog-test")["catalog-test--v2-0-0"] == (False, 0)


@pytest.mark.timeout(120)
def test_a_harmful_release_is_taken_back_stopped_and_its_version_rejected(system: System) -> None:
    """A fifth of its requests fail: proven within a few ticks of the first share."""
    id = "catalog--2.1.0-errors"
    system.send(a_build("2.1.0-errors"))
    ended = system.until(
        id, lambda seen: stage_of(seen, "production")["state"] in ("failed", "broken"), within_s=60, every_s=SELDOM_S
    )
    production = stage_of(ended, "production")
    assert production["code"] == "HARM_PROVEN", production["words"]
    assert answering(system) == {"2.0.0"}
    assert [state for name, state in revisions(system).items() if "errors" in name] == [(False, 0)]
    place = system.get("/api/environments/production/services/catalog")
    assert [each["version"] for each in place["rejected"]] == ["2.1.0-errors"]
    assert place["live"]["version"] == "2.0.0"


@pytest.mark.timeout(120)
def test_an_abort_in_mid_ramp_leaves_no_user_with_the_release(system: System) -> None:
    id = "catalog--2.2.0"
    system.send(a_build("2.2.0"))
    system.until(id, lambda seen: ramp(seen)["share"] >= 0.4, within_s=60, every_s=SELDOM_S)
    command(system, id, "abort", reason="wrong build")
    assert system.until_ended(id, within_s=60)["state"] == "cancelled"
    assert answering(system) == {"2.0.0"}
    assert revisions(system)["catalog--v2-2-0"] == (False, 0)


@pytest.mark.timeout(120)
def test_a_stage_that_was_terminated_in_mid_ramp_is_undone_by_the_janitor(system: System, state: Path) -> None:
    id = "catalog--2.3.0"
    system.send(a_build("2.3.0"))
    system.until(id, lambda seen: ramp(seen)["share"] >= 0.4, within_s=60, every_s=SELDOM_S)
    terminate(system, state, f"{id}:production")
    the_janitor_comes(system)
    system.until_state(id, "production", "broken")
    assert system.until_ended(id)["code"] == "STAGE_LOST"
    assert answering(system) == {"2.0.0"}
    assert revisions(system)["catalog--v2-3-0"] == (False, 0)
    shown = system.get("/api/environments/production/services/catalog")
    assert (shown["on_its_way"], shown["broken"], shown["live"]["version"]) == (None, None, "2.0.0")


@pytest.mark.timeout(120)
def test_a_release_on_watch_is_taken_back_in_production_by_a_person(system: System) -> None:
    id = "catalog--2.0.0"
    command(system, id, "rollback", stage="production", reason="the numbers are wrong")
    shown = system.until_state(id, "production", "rolled back", "broken")
    assert stage_of(shown, "production")["state"] == "rolled back", stage_of(shown, "production")["words"]
    assert answering(system) == {"1.0.0"}
    found = revisions(system)
    assert (found["catalog--v1-0-0"], found["catalog--v2-0-0"]) == ((True, 100), (False, 0))
