"""`slipway clock`: letting time pass in a laptop system whose clock stands."""

import json

import pytest

from tests.cli.api_server import ApiServer
from tests.cli.conftest import Slipway

CLOCK = {"now": "2026-11-24T20:00:00+00:00", "nextDue": None, "virtual": True, "idle": True}


def test_it_lets_so_much_time_pass_and_says_what_time_it_is(slipway: Slipway, server: ApiServer) -> None:
    server.on("POST /admin/clock", (200, CLOCK))
    result = slipway("clock", "8h")
    assert result.exit_code == 0
    assert server.heard == [("POST /admin/clock", {}, {"advance": 8 * 3600})]
    assert "2026-11-24 20:00:00 UTC; the clock stands" in result.stdout


def test_without_a_time_it_only_looks(slipway: Slipway, server: ApiServer) -> None:
    server.on("GET /admin/clock", (200, {**CLOCK, "virtual": False}))
    result = slipway("clock", "--json")
    assert json.loads(result.stdout)["virtual"] is False


def test_a_clock_that_runs_by_itself_is_not_moved(slipway: Slipway, server: ApiServer) -> None:
    server.on("POST /admin/clock", (409, {"Message": "the clock is the machine's own"}))
    result = slipway("clock", "1h")
    assert result.exit_code == 1
    assert "slipway run --virtual-time" in result.stderr


def test_what_is_no_duration_is_wrong_usage(slipway: Slipway) -> None:
    result = slipway("clock", "soon")
    assert result.exit_code == 2
    assert '"soon" is not a duration' in result.stderr


def test_azure_has_no_clock_to_move(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_URL", "https://slipway.example")
    result = slipway("clock", "1h")
    assert result.exit_code == 2
    assert "is no laptop system" in result.stderr
