"""A group on the whole laptop system: an App Service and a container app, switched as one, and back as one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.system import System, a_message, stage_of, start
from tests.end_to_end.test_blue_green import until

PIPELINE = Path(__file__).with_name("grouped.yaml")
APP = {"name": "catalog", "port": 1, "live": {"service": "catalog", "version": "1.0.0"}}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """1.0.0 live of both."""
    holds = {"container_apps": [APP], "pace": 0.1, "router_delay_s": 0.1}
    with start(tmp_path_factory.mktemp("group"), PIPELINE, **holds) as laptop:
        yield System(laptop)


def answering(system: System) -> dict[str, str]:
    sites = {"checkout": "checkout-weu", "catalog": "catalog"}
    addresses = {member: system.laptop.azure["sites"][site] for member, site in sites.items()}
    return {member: httpx.get(f"{address}/").headers["x-version"] for member, address in addresses.items()}


def a_group(version: str, **members: str) -> dict[str, Any]:
    return a_message(version, service="suite", members=members)


@pytest.mark.timeout(240)
def test_unlike_members_go_live_in_their_order_come_back_as_one_and_a_bad_one_takes_both_back(system: System) -> None:
    id, before = "suite--2026.48", {"checkout": "1.0.0", "catalog": "1.0.0"}
    system.send(a_group("2026.48", checkout="2.0.0", catalog="3.0.0"))
    ended = system.until_ended(id)
    assert ended["state"] == "passed", ended["words"]
    assert answering(system) == {"checkout": "2.0.0", "catalog": "3.0.0"}
    production = stage_of(ended, "production")
    swaps = [step["target"] for step in production["steps"] if step["name"] == "swap"]
    assert swaps == ["catalog", "checkout"], "who is called comes first"
    assert {target["name"]: target["member"] for target in production["targets"]} == {each: each for each in before}
    kept = system.get("/api/environments/production/services/catalog")
    assert (kept["live"]["version"], kept["live"]["group"], kept["reach"]["how"]) == ("3.0.0", "suite", "seconds")
    back = system.call("POST", f"/api/promotions/{id}/commands", json={"command": "rollback", "reason": "not wanted"})
    assert back.status_code == 202, back.text
    until(lambda: answering(system) == before)
    until(lambda: system.get("/api/environments/production/services/suite")["on_its_way"] is None)
    bad = "suite--2026.49"
    system.send(a_group("2026.49", checkout="2.1.0-crash", catalog="3.1.0"))
    assert system.until_ended(bad)["state"] == "failed"
    assert answering(system) == before
    for service in ("suite", *before):
        place = system.get(f"/api/environments/production/services/{service}")
        assert place["on_its_way"] is None and place["broken"] is None
