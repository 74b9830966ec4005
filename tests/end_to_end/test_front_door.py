"""A canary through a Front Door on the whole laptop system, in virtual time: its changes reach the edge after 20
minutes, its real proxy answers testers, and a harmful release is left by its users within a minute or so."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.end_to_end.system import System, start
from tests.end_to_end.test_virtual_ramp import BAD, GOOD, MINUTE, START, clock, production, submitted
from tests.end_to_end.test_virtual_time import let_pass

FRONTED = Path(__file__).with_name("fronted.yaml")
LIVE, IDLE = {"name": "weu", "site": "checkout-weu"}, {"name": "weu-staging", "site": "checkout-weu", "slot": "staging"}
PROBED = {"additional_latency_ms": 1000, "probe": {"interval_s": 30}}
EDGE = {
    "name": "edge",
    "rule_sets": ["testers"],
    "endpoints": [
        {
            "name": "shop",
            "port": 8401,
            "routes": [{"name": "all", "origin_group": "checkout", "rule_sets": ["testers"]}],
        }
    ],
    "origin_groups": [
        {"name": "checkout", "origins": [LIVE, {**IDLE, "weight": 1, "enabled": False}], **PROBED},
        {"name": "checkout-idle", "origins": [IDLE], **PROBED},
    ],
}
USERS = {"site": "shop", "service": "checkout", "version": "1.0.0", "hours": 1, "per_second": 50}
DROPPED_WITHIN = timedelta(seconds=30 * (4 - 3 + 1))  # interval × (samples − those that must be good + 1)


def until(system: System, id: str, *states: str, hours: float = 6) -> dict[str, Any]:
    for _ in range(round(hours * 12)):
        if (stage := production(system, id))["state"] in states:
            return stage
        let_pass(system, 5 * MINUTE)
    raise AssertionError(f"after hours: {stage}")


def shown(system: System) -> dict[str, Any]:
    """What the edge does."""
    found: dict[str, Any] = system.azure("GET", "/standin/front-door").json()["edge"]
    return found


def answered(endpoint: str, **headers: str) -> set[str]:
    """The versions that the real proxy answers."""
    return {plain_http.get(f"{endpoint}/version", headers=headers).json()["version"] for _ in range(10)}


def all_answered_again(system: System, since: datetime) -> datetime:
    """The end of the first ten seconds in which as many users were answered as ever: those who are sent to a side that
    is stopped are not."""
    rows = system.ask(
        "AFDAccessLog | summarize Answered = count() by Begins = bin(TimeGenerated, 10s) | order by Begins asc"
    )
    for row in rows:
        begins = datetime.fromisoformat(row["Begins"])
        if begins >= since and row["Answered"] >= 0.9 * 10 * USERS["per_second"]:
            return begins + timedelta(seconds=10)
    raise AssertionError(rows[-10:])


@pytest.mark.timeout(300)
def test_users_leave_a_harmful_release_long_before_edges_hear_of_it_and_a_good_one_goes_live_behind_the_edge(
    tmp_path: Path,
) -> None:
    telemetry = {"traffic": [{**USERS, "error_rate": 0.003, "noise": 0}]}
    with start(
        tmp_path, FRONTED, virtual_time=True, starts_at=START, front_doors=[EDGE], telemetry=telemetry
    ) as laptop:
        system, endpoint = System(laptop), laptop.azure["sites"]["shop"]
        pipeline = tmp_path / "pipelines" / FRONTED.name
        pipeline.write_text(pipeline.read_text().replace("https://shop.azurefd.net", endpoint))

        bad = submitted(system, BAD, START)
        until(system, bad, "ramping")
        while not any(each["name"] == "ramp" for each in production(system, bad)["steps"]):
            let_pass(system, 5 * MINUTE)
        assert answered(endpoint, **{"x-canary": "me"}) == {BAD} and answered(endpoint) == {"1.0.0"}
        stage = until(system, bad, "rolling back", "failed")
        ramped = production(system, bad)["ramp"]
        harmed = datetime.fromisoformat(ramped["began_at"]) + 5 * ramped["tick"] * timedelta(minutes=1)
        stage = until(system, bad, "failed")
        assert stage["code"] == "HARM_PROVEN"
        left = all_answered_again(system, harmed) - harmed
        ended = clock(system) - harmed
        print(f"users left {left} after the verdict; the lock was free {ended} after it")
        assert timedelta(seconds=30) < left <= DROPPED_WITHIN + timedelta(seconds=20)
        assert ended >= timedelta(minutes=20), "nothing is deployed there before all edges know"
        let_pass(system, 30 * MINUTE)  # that the testers' rule is gone is a second change, behind that of the weight
        assert answered(endpoint, **{"x-canary": "me"}) == {"1.0.0"}

        good = submitted(system, GOOD, clock(system))
        until(system, good, "baking")
        assert answered(endpoint) == {GOOD}
        assert shown(system)["origin_groups"]["checkout"]["weu-staging"]["share"] == 0
        assert until(system, good, "passed")["state"] == "passed"
