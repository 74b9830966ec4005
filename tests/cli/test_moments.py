"""Words of the server with moments in them, as a person reads them."""

import pytest

from slipway.cli.moments import spoken
from tests.cli.api_server import ApiServer
from tests.cli.builders import NOW, a_problem, a_promotion, a_stage, a_step
from tests.cli.conftest import Slipway
from tests.cli.test_live_tree import shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("held until 2026-03-02T18:24:41.705885Z: sale", "held until 18:24 UTC: sale"),
        ("nobody decided before 2026-03-05T07:24:41+00:00", "nobody decided before 2026-03-05 07:24 UTC"),
        ("from 2026-03-02T11:00:00+02:00 on", "from 09:00 UTC on"),
        ("from 2026-03-02T11:00Z to 2026-03-02T12:00Z", "from 11:00 UTC to 12:00 UTC"),
        ("the 2026-02-31T11:00:00Z that never comes", "the 2026-02-31T11:00:00Z that never comes"),
        ("checkout--2026-03-02T11 and 2026-03-02", "checkout--2026-03-02T11 and 2026-03-02"),
    ],
)
def test_moments_are_written_as_everywhere_else(words: str, said: str) -> None:
    assert spoken(words, NOW) == said


ODD = "2999-01-02T07:24:41.705885Z"
USUAL = "2999-01-02 07:24 UTC"


@pytest.mark.parametrize(
    ("command", "request_line", "reply"),
    [
        (
            ("hold", "test", "checkout", "--reason", "x"),
            "POST /api/intents",
            (201, {"id": "i", "words": f"until {ODD}: x"}),
        ),
        (("pause", "checkout--1"), "POST /api/promotions/checkout--1/commands", (200, {"words": f"until {ODD}"})),
        (("submit", "checkout", "1"), "POST /api/builds", (422, a_problem("FUTURE", 422, f"finished_at {ODD}"))),
    ],
)
def test_what_a_command_says_has_the_usual_moments(
    slipway: Slipway, server: ApiServer, command: tuple[str, ...], request_line: str, reply: tuple[int, object]
) -> None:
    server.on(request_line, reply)
    words = slipway(*command).output
    assert USUAL in words and ODD not in words
    assert ODD in slipway(*command, "--json").stdout


def test_a_tree_has_the_usual_moments() -> None:
    nobody = f"nobody decided before {ODD}"
    late = a_stage("test", "cancelled", words=nobody, steps=[a_step("bake", "failed", words=f"over at {ODD}")])
    page = shown(a_promotion(late, state="cancelled", words=f"why: {nobody} "), 120)
    assert ODD not in page
    assert page.count(USUAL) == 1
    watched = shown(a_promotion(a_stage("dev", "failed", words=nobody, steps=late["steps"]), state="failed"), 120)
    assert ODD not in watched
    assert watched.count(USUAL) == 2


def test_a_watch_in_a_pipe_has_the_usual_moments(slipway: Slipway, server: ApiServer) -> None:
    late = a_stage("test", "cancelled", words=f"nobody decided before {ODD}")
    server.on("GET /api/promotions/checkout--1.1.0", (200, a_promotion(late, state="cancelled", words=f"before {ODD}")))
    page = slipway("status", "checkout--1.1.0", "--watch").stdout
    assert ODD not in page
    assert page.count(USUAL) == 2
