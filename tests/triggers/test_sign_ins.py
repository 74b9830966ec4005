"""Sign-ins of odd kinds: workloads, cookies, claims that are too many, twice, or left out; and roles of a place."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.people import taken_away
from slipway.adapters.read_model import list_promotion
from slipway.promotion.role_claims import Place
from slipway.settings import settings
from tests.app_host import ALICE_OID, AUDIENCE, BEARER, TENANT, AppHost, a_principal, raw_principal
from tests.triggers.conftest import BOB, ERIN, Underway

pytestmark = pytest.mark.usefixtures("configured")

LIST = "/api/promotions"
HEADER = "X-MS-CLIENT-PRINCIPAL"
OID = {"typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": ALICE_OID}
TID = {"typ": "http://schemas.microsoft.com/identity/claims/tenantid", "val": TENANT}
AUD = {"typ": "aud", "val": AUDIENCE}
ADMIN = {"typ": "roles", "val": "admin"}


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer  ", "Basic eDp5", "Negotiate x"])
def test_a_cookie_alone_changes_nothing(app: AppHost, authorization: str | None) -> None:
    """As App Service signs in a browser: the principal is there, and no token that a page cannot have sent."""
    headers = {**a_principal(roles=("admin",)), "Cookie": "AppServiceAuthSession=x"}
    del headers["Authorization"]
    headers |= {"Authorization": authorization} if authorization is not None else {}
    assert app.http("GET", LIST, headers).status == 200
    for method, path in (
        ("POST", "/api/builds"),
        ("POST", "/api/promotions/x/commands"),
        ("POST", "/api/intents"),
        ("DELETE", "/api/intents/a.b.c"),
        ("POST", "/api/flags/x/off"),
    ):
        assert app.http(method, path, headers, {}).problem == (401, "BEARER_NEEDED"), path


@pytest.mark.parametrize("joint", [",", ", ", ";", " "])
def test_two_principals_are_none(app: AppHost, joint: str) -> None:
    admin, reader = a_principal(roles=("admin",))[HEADER], ERIN[HEADER]
    assert app.http("GET", LIST, {**BEARER, HEADER: f"{admin}{joint}{reader}"}).problem == (401, "NOT_SIGNED_IN")


@pytest.mark.parametrize(
    "principal",
    [
        {"auth_typ": "aad", "claims": [OID, {**OID, "val": "another"}, TID, AUD, ADMIN]},
        {"auth_typ": "aad", "claims": [OID, {"typ": "oid", "val": "another"}, TID, AUD, ADMIN]},
        {"auth_typ": "github", "claims": [OID, TID, AUD, ADMIN]},
        {"auth_typ": ["aad"], "claims": [OID, TID, AUD, ADMIN]},
        {"auth_typ": "aad", "claims": {"oid": ALICE_OID, "roles": "admin"}},
        {"auth_typ": "aad", "claims": [OID, TID, AUD, ADMIN, {"typ": "x", "val": "y" * 70_000}]},
        b"[" * 40_000,
        b'{"auth_typ": "aad", "claims": ' + b"[" * 40_000,
    ],
    ids=["two object ids", "two kinds of id", "github", "a list", "no list", "too large", "deep", "deep claims"],
)
def test_a_principal_of_any_odd_shape_is_nobody(app: AppHost, principal: Any) -> None:
    assert app.http("GET", LIST, raw_principal(principal)).problem == (401, "NOT_SIGNED_IN")


def test_of_two_tenants_neither_counts(app: AppHost) -> None:
    claims = [OID, TID, {**TID, "val": "another"}, AUD, ADMIN]
    assert app.http("GET", LIST, raw_principal({"auth_typ": "aad", "claims": claims})).problem == (401, "WRONG_TENANT")


@pytest.mark.parametrize(
    ("claims", "is_application"),
    [
        ({"idtyp": "app"}, True),
        ({"azp": "client"}, True),
        ({"appid": "client"}, True),
        ({"azp": "client", "scp": "access"}, False),
        ({"azp": "client", "http://schemas.microsoft.com/identity/claims/scope": "access"}, False),
        ({"idtyp": "user", "azp": "client", "scp": "access"}, False),
        ({"idtyp": "app", "azp": "client", "scp": "access"}, True),
        ({}, False),
    ],
)
def test_an_application_is_known_by_its_token(app: AppHost, claims: dict[str, Any], is_application: bool) -> None:
    caller = a_principal(roles=("admin", "operator", "approver", "admin@production"), **claims)
    for path in ("/api/promotions/x/commands", "/api/flags/x/off"):
        body = {"command": "abort", "reason": "so"}
        assert (app.http("POST", path, caller, body).problem == (403, "NOT_A_PERSON")) == is_application
    vote = app.http("POST", "/api/promotions/x/stages/production/approval", caller, {"decision": "approve"})
    assert vote.problem == ((403, "NOT_A_PERSON") if is_application else (404, "UNKNOWN_PROMOTION"))
    assert app.http("POST", "/api/builds", caller, {}).status == (403 if is_application else 422)


def test_an_application_may_read_and_submit_by_roles_for_that(app: AppHost) -> None:
    ci = a_principal(roles=("submitter", "reader@*/checkout"), idtyp="app", name=None)
    assert app.http("POST", "/api/builds", ci, {}).problem[0] == 422
    assert app.http("GET", LIST, ci).status == 200
    assert app.http("GET", "/api/flags", ci).problem == (403, "FORBIDDEN")


def test_a_pipelines_role_is_filled_in_its_place_alone(it: Underway) -> None:
    it.ask()
    for roles in (
        ("approver", "release-manager@test"),
        ("approver", "release-manager@production/billing"),
        ("approver", "release-manager@production/checkout/x"),
    ):
        reply = it.vote(a_principal(roles=roles))
        assert reply.problem == (403, "NOT_AN_APPROVER"), roles
    reply = it.vote(a_principal(roles=("approver@test", "release-manager")))
    assert reply.problem == (403, "FORBIDDEN") and "approver for production of checkout" in reply.json["detail"]
    reply = it.vote(a_principal(roles=("approver@production/checkout", "release-manager@production")))
    assert reply.json["decision"] == "approved"


@pytest.mark.parametrize(
    "left_out",
    [
        {"hasgroups": "true"},
        {"hasgroups": True},
        {"_claim_names": json.dumps({"groups": "src1"}), "_claim_sources": json.dumps({"src1": {"endpoint": "x"}})},
    ],
)
def test_groups_that_the_token_left_out_count_for_nothing_and_that_is_said(
    it: Underway, left_out: dict[str, Any]
) -> None:
    it.ask()
    reply = it.vote(a_principal(roles=("approver",), **left_out))
    assert reply.problem == (403, "GROUPS_LEFT_OUT") and "more groups than a token can name" in reply.json["detail"]
    assert it.records[-1] == ("approval.refused", "GROUPS_LEFT_OUT")
    assert it.vote(a_principal(roles=("approver", "release-manager"), **left_out), command="second").status == 200


def test_a_name_makes_nobody_somebody_else(it: Underway) -> None:
    it.ask()
    oid = "99999999-9999-4999-8999-999999999999"
    same = a_principal("Bob Brown", oid, ("approver", "release-manager"), preferred_username="bob@shop.example")
    assert it.vote(BOB).problem == (403, "IS_AUTHOR")
    assert it.vote(same).json["decision"] == "approved"


def test_whoever_may_not_learns_not_what_is_there(app: AppHost, it: Underway) -> None:
    elsewhere = a_principal(roles=("admin@*/billing",))
    for path in ("", "/audit"):
        there = app.http("GET", f"{LIST}/{it.id}{path}", elsewhere)
        none = app.http("GET", f"{LIST}/checkout--404{path}", elsewhere)
        assert there.problem == none.problem == (403, "FORBIDDEN")
        assert there.json["detail"] == none.json["detail"]


def test_whoever_has_a_role_for_one_service_sees_that_one_in_lists(app: AppHost, it: Underway) -> None:
    def listed(*roles: str) -> set[str]:
        return {each["service"] for each in app.http("GET", LIST, a_principal(roles=roles)).json["promotions"]}

    list_promotion(it.id, "checkout", datetime.now(UTC))
    assert listed("reader@*/billing") == set()
    assert {"checkout"} <= listed("reader")
    assert listed("approver@production/checkout") == {"checkout"}


def test_a_command_to_the_whole_wants_the_role_for_every_environment(it: Underway) -> None:
    of_test = a_principal(roles=("operator@test",))
    assert it.command("pause", of_test).problem == (403, "FORBIDDEN")
    assert it.command("abort", of_test, stage="test").problem == (403, "FORBIDDEN")
    assert it.records[-1] == ("command.refused", "FORBIDDEN")
    of_both = a_principal(roles=("operator@test", "operator@production/checkout"))
    assert it.command("pause", of_both).status == 200
    assert it.command("retry", of_test, stage="production").problem == (403, "FORBIDDEN")
    assert it.command("retry", of_test, stage="test").problem == (409, "NOT_FAILED")


@pytest.mark.parametrize(
    ("roles", "taken"),
    [
        (["qa"], []),
        (["qa@production"], []),
        (["qa@production/checkout", "x"], []),
        (["qa@staging"], ["role:qa", "role:qa@production"]),
        (["qa@production/billing"], ["role:qa", "role:qa@production"]),
        ([], ["role:qa", "role:qa@production"]),
    ],
)
def test_the_file_of_people_may_say_roles_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roles: list[str], taken: list[str]
) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(json.dumps({"people": [{"oid": ALICE_OID, "roles": roles}]}), encoding="utf-8")
    monkeypatch.setenv("SLIPWAY_PEOPLE", str(file))
    settings.cache_clear()
    at = Place(("production",), "checkout")
    assert taken_away(ALICE_OID, ["role:qa", "role:qa@production", "group:g"], at) == taken
