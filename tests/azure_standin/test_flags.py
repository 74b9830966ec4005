"""Applications that read a flag: what their users meet, and what telemetry knows of it."""

import io
import json
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from slipway.local.azure.feature_flags import evaluate
from slipway.promotion.flags.document import is_on_for, switched_off
from tests.adapters.flag_store import targeting, variants
from tests.azure_standin.standin import CONFIG, StandinProcess

USERS = [f"user-{number}" for number in range(60)]
FLAG = "new-checkout"
SESSION = requests.Session()
SESSION.trust_env = False


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    config = CONFIG.replace("version: 1.0.0", "version: 2.0.0-flagerrors")
    process = StandinProcess(tmp_path_factory.mktemp("flags"), config).start()
    yield process
    process.stop()


def put(standin: StandinProcess, document: object) -> None:
    with standin.http() as http:
        body = {"name": FLAG, "label": "production", "value": document}
        http.post("/standin/flags", json=body).raise_for_status()


def asked(standin: StandinProcess, user: str) -> int:
    return SESSION.get(f"{standin.told['sites']['checkout-dev']}/", headers={"x-user": user}, timeout=30).status_code


def test_a_flag_changes_what_its_users_meet_and_nobody_else(standin: StandinProcess) -> None:
    document = targeting(FLAG, 30)
    put(standin, document)
    having = {user for user in USERS if is_on_for(document, user)}
    deadline = time.monotonic() + 20
    while not any(asked(standin, user) >= 500 for user in having):
        assert time.monotonic() < deadline, "the release never read its flag"
    failed = Counter(user for user in USERS for _ in range(10) if asked(standin, user) >= 500)
    assert failed.keys() <= having and len(failed) > len(having) / 2
    put(standin, targeting(FLAG, 0))
    deadline = time.monotonic() + 20
    while any(asked(standin, user) >= 500 for user in having):
        assert time.monotonic() < deadline, "the release never heard that its flag is off"


def disabled(gives: str) -> dict[str, object]:
    document = variants(FLAG, 30, enabled=False)
    document["allocation"]["default_when_disabled"] = gives
    return document


@pytest.mark.parametrize(
    "document",
    [
        targeting(FLAG, 30),
        variants(FLAG, 30),
        targeting(FLAG, 30, Users=["user-1"]),
        disabled("fast"),
        disabled("classic"),
        switched_off(disabled("fast")),
    ],
)
def test_the_applications_decide_as_slipway_takes_them_to(document: dict[str, object]) -> None:
    """Two implementations of Microsoft's rules, neither of which knows the other."""
    assert [evaluate(document, user).new for user in USERS] == [is_on_for(document, user) for user in USERS]


def test_users_and_evaluations_are_in_the_workspace(standin: StandinProcess) -> None:
    put(standin, targeting(FLAG, 100))
    query = """AppEvents | where Name == "FeatureEvaluation" | where tostring(Properties.FeatureName) == "new-checkout"
    | summarize by User = tostring(Properties.TargetingId), Enabled = tostring(Properties.Enabled), AppVersion
    | join kind=inner (AppRequests | summarize Requests = count() by User = UserId) on User
    | project User, Enabled, AppVersion, Requests"""
    deadline = time.monotonic() + 20
    while True:
        asked(standin, "eve")
        rows = _rows(standin, query)
        if ["eve", "True", "2.0.0-flagerrors"] in [row[:3] for row in rows]:
            break
        assert time.monotonic() < deadline, rows


def _rows(standin: StandinProcess, query: str) -> list[list[object]]:
    with standin.http() as http:
        asked = http.get(
            standin.told["msi_endpoint"],
            params={"resource": "https://api.loganalytics.io", "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": standin.told["msi_header"]},
        )
        token = asked.json()["access_token"]
        path = "/v1/workspaces/8f1d6a1e-6f0b-4a5e-9d55-2a7f6f6a9c11/query"
        answer = http.post(path, json={"query": query}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        rows: list[list[object]] = answer.json()["tables"][0]["rows"]
        return rows


def test_an_uploaded_package_may_name_flags_of_its_own(standin: StandinProcess) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        told = {"service": "checkout", "version": "9.0.0", "flags": {"other": {"label": "x", "latency_ms": 5}}}
        package.writestr("release.json", json.dumps(told))
    with standin.http() as http:
        assert http.put("/artifacts/checkout/9.0.0.zip", content=content.getvalue()).status_code == 201


def test_etags_and_labels_are_those_of_app_configuration(standin: StandinProcess, tmp_path: Path) -> None:
    with standin.http() as http:
        where = {"params": {"resource": "https://appconfig.azure.com", "api-version": "2019-08-01"}}
        token = http.get(
            standin.told["msi_endpoint"], **where, headers={"X-IDENTITY-HEADER": standin.told["msi_header"]}
        )
        bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
        assert http.get("/kv/a").status_code == 401
        assert http.get("/kv/a", headers=bearer).status_code == 404
        made = http.put("/kv/a", json={"value": "1"}, headers={**bearer, "If-None-Match": "*"})
        assert made.status_code == 200 and made.headers["ETag"] == f'"{made.json()["etag"]}"'
        again = http.put("/kv/a", json={"value": "2"}, headers={**bearer, "If-None-Match": "*"})
        assert again.status_code == 412
        match = {"If-Match": made.headers["ETag"]}
        assert http.put("/kv/a", json={"value": "2"}, headers={**bearer, **match}).status_code == 200
        assert http.put("/kv/a", json={"value": "3"}, headers={**bearer, **match}).status_code == 412
        assert http.put("/kv/a?label=x", json={"value": "9"}, headers=bearer).status_code == 200
        found = http.get("/kv?key=a&$select=key,value,label", headers=bearer).json()["items"]
        assert found == [{"key": "a", "label": None, "value": "2"}, {"key": "a", "label": "x", "value": "9"}]
        values = [each["value"] for each in http.get("/revisions?key=a", headers=bearer).json()["items"]]
        assert values == ["9", "2", "1"]
