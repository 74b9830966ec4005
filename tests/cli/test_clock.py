"""`slipway clock`: letting time pass in a laptop system whose clock stands."""

import json
from pathlib import Path

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
    words = "the clock is the machine's own; start the host with --virtual-time"
    server.on("POST /admin/clock", (409, {"Message": words}))
    result = slipway("clock", "1h")
    assert result.exit_code == 1
    assert "slipway run --virtual-time" in result.stderr


def test_why_time_stands_is_said_in_the_hosts_words(slipway: Slipway, server: ApiServer) -> None:
    server.on("POST /admin/clock", (503, {"Message": "https://localhost:7443/standin/clock does not answer"}))
    result = slipway("clock", "1h")
    assert result.exit_code == 1
    assert "7443/standin/clock does not answer" in result.stderr and "NOT_MOVED" in result.stderr


@pytest.mark.parametrize("options", [("--starts-at", "2026-11-30T08:00"), ("--virtual-time", "--users", "100")])
def test_what_does_not_go_with_the_clock_is_wrong_usage(slipway: Slipway, options: tuple[str, ...]) -> None:
    result = slipway("run", *options)
    assert result.exit_code == 2
    assert "clock stands" in result.stderr


def test_a_folder_that_has_a_time_does_not_start_at_another(slipway: Slipway, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "functions.sqlite").touch()
    result = slipway("run", "--virtual-time", "--starts-at", "2026-11-30T08:00", "--state", str(tmp_path / "kept"))
    assert result.exit_code == 2
    assert "has a time of its own already" in " ".join(result.stderr.split())


def test_what_is_no_duration_is_wrong_usage(slipway: Slipway) -> None:
    result = slipway("clock", "soon")
    assert result.exit_code == 2
    assert '"soon" is not a duration' in result.stderr


def test_azure_has_no_clock_to_move(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_URL", "https://slipway.example")
    result = slipway("clock", "1h")
    assert result.exit_code == 2
    assert "is no laptop system" in result.stderr
