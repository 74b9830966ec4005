"""`slipway releases`: what was live, and how it ended."""

import json
from typing import Any

from tests.cli.api_server import ApiServer
from tests.cli.builders import a_problem, at
from tests.cli.conftest import Slipway

SERVICE = "GET /api/environments/production/services/checkout"


def a_release(version: str, state: str, since_s: float, until_s: float | None = None, **more: Any) -> dict[str, Any]:
    moments = {"since": at(since_s), "until": "" if until_s is None else at(until_s), "back_since": ""}
    return {"version": version, "state": state, **moments, "replaced_by": "", "by": "", "words": "", **more}


def test_releases_are_listed_with_how_long_they_were_live_and_how_they_ended(
    slipway: Slipway, server: ApiServer
) -> None:
    releases = [
        a_release("1.3.0", "undone", 600, 540, by="slipway", code="UNHEALTHY", words="it answers 503"),
        a_release("1.2.0", "proven", 7200, back_since=at(540)),
        a_release("1.1.0", "rolled back", 9000, 7300, by="Alice Adams", words="customers complain"),
        a_release("1.0.0", "replaced", 90000, 9000, replaced_by="1.1.0"),
    ]
    server.on(SERVICE, (200, {"releases": releases, "after": "000000000000001-9999999995"}))
    result = slipway("releases", "production", "checkout", "--top", "4")
    assert result.exit_code == 0, result.stderr
    for words in ("1.3.0", "↩ undone", "it answers 503", "Alice Adams: customers complain", "by 1.1.0", "serves again"):
        assert words in " ".join(result.stdout.split()), result.stdout
    assert "1 min 00 s" in result.stdout
    assert "slipway releases production checkout --after 000000000000001-9999999995" in result.stdout
    assert server.heard[0][1] == {"top": "4"}


def test_releases_for_a_script_are_the_apis_own(slipway: Slipway, server: ApiServer) -> None:
    releases = [a_release("1.0.0", "proven", 60, commit="c0ffee", digest="sha256:1")]
    server.on(SERVICE, (200, {"service": "checkout", "releases": releases, "after": None}))
    result = slipway("releases", "production", "checkout", "--json")
    assert json.loads(result.stdout) == {"releases": releases, "after": None}


def test_a_place_where_nothing_was_released_is_not_found(slipway: Slipway, server: ApiServer) -> None:
    server.on(SERVICE, (404, a_problem("UNKNOWN_ENVIRONMENT", 404, "nothing of checkout has been promoted there")))
    result = slipway("releases", "production", "checkout")
    assert result.exit_code == 4 and "nothing of checkout" in result.stderr
