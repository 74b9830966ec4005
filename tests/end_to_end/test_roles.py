"""Every endpoint of the OpenAPI document × every role, over HTTP with tokens of the issuer: what the document says,
what `docs/security.md` says and what the running system does are one thing. A new endpoint fails here until both say
who may use it."""

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.end_to_end.people import APPLICATIONS, PEOPLE, ROLES
from tests.end_to_end.system import System, a_message, start
from triggers.identity import OF_APPLICATIONS
from triggers.openapi import document

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
IN_PATH = {
    "id": "checkout--0.0.404",
    "stage": "production",
    "environment": "production",
    "service": "checkout",
    "intent": "production.checkout.00000000",
    "flag": "there-is-none",
    "message": "builds.404",
}
OTHERWISE = "there-is-none"  # a parameter of a route that is new here
# What a route reads before it asks for the role, because it keeps on record what was said.
BODIES: dict[str, dict[str, Any]] = {
    "post_again": {"reason": "so"},
    "post_approval": {"decision": "approve"},
    "post_command": {"command": "abort", "reason": "so"},
    "post_intent": {
        "kind": "hold", "environment": "production", "service": "checkout", "reason": "so", "for": "1m"
    },
    "post_plan": {"service": "checkout"},
    "post_evidence": {"name": "sarif", "inline": "{}"},
    "post_gate_answer": {"outcome": "passed"},
    "post_lint": {"pipeline": ""},
    "post_override": {"gates": ["sarif"], "reason": "so"},
    "post_override_confirmed": {"id": "0"},
}  # fmt: skip
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
]
IDS = [operation["operationId"] for _, _, operation in OPERATIONS]
EVERY = pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
KEYS = [operation for _, _, operation in OPERATIONS if operation["security"] and not operation.get("x-slipway-roles")]


def told(method: str, path: str, operation: dict[str, Any]) -> set[str]:
    """The roles that the document names."""
    return set(operation.get("x-slipway-roles", ()))


@cache
def written() -> dict[str, set[str]]:
    """The roles that the page names, by `METHOD path`."""
    section = PAGE.read_text(encoding="utf-8").partition("## Who may call what")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z]+ /[^`]*)` \| ([^|]*) \|", section, re.MULTILINE)
    return {route: set(re.findall(r"`([A-Za-z]+)`", who)) for route, who in rows}


def ask(system: System, method: str, path: str, operation: dict[str, Any], who: str | None) -> httpx.Response:
    """Ask it for something that is not there, so that nothing comes of it but the question whether one may."""
    asked = re.sub(r"\{([^}]+)\}", lambda found: IN_PATH.get(found[1], OTHERWISE), path)
    body = {"json": BODIES.get(operation["operationId"], {})} if "requestBody" in operation else {}
    return system.call(method, asked, who, **body)


def test_the_page_and_the_document_name_the_same_roles_for_the_same_routes() -> None:
    said = {f"{method} {path}": told(method, path, operation) for method, path, operation in OPERATIONS}
    assert written() == said


@EVERY
def test_a_person_with_one_role_may_what_the_page_says_and_nothing_else(
    system: System, method: str, path: str, operation: dict[str, Any]
) -> None:
    may = written()[f"{method} {path}"]
    for who in [f"only-{role}" for role in ROLES] + ["only-qa", "nothing"]:
        if operation in KEYS:
            continue
        answer = ask(system, method, path, operation, who)
        role = who.removeprefix("only-")
        if not may or role in may or role == "admin":
            assert answer.status_code not in (401, 403), (who, answer.text)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), (who, answer.text)


@EVERY
def test_an_application_submits_and_reads_and_decides_nothing(
    system: System, method: str, path: str, operation: dict[str, Any]
) -> None:
    may = written()[f"{method} {path}"]
    for who, claims in APPLICATIONS.items():
        if not may:
            continue
        answer = ask(system, method, path, operation, who)
        if may & {claim.partition("@")[0] for claim in claims} & set(OF_APPLICATIONS):
            right = answer.status_code not in (401, 403) or who == "ci-elsewhere"
        else:
            code = "FORBIDDEN" if may & set(OF_APPLICATIONS) else "NOT_A_PERSON"
            right = (answer.status_code, answer.json()["code"]) == (403, code)
        assert right, (who, answer.status_code, answer.text)


# What answers whoever has a role for another service only: nothing of checkout's is in it.
OPEN_ELSEWHERE = {"get_promotions", "get_environments", "post_lint", "post_build", "get_policies"}
OPEN_ELSEWHERE |= {"get_intents", "get_delegations", "post_delegation", "delete_delegation"}  # of one's own roles


@EVERY
def test_a_role_for_another_service_opens_nothing_of_this_one(
    system: System, method: str, path: str, operation: dict[str, Any]
) -> None:
    if not told(method, path, operation):
        return
    answer = ask(system, method, path, operation, "elsewhere")
    if operation["operationId"] in OPEN_ELSEWHERE:
        assert answer.status_code in (200, 404, 422) and "checkout" not in answer.text
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), answer.text


def test_a_role_that_names_a_place_opens_what_is_there(system: System) -> None:
    vote = {"json": {"decision": "approve"}}
    system.send(a_message("8.1.0"))
    system.until("checkout--8.1.0", lambda seen: bool(seen["stages"]))
    assert system.call("GET", "/api/promotions/checkout--8.1.0", "scoped").status_code == 200
    command = {"json": {"command": "abort", "reason": "so"}}
    answer = system.call("POST", "/api/promotions/checkout--8.1.0/commands", "of-test", **command)
    assert answer.status_code == 403 and "for production of checkout" in answer.json()["detail"]
    answer = system.call("POST", "/api/promotions/checkout--8.1.0/stages/test/approval", "scoped", **vote)
    assert answer.status_code == 403 and "approver for test of checkout" in answer.json()["detail"]
    answer = system.call("POST", "/api/promotions/checkout--8.1.0/stages/production/approval", "scoped", **vote)
    assert answer.json()["code"] == "NOT_ASKED"  # the role is the right one, and too early
    assert system.call("POST", "/api/promotions/checkout--8.1.0/commands", "scoped", **command).status_code == 200


def test_ci_submits_a_build_of_its_service_and_reads_what_became_of_it_and_of_no_other(system: System) -> None:
    answer = system.call("POST", "/api/builds", "ci-elsewhere", json=a_message("8.2.0"))
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert system.call("POST", "/api/builds", "ci", json=a_message("8.2.0")).status_code == 202
    system.until("checkout--8.2.0", lambda seen: bool(seen["stages"]))
    assert system.call("GET", "/api/promotions/checkout--8.2.0", "ci").status_code == 200
    for other in ("ci-elsewhere", "only-submitter"):
        assert system.call("GET", "/api/promotions/checkout--8.2.0", other).status_code == 403
    for path in ("/api/promotions", "/api/promotions/checkout--8.2.0/audit", "/api/environments"):
        assert system.call("GET", path, "ci").status_code == 403
    vote = {"json": {"decision": "approve"}}
    answer = system.call("POST", "/api/promotions/checkout--8.2.0/stages/production/approval", "ci", **vote)
    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_A_PERSON")
    system.call("POST", "/api/promotions/checkout--8.2.0/commands", json={"command": "abort", "reason": "so"})


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One of its own: whatever may be asked is asked here, a stop of everything too."""
    with start(tmp_path_factory.mktemp("system")) as laptop:
        yield System(laptop)


@pytest.fixture(scope="module")
def forged(system: System) -> dict[str, dict[str, str]]:
    """Headers that prove nothing, by what is wrong with them."""
    good = system.token("only-admin")
    head, payload, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    reader = system.token("only-reader").split(".")
    key = jwt.PyJWKSet.from_dict(
        system.http.get(system.run.issuer.removesuffix("/v2.0") + "/discovery/v2.0/keys").json()
    ).keys[0]
    public = key.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    principal = {"auth_typ": "aad", "role_typ": "roles", "claims": [{"typ": "roles", "val": "admin"}]}
    forms = {"grant_type": "password", "client_id": "another-app", "username": "only-admin"}
    other = system.http.post(system.run.issuer.removesuffix("/v2.0") + "/oauth2/v2.0/token", data=forms)
    bearer = {
        "alg none": jwt.encode(claims, None, "none", {"kid": key.key_id}),
        "HS256 with the public key": _hs256(claims, public, str(key.key_id)),
        "another's claims": f"{reader[0]}.{payload}.{reader[2]}",
        "no signature": f"{head}.{payload}.",
        "another audience": other.json()["access_token"],
        "the app's own token for Azure": _managed_identity(system),
        "half of it": f"{head}.{payload}.{signature[:-8]}",
    }
    return {name: {"Authorization": f"Bearer {token}"} for name, token in bearer.items()} | {
        "the platform's header": {
            "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode(),
            "X-MS-CLIENT-PRINCIPAL-ID": "mallory",
        },
        "a session's cookie": {"Cookie": f"AppServiceAuthSession={good}"},
        "the token in a key's place": {"x-functions-key": good, "X-Slipway-Key": good},
        "basic": {"Authorization": "Basic " + base64.b64encode(f"admin:{good}".encode()).decode()},
    }


@EVERY
def test_whatever_proves_nothing_opens_no_route(
    system: System, forged: dict[str, dict[str, str]], method: str, path: str, operation: dict[str, Any]
) -> None:
    if not operation["security"]:
        return
    for what, headers in forged.items():
        asked = re.sub(r"\{([^}]+)\}", lambda found: IN_PATH.get(found[1], OTHERWISE), path)
        body = {"json": BODIES.get(operation["operationId"], {})} if method == "POST" else {}
        answer = system.call(method, asked, None, headers=headers, **body)
        assert answer.status_code == 401, (what, answer.text)


def test_pages_of_other_sites_are_told_nothing(system: System) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method, path in (("OPTIONS", "/api/builds"), ("GET", "/api/promotions"), ("GET", "/api/health")):
        headers = {**asked, "Authorization": f"Bearer {system.token('only-reader')}"}
        answer = system.http.request(method, system.run.url + path, headers=headers)
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        assert method != "OPTIONS" or answer.status_code in (404, 405)


def test_everybody_in_the_file_is_there() -> None:
    assert {f"only-{role}" for role in ROLES} <= set(PEOPLE)


def _hs256(claims: dict[str, Any], secret: bytes, key_id: str) -> str:
    """Signed by hand: libraries refuse a public key as a secret."""
    import hashlib
    import hmac

    def part(text: bytes) -> str:
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": key_id}).encode())
    signed = f"{head}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _managed_identity(system: System) -> str:
    query = {"api-version": "2019-08-01", "resource": "https://management.azure.com/"}
    header = {"X-IDENTITY-HEADER": system.laptop.azure["msi_header"]}
    token: str = system.http.get(system.laptop.azure["msi_endpoint"], params=query, headers=header).json()[
        "access_token"
    ]
    return token
