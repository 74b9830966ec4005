"""What goes wrong over HTTP has a status and a code, and says nothing of our insides."""

import pytest

from slipway.adapters.rows import Rows
from slipway.settings import settings
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.triggers.conftest import ALICE, TABLES_DOWN, a_message, intake

pytestmark = pytest.mark.usefixtures("configured")

COMMANDS = "/api/promotions/x/commands"


def test_a_problem_says_what_where_and_which(app: AppHost) -> None:
    reply = app.http("GET", "/api/promotions/nothing--1?secret=1", ALICE)
    assert reply.problem == (404, "UNKNOWN_PROMOTION")
    assert reply.json == {
        "type": "urn:slipway:problem:unknown-promotion",
        "title": "Unknown promotion",
        "status": 404,
        "code": "UNKNOWN_PROMOTION",
        "detail": "there is no promotion nothing--1",
        "instance": "/api/promotions/nothing--1",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("POST", COMMANDS, b"{", (400, "NOT_JSON")),
        ("POST", COMMANDS, b"", (400, "NOT_JSON")),
        ("POST", COMMANDS, b"\xff", (400, "NOT_JSON")),
        ("POST", COMMANDS, b"[]", (422, "INVALID_BODY")),
        ("POST", COMMANDS, b'{"command": "abort", "extra": 1}', (422, "INVALID_BODY")),
        ("POST", COMMANDS, b'{"command": 1}', (422, "INVALID_BODY")),
        ("POST", COMMANDS, b"x" * 262_145, (413, "TOO_LARGE")),
        ("POST", COMMANDS, b'{"command": "abort"}', (404, "UNKNOWN_PROMOTION")),
        ("POST", "/api/promotions/x/stages/y/approval", b'{"decision": "perhaps"}', (422, "INVALID_BODY")),
        ("POST", "/api/builds", b"x" * 262_145, (413, "TOO_LARGE")),
        ("POST", "/api/builds", b"[]", (422, "UNKNOWN_SHAPE")),
        ("POST", "/api/builds", b"{", (400, "NOT_JSON")),
        ("POST", "/api/intents", b'{"kind": "freeze"}', (422, "INVALID_BODY")),
        ("DELETE", "/api/intents/x", None, (404, "UNKNOWN_INTENT")),
        ("DELETE", "/api/intents/test.checkout.none", None, (404, "UNKNOWN_INTENT")),
        ("GET", "/api/promotions?top=0", None, (422, "INVALID_QUERY")),
        ("GET", "/api/promotions?top=101", None, (422, "INVALID_QUERY")),
        ("GET", "/api/promotions?top=%C2%B2", None, (422, "INVALID_QUERY")),
        ("GET", "/api/environments/mars/services/checkout", None, (404, "UNKNOWN_ENVIRONMENT")),
        ("GET", "/api/environments/test/services/nobody", None, (404, "UNKNOWN_SERVICE")),
        ("GET", "/api/promotions/x/audit", None, (404, "UNKNOWN_PROMOTION")),
    ],
)
def test_requests_that_cannot_be_used_are_named(
    app: AppHost, method: str, path: str, body: bytes | None, problem: tuple[int, str]
) -> None:
    assert app.http(method, path, ALICE, body).problem == problem


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"service": "nobody"}, (422, "UNKNOWN_SERVICE")),
        ({"version": "1/2"}, (422, "INVALID_BUILD")),
        ({"version": "1.ü"}, (422, "INVALID_BUILD")),
        ({"branch": "feature/x"}, (422, "BRANCH_NOT_PROMOTED")),
        ({"result": "failed"}, (422, "BUILD_NOT_SUCCEEDED")),
        ({"finished_at": "2099-01-01T00:00:00Z"}, (422, "FINISHED_IN_THE_FUTURE")),
    ],
)
def test_a_build_that_would_not_be_promoted_is_refused_at_once(
    app: AppHost, version: str, changes: dict[str, str], problem: tuple[int, str]
) -> None:
    assert app.http("POST", "/api/builds", ALICE, a_message(**{"version": version, **changes})).problem == problem
    assert intake(f"checkout--{version}") == {}


def test_a_version_that_is_another_artifact_is_a_conflict(app: AppHost, version: str) -> None:
    app.deliver(a_message(version, commit="aaaaaaa"))
    reply = app.http("POST", "/api/builds", ALICE, a_message(version, commit="bbbbbbb"))
    assert reply.problem == (409, "VERSION_REUSED")


def test_while_azure_is_away_the_answer_is_503_and_says_so(app: AppHost, azure: AzureStandin) -> None:
    for path in ("/api/promotions", "/api/promotions/checkout--9", "/api/environments"):
        azure.fault("GET", "/tables/", **TABLES_DOWN)
        reply = app.http("GET", path, ALICE)
        assert reply.problem == (503, "AZURE_UNAVAILABLE"), path
        azure.forget_faults()
    azure.fault("GET", "/tables/", **{**TABLES_DOWN, "times": 8})  # two checks ask them
    health = app.http("GET", "/api/health")
    assert (health.status, health.json["status"]) == (503, "ill")
    assert health.json["checks"]["tables"] == "AzureProblem"


def test_an_error_that_nobody_foresaw_is_500_and_tells_nothing_of_it(app: AppHost, version: str) -> None:
    promotion = f"checkout--{version}"
    app.deliver(a_message(version))
    Rows("promotions").upsert(promotion, "promotion", {"rev": 1, "doc": '{"secret": "hunter2'}, merge=False)
    reply = app.http("GET", f"/api/promotions/{promotion}", ALICE)
    assert reply.problem == (500, "UNEXPECTED")
    assert "hunter2" not in reply.text and "JSON" not in reply.text and "Traceback" not in reply.text


def test_a_setting_that_is_missing_is_500_and_named(app: AppHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLIPWAY_TABLES_ENDPOINT")
    settings.cache_clear()
    assert app.http("GET", "/api/promotions", ALICE).problem == (500, "SETTING_MISSING")


@pytest.mark.parametrize("name", ["..", "a|b", "a'b", "x" * 600])
def test_an_id_that_no_promotion_can_have_is_just_not_there(app: AppHost, name: str) -> None:
    assert app.http("GET", f"/api/promotions/{name}", ALICE).problem == (404, "UNKNOWN_PROMOTION")
    assert app.http("POST", f"/api/promotions/{name}/commands", ALICE, {"command": "abort"}).problem[0] == 404
