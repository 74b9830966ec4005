"""What a script learns: one exit code a kind of failure, and with --json one document on standard output."""

import json
import re
import socket
from pathlib import Path

import jwt
import pytest

from tests.cli.api_server import ApiServer
from tests.cli.builders import a_problem, a_promotion, a_stage
from tests.cli.conftest import Slipway

LIST = "GET /api/promotions"


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "NOT_SIGNED_IN", 3),
        (403, "FORBIDDEN", 3),
        (404, "NOT_FOUND", 4),
        (409, "ALREADY_DECIDED", 1),
        (422, "INVALID_BUILD", 1),
        (500, "UNEXPECTED", 1),
    ],
)
def test_a_refusal_says_its_words_and_code(
    slipway: Slipway, server: ApiServer, status: int, code: str, exit_code: int
) -> None:
    server.on(LIST, (status, a_problem(code, status, "these are the words")))
    result = slipway("list")
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert "these are the words" in result.stderr
    assert code in result.stderr


def test_a_refusal_with_json_is_the_servers_problem_document(slipway: Slipway, server: ApiServer) -> None:
    problem = a_problem("FORBIDDEN", 403, "the role reader is missing")
    server.on(LIST, (403, problem))
    result = slipway("list", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout) == problem
    assert result.stderr == ""


def test_a_server_that_is_away_is_5_and_names_the_address(slipway: Slipway) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    result = slipway("list", "--url", url, "--json")
    assert result.exit_code == 5
    problem = json.loads(result.stdout)
    assert problem["code"] == "NOT_REACHABLE"
    assert url in problem["detail"]


@pytest.fixture
def nobody_there() -> str:
    """An address of this machine at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_no_login_is_advised_where_nothing_answers(
    slipway: Slipway, nobody_there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLIPWAY_TOKEN")
    result = slipway("list", "--url", nobody_there)
    assert result.exit_code == 5
    assert f"nothing answers at {nobody_there}" in result.stderr
    assert "`slipway run` starts a system" in result.stderr
    assert "slipway login" not in result.stderr


def test_a_token_that_is_not_accepted_is_said_so_and_which_it_is(slipway: Slipway, server: ApiServer) -> None:
    server.on(LIST, (401, "401 Unauthorized"))
    result = slipway("list")
    assert result.exit_code == 3
    assert f"{server.url} does not accept the token: it is wrong or has expired" in result.stderr
    assert "unset SLIPWAY_TOKEN, and `slipway login --as alice` signs in" in result.stderr
    assert "is that address a Slipway?" not in result.stderr
    problem = json.loads(slipway("list", "--json").stdout)
    assert (problem["code"], problem["status"]) == ("TOKEN_REFUSED", 401)


def test_against_azure_a_token_is_renewed_with_az(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_TOKEN", jwt.encode({"exp": 1_700_000_000}, "k" * 32))
    result = slipway("list", "--url", "https://slipway.example")
    assert result.exit_code == 3
    assert "set SLIPWAY_TOKEN to a new one, such as from `az account get-access-token" in result.stderr


def test_the_commands_own_problems_have_the_shape_of_the_apis(slipway: Slipway, server: ApiServer) -> None:
    server.on(LIST, (418, "I am a teapot"))
    for arguments, code, status in (
        (("list",), "HTTP_418", 418),
        (("status",), "USAGE", 400),
        (("list", "--url", "http://127.0.0.1:1"), "NOT_REACHABLE", 503),
    ):
        problem = json.loads(slipway(*arguments, "--json").stdout)
        assert problem.pop("detail")
        assert problem == {key: value for key, value in a_problem(code, status, "").items() if key in problem}
        assert list(problem) == ["type", "title", "status", "code"]


def test_a_gateway_without_slipway_behind_it_is_5(slipway: Slipway, server: ApiServer) -> None:
    server.on(LIST, (503, "<html>unavailable</html>"))
    assert slipway("list").exit_code == 5


def test_an_address_that_is_no_slipway_is_said_so(slipway: Slipway, server: ApiServer) -> None:
    server.on(LIST, (200, "<html>hello</html>"))
    result = slipway("list")
    assert result.exit_code == 1
    assert "is that address a Slipway?" in result.stderr


def test_an_answer_of_another_shape_names_the_field(slipway: Slipway, server: ApiServer) -> None:
    server.on(LIST, (200, {"promotions": [{"id": "checkout--1.1.0"}]}))
    result = slipway("list")
    assert result.exit_code == 1
    assert "promotions.0.service" in result.stderr


def test_without_a_token_it_says_how_to_sign_in(
    slipway: Slipway, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLIPWAY_TOKEN")
    result = slipway("list")
    assert result.exit_code == 3
    assert "slipway login --as" in result.stderr
    assert [asked for asked, _, _ in server.heard] == ["GET /api/health"]


def test_an_expired_token_is_not_even_sent(
    slipway: Slipway, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_TOKEN", jwt.encode({"exp": 1_700_000_000}, "k" * 32))
    result = slipway("list")
    assert result.exit_code == 3
    assert "the token ended at 2023-11-14 22:13 UTC; unset SLIPWAY_TOKEN" in result.stderr
    assert server.heard == []


def test_a_token_is_not_sent_in_the_clear_over_a_network(slipway: Slipway) -> None:
    result = slipway("list", "--url", "http://slipway.example")
    assert result.exit_code == 2
    assert "in the clear" in result.stderr


def test_wrong_usage_is_2_in_words_or_as_a_document(slipway: Slipway) -> None:
    spoken = slipway("status")
    assert spoken.exit_code == 2
    assert spoken.stdout == ""
    written = slipway("status", "--json")
    assert written.exit_code == 2
    assert json.loads(written.stdout)["code"] == "USAGE"


@pytest.mark.parametrize(("state", "exit_code"), [("passed", 0), ("failed", 6), ("cancelled", 6), ("broken", 6)])
def test_watching_ends_with_0_only_for_a_promotion_that_passed(
    slipway: Slipway, server: ApiServer, state: str, exit_code: int
) -> None:
    server.on("GET /api/promotions/checkout--1.1.0", (200, a_promotion(a_stage("dev", state), state=state)))
    for flag in ("--watch", "--wait"):
        assert slipway("status", "checkout--1.1.0", flag).exit_code == exit_code


def test_the_command_tells_its_version(slipway: Slipway) -> None:
    result = slipway("--version")
    assert result.exit_code == 0
    assert re.fullmatch(r"slipway \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        *[(command, "{ID} [STAGE]") for command in ("approve", "retry", "advance", "promote", "rollback")],
        ("lint", "{FILES}..."),
    ],
)
def test_the_usage_line_brackets_each_word_once(slipway: Slipway, command: str, usage: str) -> None:
    assert f"{command} [OPTIONS] {usage} " in " ".join(slipway(command, "--help").stdout.split())


def test_all_exit_codes_stand_in_the_help(slipway: Slipway) -> None:
    page = " ".join(slipway("--help").stdout.split())
    for words in ("0 ok", "1 refused", "2 wrong usage", "3 not signed in", "4 not found", "5 the server", "6 ", "7 "):
        assert words in page


def test_a_broken_pipeline_is_7(slipway: Slipway, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("service: shop\nownr: team\n")
    assert slipway("lint", str(file)).exit_code == 7
    assert slipway("plan", str(file)).exit_code == 7
