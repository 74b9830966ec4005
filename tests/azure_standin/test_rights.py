"""What the stand-in refuses, in Azure's words, to an identity whose roles do not hold it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.azure_standin.standin import GROUP, SITE, SUBSCRIPTION, Arm, StandinProcess, running

THERE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
OTHER = SITE.replace("checkout-dev", "checkout-new")
STORAGE = f"{THERE}/providers/Microsoft.Storage/storageAccounts/standin"
TABLES = "Microsoft.Storage/storageAccounts/tableServices/tables"
RIGHTS = {
    "roles": [
        {"name": "reads sites", "actions": ["Microsoft.Web/sites/read", "Microsoft.Web/sites/slots/*"]},
        {"name": "writes rows", "dataActions": [f"{TABLES}/write", f"{TABLES}/entities/add/action"]},
    ],
    "assignments": [
        {"role": "reads sites", "scope": SITE.upper()},
        {"role": "writes rows", "scope": STORAGE},
        {"role": "Azure Kubernetes Service RBAC Writer", "scope": THERE},
    ],
}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    folder = tmp_path_factory.mktemp("limited")
    (folder / "rights.json").write_text(json.dumps(RIGHTS))
    with running(folder, rights=("--rights", str(folder / "rights.json"))) as standin:
        yield standin


@pytest.fixture(scope="module")
def arm(limited: StandinProcess) -> Iterator[Arm]:
    with limited.web() as client:
        yield Arm(client)


def test_what_is_given_on_one_site_is_refused_on_the_next_in_azures_words(arm: Arm) -> None:
    assert arm.send("GET", SITE).status_code == 200
    refused = arm.send("GET", OTHER)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (403, "AuthorizationFailed")
    client = error["message"].split("'")[1]
    assert error["message"] == (
        f"The client '{client}' with object id '{client}' does not have authorization to perform action "
        f"'Microsoft.Web/sites/read' over scope '{OTHER}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials."
    )


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", f"{SITE}/config/web", "Microsoft.Web/sites/config/read"),
        ("PATCH", f"{SITE}/config/web", "Microsoft.Web/sites/config/write"),
        ("POST", f"{SITE}/start", "Microsoft.Web/sites/start/action"),
        ("POST", f"{SITE}/config/appsettings/list", "Microsoft.Web/sites/config/list/action"),
        ("DELETE", SITE, "Microsoft.Web/sites/delete"),
        ("GET", f"{SITE}/slots-of-another", "Microsoft.Web/sites/slots-of-another/read"),
        ("GET", f"{THERE}/providers/Microsoft.Web/sites", "Microsoft.Web/sites/read"),
    ],
)
def test_a_request_takes_the_action_of_its_types_and_its_verb(method: str, path: str, action: str, arm: Arm) -> None:
    refused = arm.send(method, path, {} if method == "PATCH" else None)
    assert refused.status_code == 403 and f"perform action '{action}'" in refused.json()["error"]["message"]


def test_what_is_not_there_is_refused_like_what_is_not_given(arm: Arm) -> None:
    assert arm.send("GET", SITE.replace("checkout-dev", "nowhere")).status_code == 403
    assert arm.send("GET", f"{SITE}/slots/nowhere").status_code == 404, "below what is given it is missing"


def test_a_wildcard_of_a_role_reaches_what_lies_below(arm: Arm) -> None:
    assert arm.send("GET", f"{SITE}/slots/staging/deployments").status_code == 200
    assert arm.send("POST", f"{SITE}/slots/staging/stop").status_code == 200


def test_storage_and_the_vault_refuse_in_their_own_shapes(limited: StandinProcess) -> None:
    with limited.tables() as service:
        table = service.create_table("rows")
        table.create_entity({"PartitionKey": "a", "RowKey": "1"})
        with pytest.raises(HttpResponseError) as rows:
            table.get_entity("a", "1")
        with pytest.raises(HttpResponseError):
            table.upsert_entity({"PartitionKey": "a", "RowKey": "1"})
    assert rows.value.status_code == 403 and "AuthorizationPermissionMismatch" in str(rows.value)
    with limited.blobs() as blobs, pytest.raises(HttpResponseError) as blob:
        blobs.create_container("audit")
    assert (blob.value.status_code, blob.value.error_code) == (403, "AuthorizationPermissionMismatch")
    with limited.vault() as vault, pytest.raises(HttpResponseError) as secret:
        vault.get_secret("probe-key")
    said = str(secret.value.message)
    assert secret.value.status_code == 403 and "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'" in said
    assert f"Resource: '{THERE.lower()}/providers/microsoft.keyvault/vaults/standin/secrets/probe-key'" in said


@pytest.mark.parametrize(
    ("method", "path", "scope", "body"),
    [
        ("GET", "/kv?key=*&api-version=2023-11-01", "https://appconfig.azure.com", None),
        ("PUT", "/kv/limit?api-version=2023-11-01", "https://appconfig.azure.com", {"value": "1"}),
        ("GET", "/snapshots/one?api-version=2023-11-01", "https://appconfig.azure.com", None),
        (
            "POST",
            "/v1/workspaces/00000000-0000-4000-8000-00000000ca0a/query",
            "https://api.loganalytics.io",
            {"query": "AppRequests | count"},
        ),
        (
            "POST",
            f"/subscriptions/{SUBSCRIPTION}/metrics:getBatch?api-version=2024-02-01",
            "https://metrics.monitor.azure.com",
            {"resourceids": [SITE]},
        ),
    ],
)
def test_each_service_of_data_asks_for_its_own_rights(
    method: str, path: str, scope: str, body: Any, limited: StandinProcess
) -> None:
    token = limited.credential().get_token(f"{scope}/.default").token
    with limited.http() as http:
        answer = http.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403, answer.text
    if "query" in path:
        error = answer.json()["error"]
        assert error["code"] == "InsufficientAccessError" and "insufficient access" in error["message"]


def test_a_token_that_is_none_is_still_401(limited: StandinProcess) -> None:
    with limited.http() as http:
        answer = http.get(f"{SITE}?api-version=2025-05-01", headers={"authorization": "Bearer nonsense"})
    assert answer.status_code == 401


def test_what_was_given_is_withheld_for_as_often_as_told(limited: StandinProcess, arm: Arm) -> None:
    with limited.http() as http:
        told = {"withhold": ["microsoft.web/SITES/read"], "times": 2}
        assert http.post("/standin/rights", json=told).status_code == 201
        assert [arm.send("GET", SITE).status_code for _ in range(3)] == [403, 403, 200]
        http.post("/standin/rights", json={"withhold": ["Microsoft.Web/sites/read"]})
        assert arm.send("GET", SITE).status_code == 403
        http.delete("/standin/rights")
        assert arm.send("GET", SITE).status_code == 200
        assert http.get("/standin/rights").json() == {"asked": ["microsoft.web/sites/read"]}
        assert http.post("/standin/rights", json={"withhold": []}).status_code == 400


def test_whoever_starts_it_says_what_is_allowed(tmp_path: Path) -> None:
    standin = StandinProcess(tmp_path, rights=())
    process = standin.launch()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2 and b"--rights --everything-allowed is required" in said


def test_rights_that_are_none_are_named_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "rights.json").write_text('{"roles": [{"actions": []}], "assignments": []}')
    process = StandinProcess(tmp_path, rights=("--rights", str(tmp_path / "rights.json"))).launch("--any-ports")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2 and b"rights.json: roles.0.name" in said
