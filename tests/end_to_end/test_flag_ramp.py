"""A feature flag on the whole laptop system: users who are hashed by the application, the production KQL, the judge."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.system import System, a_message, stage_of, start

FLAGGED = Path(__file__).with_name("flagged.yaml")
SITE, FLAG = "checkout-weu", "new-checkout"


@contextlib.contextmanager
def users(system: System) -> Iterator[None]:
    """Two hundred of them, who come again and again and say who they are."""
    to = ["--to", system.laptop.azure["sites"][SITE], "--rate", "100", "--users", "200"]
    with subprocess.Popen([sys.executable, "-m", "slipway.local.traffic", *to], stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with start(tmp_path_factory.mktemp("flags"), FLAGGED) as laptop:
        served = System(laptop)
        with users(served):
            served.until_asked(
                "AppRequests | where isnotempty(UserId) | summarize Users = dcount(UserId), "
                "First = min(TimeGenerated), Last = max(TimeGenerated) | where Users > 150 and Last - First > 12s",
                lambda rows: len(rows) == 1,
                within_s=60,
            )
            yield served


def flag(system: System) -> dict[str, Any]:
    (found,) = system.get("/api/flags")["flags"]
    return dict(found)


def failing(system: System, count: int = 60) -> int:
    site = system.laptop.azure["sites"][SITE]
    with httpx.Client(trust_env=False) as http:
        answers = [http.get(f"{site}/", headers={"x-user": f"user-{number}"}) for number in range(count)]
    return sum(answer.status_code >= 500 for answer in answers)


@pytest.mark.timeout(240)
def test_a_flag_ramps_to_everybody_and_is_off_within_a_second_when_a_person_says_so(system: System) -> None:
    id = "checkout--2.0.0-flag"
    system.send(a_message("2.0.0-flag"))
    ended = system.until_ended(id, within_s=150)
    assert ended["state"] == "passed", stage_of(ended, "production")
    found = flag(system)
    assert (found["share"], found["owner"], found["services"]) == (1.0, "team-checkout", ["checkout"])
    steps = [step["name"] for step in stage_of(ended, "production")["steps"]]
    assert {"prepare flag", "verify testers", "verify as tester", "ramp"} <= set(steps)
    began = time.monotonic()
    answer = system.call("POST", f"/api/flags/{FLAG}/off", json={"reason": "orders are lost"})
    assert answer.status_code == 200, answer.text
    assert time.monotonic() - began < 1.0
    assert flag(system)["share"] == 0
    assert system.call("DELETE", f"/api/flags/{FLAG}/off").status_code == 200


@pytest.mark.timeout(240)
def test_a_flag_that_does_harm_goes_off_and_its_release_stays(system: System) -> None:
    id = "checkout--2.1.0-flagerrors"
    system.send(a_message("2.1.0-flagerrors"))
    ended = system.until_ended(id, within_s=150)
    production = stage_of(ended, "production")
    assert (production["state"], production["code"]) == ("failed", "HARM_PROVEN"), production
    assert f"{FLAG} (production) is off and 2.1.0-flagerrors stays" in production["words"]
    assert flag(system)["share"] == 0
    assert set(system.live(id).values()) == {"2.1.0-flagerrors"}
    deadline = time.monotonic() + 10
    while failing(system):
        assert time.monotonic() < deadline, "users still meet what is behind the flag"
    place = system.get("/api/environments/production/services/checkout")
    assert place["rejected"] == []
