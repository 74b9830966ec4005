"""Who may come in: people through the OpenID issuer, the app through its managed identity."""

import time
from typing import Any

import httpx
import jwt
import pytest

from tests import plain_http
from tests.azure_standin.standin import API, SITE, StandinProcess


@pytest.fixture(scope="module")
def standin(untouched: StandinProcess) -> StandinProcess:
    return untouched


def login(standin: StandinProcess, **form: str) -> httpx.Response:
    with standin.http() as http:
        endpoint = http.get(f"{standin.told['issuer']}/.well-known/openid-configuration").json()["token_endpoint"]
        return http.post(endpoint, data={"grant_type": "password", "client_id": "slipway"} | form)


def claims(standin: StandinProcess, token: str) -> Any:
    with standin.http() as http:
        keys = jwt.PyJWKSet.from_dict(http.get(standin.told["jwks"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience="slipway", issuer=standin.told["issuer"])


def test_a_person_logs_in_and_the_token_says_who_they_are(standin: StandinProcess) -> None:
    answer = login(standin, username="alice").json()
    told = claims(standin, answer["access_token"])
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 3600
    assert told["oid"] == "11111111-1111-4111-8111-111111111111"
    assert told["tid"] == standin.told["tenant"] and told["ver"] == "2.0"
    assert told["name"] == "Alice Adams" and told["preferred_username"] == "alice@shop.example"
    assert "release-manager" in told["roles"] and told["groups"] == ["team-checkout"]
    assert told["nbf"] <= time.time() < told["exp"]


def test_an_unknown_person_gets_no_token(standin: StandinProcess) -> None:
    answer = login(standin, username="mallory")
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_grant"


def test_an_application_gets_a_token_in_nobodys_name(standin: StandinProcess) -> None:
    client = "0c1c1c1c-0000-4000-8000-000000000001"
    form = {"grant_type": "client_credentials", "client_id": client, "scope": "slipway/.default"}
    told = claims(standin, login(standin, **form).json()["access_token"])
    assert (told["idtyp"], told["azp"], told["roles"]) == ("app", client, ["submitter@*/checkout"])
    assert "name" not in told and "scp" not in told and "groups" not in told
    for wrong, code in (({"client_id": "slipway"}, "unauthorized_client"), ({"scope": "slipway"}, "invalid_scope")):
        assert login(standin, **form | wrong).json()["error"] == code


def test_no_other_grant_is_served(standin: StandinProcess) -> None:
    answer = login(standin, username="alice", grant_type="refresh_token")
    assert answer.status_code == 400 and answer.json()["error"] == "unsupported_grant_type"


def test_the_managed_identity_gets_a_token_that_resource_manager_accepts(standin: StandinProcess) -> None:
    with standin.web() as client:
        assert client.web_apps.get("shop", "checkout-dev").state == "Running"


@pytest.mark.parametrize("headers", [{}, {"X-IDENTITY-HEADER": "guessed"}])
def test_the_identity_endpoint_wants_its_header(standin: StandinProcess, headers: dict[str, str]) -> None:
    asked = {"api-version": "2019-08-01", "resource": "https://management.azure.com"}
    assert plain_http.get(standin.told["msi_endpoint"], params=asked, headers=headers).status_code == 401


@pytest.mark.parametrize("path", [SITE + API, "/blob/audit?restype=container", "/tables/Tables"])
def test_every_service_refuses_a_request_without_a_token(standin: StandinProcess, path: str) -> None:
    with standin.http() as http:
        answer = http.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_of_another_signer_is_refused(standin: StandinProcess) -> None:
    resource = "https://management.azure.com"
    body = {"iss": standin.told["issuer"], "aud": resource, "exp": int(time.time()) + 600}
    forged = jwt.encode(body, "a secret of somebody else, and long enough", algorithm="HS256")
    unsigned = jwt.encode(body, None, algorithm="none")  # type: ignore[arg-type]
    with standin.http() as http:
        for token in (forged, unsigned, "nonsense"):
            assert http.get(SITE + API, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_persons_token_opens_no_azure_resource(standin: StandinProcess) -> None:
    token = login(standin, username="alice").json()["access_token"]
    with standin.http() as http:
        answer = http.get(SITE + API, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401 and "audience" in answer.json()["error"]["message"]


def test_storage_tokens_open_no_other_service(standin: StandinProcess) -> None:
    token = standin.credential().get_token("https://storage.azure.com/.default").token
    with standin.http() as http:
        headers = {"Authorization": f"Bearer {token}"}
        assert http.get(SITE + API, headers=headers).status_code == 401
        assert http.get("/tables/Tables", headers=headers).status_code == 200
