import json
import subprocess
import sys
from typing import Any

import pytest

from slipway.cli.laptop.following import GOOD, SUBTLE

SLIPWAY = [sys.executable, "-c", "from slipway.cli.main import app; app()"]


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The demo's own account, with kills in mid-ramp: it takes minutes, so all tests read the same."""
    ran = subprocess.run([*SLIPWAY, "demo", "--json", "--kill"], capture_output=True, text=True, timeout=400)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


@pytest.mark.timeout(420)
def test_the_demo_shows_what_it_promises(told: dict[str, Any]) -> None:
    claims = [claim["words"] for claim in told["claims"]]
    for promised in (
        "5 web sites in 4 environments answer 1.0.0",
        "nothing was lost: production still asks",
        "alice approves over HTTP",
        "1.2.0-errors is stopped in test",
        "answered 1.0.0, answers 1.1.0 now",
        "1.3.0-subtle passed dev, test and staging",
        "1.3.0-subtle is caught at",
        "nobody meets 1.3.0-subtle now: 0 of the next",
        "production lets 1.3.0-subtle in no more",
        "their hash chain intact",
    ):
        assert any(promised in claim for claim in claims), claims
    assert sum("the ramp goes on from" in claim for claim in claims) == 2, claims


@pytest.mark.timeout(420)
def test_users_meet_the_sound_build_wholly_and_the_harmful_one_no_more(told: dict[str, Any]) -> None:
    shares = {
        version: [move["share"] for move in told["ramps"] if move["version"] == version] for version in (GOOD, SUBTLE)
    }
    assert shares[GOOD][0] == 0.1 and shares[GOOD][-1] == 1
    assert shares[SUBTLE][-1] == 0
    instead, users = told["all_at_once"], told["users"]
    assert 0 < instead["bad"] < instead["requests"] * instead["error_rate"]
    assert set(users["requests"]) >= {"1.0.0", GOOD, SUBTLE}
    assert {each["after"] for each in told["environments"] if each["environment"] == "production"} == {GOOD}
