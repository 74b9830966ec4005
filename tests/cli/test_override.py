"""An override on the terminal: asked for, shown, and confirmed by what was read."""

from slipway.cli.api_answers import Promotion
from slipway.cli.live_tree import plain
from tests.cli.api_server import ApiServer
from tests.cli.builders import NOW, a_promotion, a_stage, at
from tests.cli.conftest import Slipway

PLACE = "/api/promotions/checkout--1.1.0/stages/production/override"
ASKED = {
    **{"id": "o1", "gates": ["sarif"], "reason": "the till is down", "by": "Alice", "at": at(60)},
    **{"until": at(-3600), "confirmed_by": "", "confirmed_at": ""},
}


def shown(**changes: object) -> dict[str, object]:
    skipped = {"name": "sarif", "kind": "sarif", "outcome": "passed", "code": "GATE_OVERRIDDEN"}
    gate = {**skipped, "words": "skipped by Alice and Erin: the till is down"}
    return a_promotion(a_stage("production", "checking gates", override=ASKED | changes, gates=[gate]))


def test_an_override_is_asked_for_and_names_the_next_command(slipway: Slipway, server: ApiServer) -> None:
    server.on(f"POST {PLACE}", (200, {"id": "o1", "words": "another person has to confirm"}))
    asked = ("override", "checkout--1.1.0", "production", "--gates", "sarif, coverage", "--reason", "the till is down")
    result = slipway(*asked, "--for", "2h")
    assert result.exit_code == 0 and "slipway confirm-override checkout--1.1.0 production" in result.stdout
    body = server.heard[-1][2]
    assert (body["gates"], body["for"], body["reason"]) == (["sarif", "coverage"], "2h", "the till is down")
    assert slipway(*asked[:3], "--gates", " , ", "--reason", "x").exit_code == 2
    assert slipway(*asked[:5]).exit_code == 2, "without a reason"


def test_what_is_confirmed_is_what_the_server_has(slipway: Slipway, server: ApiServer) -> None:
    server.on("GET /api/promotions/checkout--1.1.0", (200, shown()))
    server.on(f"POST {PLACE}/confirm", (200, {"id": "o1", "words": "skipped by Alice and Erin"}))
    assert "skipped by Alice and Erin" in slipway("confirm-override", "checkout--1.1.0", "production").stdout
    assert server.heard[-1][2]["id"] == "o1"


def test_where_nobody_asks_there_is_nothing_to_confirm(slipway: Slipway, server: ApiServer) -> None:
    server.on("GET /api/promotions/checkout--1.1.0", (200, a_promotion(a_stage("production"))))
    result = slipway("confirm-override", "checkout--1.1.0", "production")
    assert result.exit_code != 0 and "NO_OVERRIDE" in result.stderr and len(server.heard) == 1


def test_a_skipped_gate_does_not_look_passed() -> None:
    page = " ".join(plain(Promotion.model_validate(shown(confirmed_by="Erin")), NOW, 160).split())
    assert "! override Alice skips sarif, confirmed by Erin, until" in page
    assert "gate sarif skipped by Alice and Erin: the till is down" in page and "✓ gate sarif" not in page
