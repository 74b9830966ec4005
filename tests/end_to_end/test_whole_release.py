"""A release that is code, configuration and a flag, on the whole laptop system: there and back, and what stays."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.system import System, a_message, stage_of, start

PIPELINE = Path(__file__).with_name("whole.yaml")
BANNER = {"id": "spring-banner", "enabled": False, "conditions": {"client_filters": []}}
SECRET = "a-credential-that-is-nobodys-business"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with start(tmp_path_factory.mktemp("whole"), PIPELINE) as laptop:
        yield System(laptop)


def put(system: System, label: str, **settings: str) -> None:
    for key, value in settings.items():
        system.azure("POST", "/standin/settings", json={"key": f"checkout:{key}", "label": label, "value": value})


def flag(system: System) -> dict[str, Any]:
    (found,) = system.get("/api/flags")["flags"]
    return dict(found)


def released(system: System, version: str) -> str:
    id = f"checkout--{version}"
    system.send(a_message(version))
    ended = system.until_ended(id)
    assert ended["state"] == "passed", stage_of(ended, "production")
    return id


@pytest.mark.timeout(240)
def test_code_configuration_and_flag_come_together_and_go_back_together(system: System) -> None:
    system.azure("POST", "/standin/flags", json={"name": "spring-banner", "label": "production", "value": BANNER})
    system.send(a_message("1.1.0"))
    waits = system.until_ended("checkout--1.1.0")
    assert (waits["state"], waits["code"]) == ("broken", "CONFIGURATION_MISSING")
    put(system, "1.1.0", limit="1", password=SECRET)
    assert system.call("POST", "/api/promotions/checkout--1.1.0/commands", json={"command": "retry"}).status_code == 200
    assert system.until_state("checkout--1.1.0", "production", "passed")
    assert flag(system)["share"] == 1.0
    system.azure("POST", "/standin/flags", json={"name": "spring-banner", "label": "production", "value": BANNER})
    put(system, "1.2.0", limit="2", password=SECRET)
    id = released(system, "1.2.0")
    assert flag(system)["share"] == 1.0 and system.live(id) == {"weu": "1.2.0"}

    place = system.get("/api/environments/production/services/checkout")
    assert place["live"]["configuration"]["snapshot"] == "checkout-1.2.0"
    assert place["reach"]["brings"] == [
        "code 1.1.0",
        "configuration 1.1.0 as it was verified (snapshot checkout-1.1.0)",
        "flag spring-banner (production) as it was before: off",
    ]
    told = system.call("POST", f"/api/promotions/{id}/commands", json={"command": "rollback"})
    assert told.status_code == 202 and "configuration 1.1.0 as it was verified" in told.json()["words"]
    ended = system.until_state(id, "production", "rolled back")
    words = stage_of(ended, "production")["words"]
    assert "production is back on 1.1.0; configuration: 1.1.0 is as it was verified" in words
    assert "flags: spring-banner (production) is off again" in words
    assert flag(system)["share"] == 0 and system.live(id) == {"weu": "1.1.0"}

    audit = system.get(f"/api/promotions/{id}/audit")
    assert audit["intact"] and SECRET not in str(audit) and SECRET not in str(ended) and SECRET not in str(place)
    deadline = time.monotonic() + 10
    while not (back := [each for each in audit["records"] if "brought" in each["evidence"]]):
        assert time.monotonic() < deadline
        audit = system.get(f"/api/promotions/{id}/audit")
    assert back[0]["evidence"]["brought"]["left"] == []
