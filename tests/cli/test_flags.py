"""`slipway flags`: who has a flag, which are stale, and the kill switch."""

from typing import Any

from tests.cli.api_server import ApiServer
from tests.cli.builders import a_problem, at
from tests.cli.conftest import Slipway


def a_flag(name: str, **more: Any) -> dict[str, Any]:
    known = {"label": "production", "share": 0.25, "owner": "team-checkout", "expires": "2027-03-01"}
    return {"name": name, **known, "changed_at": at(600), "services": ["checkout"], "off": "", "stale": [], **more}


def test_flags_are_listed_with_who_has_them_and_what_is_wrong(slipway: Slipway, server: ApiServer) -> None:
    odd = a_flag("old-search", share=None, owner="", stale=["has no owner", "no pipeline knows it"])
    server.on("GET /api/flags", (200, {"flags": [a_flag("new-checkout", off="Alice: it hurts"), odd]}))
    result = slipway("flags", "list")
    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stdout.split())
    for words in ("new-checkout", "25 %", "team-checkout", "2027-03-01", "switched off by Alice: it hurts"):
        assert words in said, result.stdout
    assert "old-search (production): has no owner; no pipeline knows it" in said


def test_no_stale_flag_is_said(slipway: Slipway, server: ApiServer) -> None:
    server.on("GET /api/flags/stale", (200, {"flags": []}))
    assert slipway("flags", "stale").stdout.strip() == "No flag is stale."


def test_the_kill_switch_says_how_fast_it_was_and_how_to_lift_it(slipway: Slipway, server: ApiServer) -> None:
    answered = {"words": "Alice switches new-checkout off", "took_ms": 31, "flag": a_flag("new-checkout", share=0)}
    server.on("POST /api/flags/new-checkout/off", (200, answered))
    result = slipway("flags", "off", "new-checkout", "--reason", "orders are lost", "--label", "production")
    assert result.exit_code == 0, result.stderr
    assert server.heard[-1][2] == {"reason": "orders are lost", "label": "production"}
    assert "in 31 ms" in result.stdout and "slipway flags lift new-checkout --label production" in result.stdout
    server.on("DELETE /api/flags/new-checkout/off", (200, answered))
    assert slipway("flags", "lift", "new-checkout", "--label", "production").exit_code == 0
    assert server.heard[-1][1] == {"label": "production"}


def test_a_kill_switch_without_a_reason_is_wrong_usage(slipway: Slipway) -> None:
    assert slipway("flags", "off", "new-checkout").exit_code == 2


def test_a_flag_that_is_not_there_is_not_found(slipway: Slipway, server: ApiServer) -> None:
    server.on("POST /api/flags/x/off", (404, a_problem("UNKNOWN_FLAG", 404, "there is no flag x")))
    result = slipway("flags", "off", "x", "--reason", "y")
    assert result.exit_code == 4 and "there is no flag x" in result.stderr
