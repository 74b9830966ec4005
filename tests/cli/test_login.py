"""Signing in on the laptop, and what happens with the token afterwards."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.cli.state_folder import RunFile, write_private
from tests.cli.api_server import ApiServer, serving
from tests.cli.conftest import Slipway

TOKEN = "POST /tenant/oauth2/v2.0/token"


@pytest.fixture
def laptop(server: ApiServer, tmp_path: Path, slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> Slipway:
    """A folder in which a laptop system runs, whose issuer and API is the server. Nobody is signed in."""
    monkeypatch.delenv("SLIPWAY_URL")
    monkeypatch.delenv("SLIPWAY_TOKEN")
    runs_at(server, tmp_path)
    return slipway


def runs_at(server: ApiServer, folder: Path) -> None:
    """Let the system of the folder be that server."""
    issuer = f"{server.url}/tenant/v2.0"
    server.on(
        "GET /tenant/v2.0/.well-known/openid-configuration",
        (200, {"token_endpoint": f"{server.url}/tenant/oauth2/v2.0/token"}),
    )
    server.on(TOKEN, (200, {"access_token": "the-token", "token_type": "Bearer", "expires_in": 3600}))
    server.on("GET /api/promotions", (200, {"promotions": [], "after": None}))
    run = RunFile(
        url=server.url, issuer=issuer, ca="", tenant="tenant", servicebus="", people=["alice", "bob"], pids={}, ports={}
    )
    write_private(folder / ".slipway" / "run.json", run)


def test_login_keeps_a_token_that_later_commands_send(laptop: Slipway, server: ApiServer) -> None:
    assert laptop("login", "--as", "alice").exit_code == 0
    sent = {"grant_type": "password", "client_id": "slipway", "username": "alice"}
    assert (TOKEN, {}, sent) in server.heard
    assert laptop("list").exit_code == 0
    assert server.headers[-1]["Authorization"] == "Bearer the-token"


def test_the_token_is_for_its_owners_eyes_only(laptop: Slipway, tmp_path: Path) -> None:
    result = laptop("login", "--as", "alice", "--json")
    kept = tmp_path / ".slipway" / "login.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "the-token" not in result.output
    assert json.loads(result.stdout)["person"] == "alice"


def test_a_folder_below_finds_the_same_system_and_login(
    laptop: Slipway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop("login", "--as", "alice")
    (tmp_path / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "down")
    assert laptop("list").exit_code == 0


def test_a_token_made_for_one_address_is_not_sent_to_another(laptop: Slipway) -> None:
    laptop("login", "--as", "alice")
    with serving() as another:
        result = laptop("list", "--url", another.url)
    assert result.exit_code == 3
    assert f"not to {another.url}" in result.stderr
    assert ["Authorization" in headers for headers in another.headers] == [False], "one look, without the token"


def test_a_login_that_the_server_does_not_accept_says_who_has_to_renew_it(laptop: Slipway, server: ApiServer) -> None:
    laptop("login", "--as", "alice")
    server.on("GET /api/promotions", (401, "401 Unauthorized"))
    result = laptop("list")
    assert result.exit_code == 3
    assert "does not accept the token" in result.stderr
    assert "`slipway login --as alice` renews it" in result.stderr


def test_a_login_goes_along_when_the_system_of_its_folder_comes_back_on_other_ports(
    laptop: Slipway, server: ApiServer, tmp_path: Path
) -> None:
    laptop("login", "--as", "alice")
    with serving() as again:
        runs_at(again, tmp_path)
        again.on(TOKEN, (200, {"access_token": "the-next-token", "token_type": "Bearer", "expires_in": 3600}))
        assert laptop("list").exit_code == 0
        assert laptop("list").exit_code == 0
    tokens = [headers["Authorization"] for headers in again.headers if "Authorization" in headers]
    assert tokens == ["Bearer the-next-token"] * 2
    assert [body for asked, _, body in again.heard if asked == TOKEN] == [
        {"grant_type": "password", "client_id": "slipway", "username": "alice"}
    ]


def test_a_login_to_another_address_does_not_go_along(laptop: Slipway, tmp_path: Path) -> None:
    with serving() as elsewhere, serving() as again:
        laptop("login", "--as", "alice", "--url", elsewhere.url)
        runs_at(again, tmp_path)
        result = laptop("list")
    assert result.exit_code == 3
    assert f"alice is signed in to {elsewhere.url}, not to {again.url}" in result.stderr


def test_a_person_who_is_not_known_is_named(laptop: Slipway, server: ApiServer) -> None:
    server.on(TOKEN, (400, {"error": "invalid_grant"}))
    result = laptop("login", "--as", "nora")
    assert result.exit_code == 3
    assert "'nora'" in result.stderr
    assert "there are alice, bob, see examples/people.yaml" in result.stderr


def test_a_login_that_has_ended_says_how_to_renew_it(laptop: Slipway, server: ApiServer) -> None:
    server.on(TOKEN, (200, {"access_token": "the-token", "expires_in": 0}))
    laptop("login", "--as", "alice")
    result = laptop("list")
    assert result.exit_code == 3
    assert "slipway login --as alice" in result.stderr


def test_without_a_person_it_says_what_to_do_in_azure(slipway: Slipway) -> None:
    result = slipway("login")
    assert result.exit_code == 3
    assert "az account get-access-token" in result.stderr
    assert "SLIPWAY_TOKEN" in result.stderr


def test_where_no_system_runs_login_says_how_to_start_one(
    slipway: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLIPWAY_URL")
    result = slipway("login", "--as", "alice")
    assert result.exit_code == 5  # type: ignore[attr-defined]
    assert "slipway run" in result.stderr  # type: ignore[attr-defined]
