"""Traffic Manager and DNS on the whole laptop system, in virtual time: users follow when resolvers have forgotten the
answers from before, and are sent back likewise."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.end_to_end.system import System, start
from tests.end_to_end.test_aks import HOLDS as CLUSTERED
from tests.end_to_end.test_aks import submitted, until
from tests.end_to_end.test_virtual_time import let_pass

NAMED = Path(__file__).with_name("named.yaml")
DEV, PRODUCTION = "dev.shop.example", "storefront"  # the front ends that users come by
ENDS = [
    {"name": "weu-blue", "to": "shop-storefront-blue"},
    {"name": "weu-green", "to": "shop-storefront-green", "enabled": False},
]
ZONE = {
    "name": "shop.example",
    "records": [{"name": "dev", "port": 32, "points_at": "blue.dev.shop.example", "ttl_s": 300}],
    "addresses": {f"{side}.dev.shop.example": f"shop-dev-{side}" for side in ("blue", "green")},
}
HOLDS: dict[str, Any] = {
    **CLUSTERED,
    "traffic_managers": [{"name": PRODUCTION, "port": 31, "endpoints": ENDS}],
    "dns_zones": [ZONE],
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """1.0.0 has production's users, and dev has had nothing yet."""
    state = tmp_path_factory.mktemp("named")
    with start(state, NAMED, virtual_time=True, **HOLDS) as laptop:
        pipeline = state / "pipelines" / NAMED.name
        text = pipeline.read_text()
        for side in ("blue", "green"):
            text = text.replace(f"https://shop-dev-{side}.example", laptop.azure["sites"][f"shop-dev-{side}"])
        pipeline.write_text(text)
        yield System(laptop)


def met(system: System, front_end: str) -> Counter[str]:
    """What users are answered there; "" is nothing."""
    url = f"{system.laptop.azure['sites'][front_end]}/version"
    found = [plain_http.get(url) for _ in range(30)]
    return Counter(str(each.json()["version"]) if each.status_code == 200 else "" for each in found)


@pytest.mark.timeout(120)
def test_users_follow_a_record_and_a_profile_and_are_sent_back(system: System) -> None:
    assert met(system, DEV) == {"": 30} and met(system, PRODUCTION) == {"1.0.0": 30}
    id = submitted(system, "2.0.0")
    until(system, id, "production", "waiting for approval")
    assert met(system, DEV) == {"2.0.0": 30} and met(system, PRODUCTION) == {"1.0.0": 30}

    path = f"/api/promotions/{id}/stages/production/approval"
    assert system.call("POST", path, json={"decision": "approve", "gate": "switch"}).status_code == 200
    passed = until(system, id, "production", "passed")
    assert met(system, PRODUCTION) == {"2.0.0": 30}
    assert "storefront sends all users to weu-green" in str(passed)

    back = {"command": "rollback", "stage": "production", "reason": "not wanted"}
    assert system.call("POST", f"/api/promotions/{id}/commands", json=back).status_code == 202
    for _ in range(60):
        place = system.get("/api/environments/production/services/storefront")
        if place["releases"][0]["state"] == "rolled back" and place["on_its_way"] is None:
            break
        let_pass(system, 30)
    assert place["releases"][0]["state"] == "rolled back" and met(system, PRODUCTION) == {"1.0.0": 30}
