"""AKS on the whole laptop system, in virtual time: charts as releases of two sides, a Service as the switch, a good
build and a bad one, and the way back past a side that was stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.end_to_end.system import System, a_message, stage_of, start
from tests.end_to_end.test_virtual_time import let_pass

CLUSTERED = Path(__file__).with_name("clustered.yaml")
LIVE = {"service": "storefront", "version": "1.0.0"}
RELEASES = [
    {"namespace": "dev", "name": "dev", "port": 11, "blue_port": 12, "green_port": 13},
    {"namespace": "shop", "name": "storefront", "port": 21, "blue_port": 22, "green_port": 23, "live": LIVE},
]
HOLDS: dict[str, Any] = {
    "sites": [],
    "clusters": [{"name": "shop", "port": 1, "releases": RELEASES}],
    "images": {"shop.azurecr.io/storefront": "storefront"},
    "charts": ["shop.azurecr.io/charts/storefront"],
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """1.0.0 has production's users, and dev has had nothing yet."""
    state = tmp_path_factory.mktemp("clustered")
    with start(state, CLUSTERED, virtual_time=True, **HOLDS) as laptop:
        pipeline = state / "pipelines" / CLUSTERED.name
        text = pipeline.read_text()
        for name, address in sorted(laptop.azure["sites"].items(), key=lambda each: -len(each[0])):
            text = text.replace(f"https://{name}.example", address)
        pipeline.write_text(text)
        yield System(laptop)


def answers(system: System, front_end: str) -> str:
    """The version that answers there; "" where nobody does."""
    found = plain_http.get(f"{system.laptop.azure['sites'][front_end]}/version")
    return str(found.json()["version"]) if found.status_code == 200 else ""


def until(system: System, id: str, stage: str, *states: str, minutes: float = 90) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for _ in range(round(minutes * 2)):
        promotion = system.promotion(id)
        seen = stage_of(promotion, stage) if promotion and promotion["stages"] else {}
        if seen.get("state") in states:
            return seen
        let_pass(system, 30)
    raise AssertionError(f"after minutes: {seen}")


def submitted(system: System, version: str) -> str:
    id = f"storefront--{version}"
    system.send(a_message(version, service="storefront"))
    system.until(id, lambda _: True)
    return id


@pytest.mark.timeout(120)
def test_a_sound_build_reaches_dev_at_once_and_production_by_a_switch_that_is_taken_back(system: System) -> None:
    id = submitted(system, "2.0.0")
    asked = until(system, id, "production", "waiting for approval")
    assert answers(system, "shop-dev") == "2.0.0"
    assert answers(system, "shop-storefront") == "1.0.0"
    (preview,) = [target["preview"] for target in asked["targets"]]
    assert preview == system.laptop.azure["sites"]["shop-storefront-green"]
    assert answers(system, "shop-storefront-green") == "2.0.0"

    path = f"/api/promotions/{id}/stages/production/approval"
    assert system.call("POST", path, json={"decision": "approve", "gate": "switch"}).status_code == 200
    until(system, id, "production", "passed")
    assert answers(system, "shop-storefront") == "2.0.0"
    assert answers(system, "shop-storefront-blue") == "1.0.0", "it is kept"
    let_pass(system, 2 * 3600)
    assert answers(system, "shop-storefront-blue") == "", "for an hour"
    place = system.get("/api/environments/production/services/storefront")
    assert (place["live"]["version"], place["reach"]["how"]) == ("2.0.0", "minutes")

    back = {"command": "rollback", "stage": "production", "reason": "not wanted"}
    assert system.call("POST", f"/api/promotions/{id}/commands", json=back).status_code == 202
    for _ in range(60):
        if answers(system, "shop-storefront") == "1.0.0":
            break
        let_pass(system, 30)
    let_pass(system, 60)
    place = system.get("/api/environments/production/services/storefront")
    assert (place["releases"][0]["state"], place["on_its_way"]) == ("rolled back", None)
    assert answers(system, "shop-storefront") == "1.0.0"


@pytest.mark.timeout(120)
def test_a_build_that_crashes_reaches_nobody(system: System) -> None:
    id = submitted(system, "2.1.0-crash")
    dev = until(system, id, "dev", "failed", "broken")
    assert dev["code"] == "DEPLOYMENT_FAILED" and "CrashLoopBackOff" in dev["words"], dev["words"]
    assert answers(system, "shop-dev") == "2.0.0" and answers(system, "shop-storefront") == "1.0.0"
