"""Who may ask what: the principal that the platform vouches for, and nothing else."""

from typing import Any

import pytest

from slipway.settings import settings
from tests.app_host import ALICE_OID, AUDIENCE, TENANT, AppHost, a_principal, raw_principal
from tests.triggers.conftest import ALICE, ERIN

pytestmark = pytest.mark.usefixtures("configured")

LIST = "/api/promotions"
OID = {"typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": ALICE_OID}
TID = {"typ": "http://schemas.microsoft.com/identity/claims/tenantid", "val": TENANT}
AUD = {"typ": "aud", "val": AUDIENCE}
ABORT = {"command": "abort"}


@pytest.mark.parametrize("switch", ["False", None])
def test_while_the_platforms_authentication_is_off_no_header_counts(
    app: AppHost, monkeypatch: pytest.MonkeyPatch, switch: str | None
) -> None:
    if switch is None:
        monkeypatch.delenv("WEBSITE_AUTH_ENABLED")
    else:
        monkeypatch.setenv("WEBSITE_AUTH_ENABLED", switch)
    settings.cache_clear()
    everything = a_principal(roles=("admin",))
    assert app.http("GET", LIST, everything).problem == (401, "AUTHENTICATION_OFF")
    assert app.http("POST", "/api/builds", everything, b"{}").problem == (401, "AUTHENTICATION_OFF")
    health = app.http("GET", "/api/health")
    assert health.status == 503 and "authentication is off" in health.json["checks"]["authentication"]


def test_without_a_sign_in_only_health_answers(app: AppHost) -> None:
    assert app.http("GET", "/api/health").status == 200
    for method, path in (
        ("GET", LIST),
        ("GET", "/api/promotions/x"),
        ("GET", "/api/promotions/x/audit"),
        ("GET", "/api/environments"),
        ("GET", "/api/environments/test/services/checkout"),
        ("POST", "/api/builds"),
        ("POST", "/api/promotions/x/commands"),
        ("POST", "/api/promotions/x/stages/y/approval"),
        ("POST", "/api/intents"),
        ("DELETE", "/api/intents/a.b.c"),
    ):
        reply = app.http(method, path)
        assert reply.problem == (401, "NOT_SIGNED_IN"), path
        assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        {"X-MS-CLIENT-PRINCIPAL": "not base64!"},
        {"X-MS-CLIENT-PRINCIPAL": ""},
        raw_principal(b"\xff\xfe"),
        raw_principal(b"{"),
        raw_principal([]),
        raw_principal("admin"),
        raw_principal({}),
        raw_principal({"auth_typ": "aad"}),
        raw_principal({"auth_typ": "aad", "claims": None}),
        raw_principal({"auth_typ": "aad", "claims": [1]}),
        raw_principal({"auth_typ": "aad", "claims": [{"typ": "roles"}]}),
        raw_principal({"auth_typ": "github", "claims": [OID, TID, AUD]}),
        raw_principal({"auth_typ": "aad", "claims": [TID, AUD, {"typ": "roles", "val": "admin"}]}),
    ],
)
def test_a_principal_that_cannot_be_read_is_nobody(app: AppHost, header: dict[str, str]) -> None:
    assert app.http("GET", LIST, header).problem == (401, "NOT_SIGNED_IN")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"tid": "another"}, "WRONG_TENANT"),
        ({"tid": None}, "WRONG_TENANT"),
        ({"aud": "another"}, "WRONG_AUDIENCE"),
        ({"aud": None}, "WRONG_AUDIENCE"),
        ({"oid": None}, "NOT_SIGNED_IN"),
    ],
)
def test_a_sign_in_for_somewhere_else_is_refused(app: AppHost, claims: dict[str, Any], code: str) -> None:
    assert app.http("GET", LIST, a_principal(roles=("admin",), **claims)).problem == (401, code)


@pytest.mark.parametrize("role", ["reader", "operator", "approver", "admin"])
def test_every_role_may_read(app: AppHost, role: str) -> None:
    assert app.http("GET", LIST, a_principal(roles=(role,))).status == 200


@pytest.mark.parametrize("roles", [(), ("release-manager",), ("Reader",), ("readers",)])
def test_whoever_holds_no_role_of_ours_may_not_even_read(app: AppHost, roles: tuple[str, ...]) -> None:
    reply = app.http("GET", LIST, a_principal(roles=roles))
    assert reply.problem == (403, "FORBIDDEN")
    assert "Alice Adams needs the role" in reply.json["detail"]


def test_what_changes_something_needs_its_role_and_admin_holds_them_all(app: AppHost) -> None:
    for path, body in (("/api/builds", {}), ("/api/promotions/x/commands", ABORT), ("/api/intents", {})):
        assert app.http("POST", path, ERIN, body).problem == (403, "FORBIDDEN"), path
        assert app.http("POST", path, a_principal(roles=("approver",)), body).problem == (403, "FORBIDDEN"), path
        assert app.http("POST", path, a_principal(roles=("admin",)), body).status != 403, path
    vote, approval = {"decision": "approve"}, "/api/promotions/x/stages/test/approval"
    assert app.http("POST", approval, a_principal(roles=("operator",)), vote).problem == (403, "FORBIDDEN")
    assert app.http("POST", approval, ALICE, vote).problem == (404, "UNKNOWN_PROMOTION")
    assert app.http("POST", approval, a_principal(roles=("admin",)), vote).problem == (404, "UNKNOWN_PROMOTION")
    assert app.http("DELETE", "/api/intents/a.b.c", ERIN).problem == (403, "FORBIDDEN")


def test_roles_are_those_claims_that_the_principal_names_as_roles(app: AppHost) -> None:
    said = {"typ": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "val": "reader"}
    principal = {"auth_typ": "aad", "role_typ": said["typ"], "claims": [OID, TID, AUD, said]}
    assert app.http("GET", LIST, raw_principal(principal)).status == 200
    principal["role_typ"] = "something else"
    assert app.http("GET", LIST, raw_principal(principal)).problem == (403, "FORBIDDEN")


def test_nothing_but_the_principal_makes_anybody_somebody(app: AppHost) -> None:
    for headers in (
        {"Authorization": "Bearer x.y.z"},
        {"X-MS-CLIENT-PRINCIPAL-ID": ALICE_OID},
        {"x-functions-key": "k"},
    ):
        assert app.http("GET", LIST + "?role=admin&code=k", headers).problem == (401, "NOT_SIGNED_IN")
