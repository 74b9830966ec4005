"""The approval card on the terminal, and votes by a link."""

import json

import pytest
from typer.testing import CliRunner

from slipway.cli.main import app
from tests.cli.api_server import ApiServer
from tests.cli.builders import at, waiting_for_approval
from tests.cli.conftest import Slipway

PROMOTION = "GET /api/promotions/checkout--1.1.0"
PLACE = "/api/promotions/checkout--1.1.0/stages/production/approval"
TEXT = f"checkout 1.1.0: may it go to production?\nchanges\n- 1.0.0 to 1.1.0\nasked\n- 1 of role:qa; until {at(-3600)}"
CARD = {"stage": "production", "gate": "start", "text": TEXT, "seal": "a" * 64, "more": "of a newer server"}
COUNTED = (200, {"decision": "approved", "votes": 1, "at_least": 1, "words": "production is approved"})
LINK = f"https://slipway.example{PLACE}#abc.def"


def test_show_prints_the_servers_own_words(slipway: Slipway, server: ApiServer) -> None:
    server.on(PROMOTION, (200, waiting_for_approval()))
    server.on(f"GET {PLACE}", (200, CARD), (200, CARD))
    printed = slipway("show", "checkout--1.1.0").stdout
    assert printed.startswith("checkout 1.1.0: may it go to production?\nchanges\n- 1.0.0 to 1.1.0\n")
    assert "- 1 of role:qa; until" in printed and "T11" not in printed, "moments as everywhere on the terminal"
    assert json.loads(slipway("show", "checkout--1.1.0", "production", "--json").stdout) == CARD


def test_what_others_wrote_moves_no_cursor(slipway: Slipway, server: ApiServer) -> None:
    server.on(f"GET {PLACE}", (200, CARD | {"text": "title\nchanges\n- \x1b[2J by mallory"}))
    assert "\x1b" not in slipway("show", "checkout--1.1.0", "production").stdout


@pytest.mark.parametrize(("said", "votes"), [("y\n", 1), ("n\n", 0), ("", 0)])
def test_on_a_terminal_the_card_is_read_before_the_yes(
    slipway: Slipway, server: ApiServer, monkeypatch: pytest.MonkeyPatch, said: str, votes: int
) -> None:
    monkeypatch.setattr("slipway.cli.decide.at_a_terminal", lambda: True)
    server.on(PROMOTION, (200, waiting_for_approval()))
    server.on(f"GET {PLACE}", (200, CARD))
    server.on(f"POST {PLACE}", COUNTED)
    result = CliRunner().invoke(app, ["approve", "checkout--1.1.0"], input=said)
    assert "may it go to production?" in result.stdout
    sent = [body for asked, _, body in server.heard if asked == f"POST {PLACE}"]
    assert len(sent) == votes and all(body["seal"] == CARD["seal"] for body in sent)
    assert (result.exit_code == 0) == bool(votes)


def test_a_link_votes_at_our_own_slipway_and_not_where_it_points(slipway: Slipway, server: ApiServer) -> None:
    server.on(f"POST {PLACE}", COUNTED)
    assert slipway("approve", LINK).exit_code == 0
    ((asked, _, body),) = server.heard
    assert asked == f"POST {PLACE}" and body["link"] == "abc.def" and "seal" not in body


@pytest.mark.parametrize(
    "link",
    [
        f"https://slipway.example{PLACE}",
        "https://slipway.example/api/promotions/checkout--1.1.0#abc.def",
        "https://slipway.example/#abc",
        "javascript://slipway.example/#abc",
    ],
)
def test_what_is_no_link_is_not_followed(slipway: Slipway, server: ApiServer, link: str) -> None:
    assert slipway("approve", link).exit_code == 2 and not server.heard


def test_a_link_for_another_stage_than_the_one_named_is_refused(slipway: Slipway, server: ApiServer) -> None:
    assert slipway("approve", LINK, "staging").exit_code == 2 and not server.heard
