"""App Service authentication's part: who the app is told its caller is."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from slipway.local.functions.authentication import Authentication
from slipway.local.functions.openid import IssuerKeys, IssuerUnavailable
from slipway.local.functions.refusal import AppRefused
from tests.functions_host.issuer import ALICE, AUDIENCE, TENANT, Issuer
from tests.functions_host.processes import Process, a_host
from tests.plain_http import plain_client

FORGED = {
    "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b'{"auth_typ": "aad", "claims": []}').decode(),
    "x-ms-client-principal-id": "mallory",
    "X-Ms-Client-Principal-Name": "mallory",
    "X-MS-TOKEN-AAD-ID-TOKEN": "forged",
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def guarded_host(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    settings = {
        "WEBSITE_AUTH_ENABLED": "true",
        "WEBSITE_AUTH_OPENID_ISSUER": issuer.url,
        "WEBSITE_AUTH_CLIENT_ID": AUDIENCE,
    }
    host = a_host("shop", tmp_path_factory.mktemp("guarded"), settings)
    host.start()
    yield host
    host.end()


@pytest.fixture
def guarded(guarded_host: Process) -> Iterator[httpx.Client]:
    with plain_client(base_url=guarded_host.ready["url"]) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_app_is_told_who_calls(guarded: httpx.Client, issuer: Issuer) -> None:
    answer = guarded.get("/api/whoami", headers=bearer(issuer.token()))
    assert answer.status_code == 200
    principal = answer.json()
    assert (principal["auth_typ"], principal["role_typ"]) == ("aad", "roles")
    assert (principal["id"], principal["name"]) == (ALICE["oid"], "alice@shop.example")
    claims = [(claim["typ"], claim["val"]) for claim in principal["claims"]]
    for expected in [
        ("http://schemas.microsoft.com/identity/claims/objectidentifier", ALICE["oid"]),
        ("http://schemas.microsoft.com/identity/claims/tenantid", TENANT),
        ("name", "Alice Adams"),
        ("preferred_username", "alice@shop.example"),
        ("roles", "reader"),
        ("roles", "operator"),
        ("groups", "team-checkout"),
        ("aud", AUDIENCE),
        ("iss", issuer.url),
    ]:
        assert expected in claims


def test_forged_headers_never_reach_the_app(guarded: httpx.Client, shop: httpx.Client, issuer: Issuer) -> None:
    for client in (guarded, shop):  # with authentication on, and off
        answer = client.get("/api/whoami", headers=FORGED)
        assert (answer.status_code, answer.json()) == (401, {"token headers": []})
    told = guarded.get("/api/whoami", headers=FORGED | bearer(issuer.token())).json()
    assert (told["id"], told["name"]) == (ALICE["oid"], "alice@shop.example")


def test_request_without_a_bearer_token_goes_on_without_a_principal(guarded: httpx.Client) -> None:
    assert guarded.get("/api/greet").status_code == 200
    assert guarded.get("/api/whoami", headers={"Authorization": "Basic eDp5"}).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"nbf": int(time.time()) + 3600},
        {"aud": "another-app"},
        {"iss": "http://127.0.0.1/another/v2.0"},
        {"iss": f"https://sts.windows.net/{TENANT}/"},  # version 1
        {"iss": "https://login.microsoftonline.com/another-tenant/v2.0", "tid": "another-tenant"},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"algorithm": "RS384"},
        {"key_id": "never published"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
    ],
    ids=lambda changes: "-".join(f"{name}" for name in changes),
)
def test_token_that_proves_nothing_is_refused(
    guarded: httpx.Client, issuer: Issuer, changes: dict[str, object]
) -> None:
    answer = guarded.get("/api/greet", headers=bearer(issuer.token(**changes)))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("token", [b"\xff\xfe", b"a.b", b"a.b.c", b"\xe2\x82\xac.x.y"])
def test_token_that_is_none_is_refused(guarded: httpx.Client, token: bytes) -> None:
    assert guarded.get("/api/greet", headers={"Authorization": b"Bearer " + token}).status_code == 401


def test_refused_token_is_logged_without_the_token(
    guarded: httpx.Client, issuer: Issuer, guarded_host: Process
) -> None:
    token = issuer.token(aud="another-app")
    guarded.get("/api/greet", headers=bearer(token))
    assert "a bearer token was refused: InvalidAudienceError" in guarded_host.log
    assert token not in guarded_host.log


def test_token_with_changed_claims_is_refused(guarded: httpx.Client, issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    _, others, _ = issuer.token(roles=["admin"]).split(".")
    assert json.loads(base64.urlsafe_b64decode(others + "=="))["roles"] == ["admin"]
    assert guarded.get("/api/greet", headers=bearer(f"{header}.{others}.{signature}")).status_code == 401
    assert guarded.get("/api/greet", headers=bearer("no token at all")).status_code == 401


def test_the_public_key_is_no_secret(guarded: httpx.Client, issuer: Issuer) -> None:
    public = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, payload, _ = issuer.token(algorithm="HS256").split(".")
    signature = hmac.new(public, f"{head}.{payload}".encode(), hashlib.sha256).digest()
    forged = f"{head}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert guarded.get("/api/greet", headers=bearer(forged)).status_code == 401


async def test_without_its_issuer_no_token_is_judged(issuer: Issuer) -> None:
    nobody = "http://127.0.0.1:9/v2.0"
    authentication = Authentication(nobody, AUDIENCE, IssuerKeys(nobody))
    with pytest.raises(IssuerUnavailable, match="cannot read the keys"):
        await authentication.principal_headers(f"Bearer {issuer.token(iss=nobody)}")


async def test_issuer_that_speaks_for_another_is_not_believed(issuer: Issuer) -> None:
    keys = IssuerKeys(issuer.url + "/")  # its document says otherwise, by one slash
    with pytest.raises(IssuerUnavailable, match="speaks for"):
        await keys.key("first")


def test_authentication_without_an_issuer_is_refused_at_start() -> None:
    with pytest.raises(AppRefused, match="WEBSITE_AUTH_OPENID_ISSUER and WEBSITE_AUTH_CLIENT_ID"):
        Authentication.from_settings({"WEBSITE_AUTH_ENABLED": "true"})
