"""A canary on the whole laptop system: users' requests through a weighted router, the production KQL, the judge."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.end_to_end.system import SELDOM_S, Promotion, System, a_message, stage_of, start

RAMPED = Path(__file__).with_name("ramped.yaml")
SITES = ("checkout-weu", "checkout-neu")
USERS_PER_S = "120"


@contextlib.contextmanager
def users(system: System) -> Iterator[None]:
    """Their requests, for as long as the context lasts."""
    urls = [part for site in SITES for part in ("--to", system.laptop.azure["sites"][site])]
    command = [sys.executable, "-m", "slipway.local.traffic", *urls, "--rate", USERS_PER_S]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with start(tmp_path_factory.mktemp("ramp"), RAMPED) as laptop:
        served = System(laptop)
        with users(served):
            yield served


def ramp(promotion: Promotion) -> dict[str, Any]:
    found: dict[str, Any] = stage_of(promotion, "production")["ramp"] or {"share": 0.0, "tick": 0, "move": ""}
    return found


def answering(system: System, count: int = 60) -> set[str]:
    """The versions that so many requests meet, each without the cookie that keeps a browser on one side."""
    sites = [system.laptop.azure["sites"][site] for site in SITES]
    return {plain_http.get(sites[number % 2] + "/").headers["x-version"] for number in range(count)}


def actions(system: System, promotion: str) -> list[str]:
    return [each["action"] for each in system.get(f"/api/promotions/{promotion}/audit")["records"]]


@pytest.mark.timeout(240)
def test_a_good_release_ramps_over_a_kill_and_a_hold_point_to_everybody(system: System) -> None:
    id = "checkout--2.0.0"
    system.send(a_message("2.0.0"))
    system.until(id, lambda seen: ramp(seen)["share"] == 0.2 and ramp(seen)["tick"] >= 1, within_s=90, every_s=SELDOM_S)
    assert answering(system) == {"1.0.0", "2.0.0"}
    system.laptop.kill_host()
    system.laptop.start_host()
    at_hold_point = ("HOLD_POINT", 0.5)  # it is said before the routers are told
    held = system.until(
        id, lambda seen: (ramp(seen)["move"], ramp(seen)["share"]) == at_hold_point, within_s=90, every_s=SELDOM_S
    )
    assert ramp(held)["calls"] is True
    answer = system.call("POST", f"/api/promotions/{id}/commands", json={"command": "advance", "reason": "looks good"})
    assert answer.status_code == 200, answer.text
    assert system.until_ended(id, within_s=120)["state"] == "passed"
    assert answering(system) == {"2.0.0"}
    told = actions(system, id)
    assert [told.count(action) for action in ("ramp.begins", "ramp.hold-point", "ramp.advanced-by-hand")] == [1, 1, 1]


@pytest.mark.timeout(240)
def test_a_harmful_release_is_taken_back_and_its_version_rejected(system: System) -> None:
    """A fifth of its requests fail: proven within a few ticks of the first share."""
    id = "checkout--2.1.0-errors"
    system.send(a_message("2.1.0-errors"))
    ended = system.until(
        id, lambda seen: stage_of(seen, "production")["state"] == "failed", within_s=150, every_s=SELDOM_S
    )
    production = stage_of(ended, "production")
    assert production["code"] == "HARM_PROVEN"
    # In numbers: while the live release has not failed once, there is no ratio to tell.
    assert production["words"].startswith("canary fails") and "harm is proven" in production["words"]
    assert answering(system) == {"2.0.0"}
    place = system.get("/api/environments/production/services/checkout")
    assert [each["version"] for each in place["rejected"]] == ["2.1.0-errors"]
    assert place["live"]["version"] == "2.0.0"
    lifted = system.call("DELETE", "/api/intents/production.checkout.rejected-2.1.0-errors")
    assert lifted.status_code == 200, lifted.text


@pytest.mark.timeout(240)
def test_an_abort_in_mid_ramp_leaves_no_user_with_the_release(system: System) -> None:
    id = "checkout--2.2.0"
    system.send(a_message("2.2.0"))
    system.until(id, lambda seen: ramp(seen)["share"] >= 0.2, within_s=90, every_s=SELDOM_S)
    answer = system.call("POST", f"/api/promotions/{id}/commands", json={"command": "abort", "reason": "wrong build"})
    assert answer.status_code == 200, answer.text
    assert system.until_ended(id, within_s=90)["state"] == "cancelled"
    assert answering(system) == {"2.0.0"}
