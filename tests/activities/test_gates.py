"""Gates as activities: evidence, a workspace, Defender for Cloud and a system that calls back, over the real SDKs."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import requests

from slipway.adapters import clock
from slipway.adapters.gates.callbacks import CallbackRefused, Callbacks
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.outcomes import Answer, Outcome, iso
from slipway.promotion.plain import plain
from slipway.settings import settings
from tests.activities.conftest import Promotion, a_secret
from tests.activities.test_loads import PEAK, Place
from tests.adapters.telemetry_rows import WORKSPACE
from tests.app_host import AppHost
from tests.laptop import SUBSCRIPTION, AzureStandin
from tests.promotion.builders import a_build

pytestmark = pytest.mark.usefixtures("configured")


@pytest.fixture(autouse=True)
def _reached(configured: None, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Vault and workspace, our own address, and the one host that may be asked."""
    monkeypatch.setenv("SLIPWAY_VAULT", azure.url)
    monkeypatch.setenv("SLIPWAY_LOGS_ENDPOINT", azure.url)
    monkeypatch.setenv("SLIPWAY_URL", "https://slipway.example")
    monkeypatch.setenv("SLIPWAY_EVIDENCE_HOSTS", azure.url.removeprefix("https://"))
    settings.cache_clear()
    yield
    settings.cache_clear()


_NUMBERS = count(1)
DIGEST = "sha256:" + "d" * 64
LCOV = "TN:\nSF:a.py\nDA:1,1\nDA:2,1\nDA:3,1\nDA:4,0\nLF:4\nLH:3\nend_of_record\n"


def order(promotion: Promotion, gate: GatePlan, operation: str = "", **more: Any) -> dict[str, Any]:
    """What the stage's orchestration gives."""
    build = a_build(promotion.version).dump()
    return {
        "promotion": promotion.id,
        "operation": operation or f"{promotion.id}:prod:{gate.name}:gate:{next(_NUMBERS)}",
        "environment": "prod",
        "stage": "prod",
        "gate": plain(gate),
        "build": build | {"evidence": more.pop("evidence", {})},
        "rev": 1,
        "until": iso(clock.now() + timedelta(hours=1)),
        "digests": [],
        "subscription": SUBSCRIPTION,
        **more,
    }


def ended(answer: Answer, outcome: Outcome, code: str = "") -> Answer:
    assert (answer.state, answer.code) == (outcome, code), answer
    return answer


NOW = iso(datetime.now(UTC))
COVERAGE = GatePlan("coverage", "coverage", {"line": 0.7}, "coverage", 86400.0)


def test_evidence_that_came_with_the_build_is_judged_and_its_digest_told(app: AppHost, promotion: Promotion) -> None:
    evidence = {"coverage": {"inline": LCOV, "produced_at": iso(clock.now())}}
    answer = app.activity("ask_gate", order(promotion, COVERAGE, evidence=evidence))
    ended(answer, Outcome.PASSED)
    assert answer.result["digest"] == f"sha256:{hashlib.sha256(LCOV.encode()).hexdigest()}"
    assert answer.result["produced_at"] and answer.result["facts"] and "kept" not in answer.result
    strict = replace(COVERAGE, settings={"line": 0.8})
    failed = app.activity("ask_gate", order(promotion, strict, evidence=evidence))
    assert failed.state == Outcome.FAILED and "75" in failed.words and "80" in failed.words


def test_the_first_answer_of_an_asking_stays(app: AppHost, promotion: Promotion) -> None:
    id = f"{promotion.id}:prod:coverage:gate:same"
    good = {"coverage": {"inline": LCOV, "produced_at": iso(clock.now())}}
    first = app.activity("ask_gate", order(promotion, COVERAGE, id, evidence=good))
    assert app.activity("ask_gate", order(promotion, COVERAGE, id)) == first


@pytest.mark.parametrize(
    ("entry", "outcome", "code"),
    [
        (None, Outcome.NOT_ENOUGH_EVIDENCE, "EVIDENCE_MISSING"),
        ({"inline": LCOV, "produced_at": "2020-01-01T00:00:00Z"}, Outcome.NOT_ENOUGH_EVIDENCE, "EVIDENCE_STALE"),
        ({"inline": LCOV, "produced_at": "then"}, Outcome.BROKEN, "EVIDENCE_UNREADABLE"),
        ({"url": "https://169.254.169.254/metadata", "produced_at": NOW}, Outcome.BROKEN, "EVIDENCE_NOT_ALLOWED"),
        ({"line": 0.9, "produced_at": NOW}, Outcome.BROKEN, "EVIDENCE_UNREADABLE"),
    ],
)
def test_evidence_that_cannot_count_fails_closed_and_does_not_blame_the_release(
    app: AppHost, promotion: Promotion, entry: dict[str, Any] | None, outcome: Outcome, code: str
) -> None:
    given = {"coverage": entry} if entry else {}
    answer = app.activity("ask_gate", order(promotion, COVERAGE, evidence=given))
    ended(answer, outcome, code)
    if code == "EVIDENCE_MISSING":
        assert f"slipway evidence add {promotion.id} coverage --file FILE" in answer.words


def coverage_of(hit: int) -> dict[str, Any]:
    lines = "".join(f"DA:{n},{int(n <= hit)}\n" for n in range(1, 11))
    return {"coverage": {"inline": f"TN:\nSF:a.py\n{lines}LF:10\nLH:{hit}\nend_of_record\n"}}


def test_coverage_is_compared_with_the_last_release_that_the_ledger_has_as_proven(
    app: AppHost, promotion: Promotion
) -> None:
    gate, place = replace(COVERAGE, settings={"not_lower": True}, max_age_s=0.0), Place(app)

    def said(version: str, hit: int) -> Answer:
        build = a_build(version).dump() | {"evidence": coverage_of(hit)}
        return app.activity("ask_gate", order(promotion, gate) | {"build": build, "environment": place.environment})

    ended(said("1.0", 9), Outcome.PASSED)
    ended(said("1.1", 5), Outcome.PASSED)
    place.released("1.0")
    fell = ended(said("1.2", 5), Outcome.FAILED, "COVERAGE_FELL")
    assert "50" in fell.words and "90" in fell.words
    ended(said("1.3", 9), Outcome.PASSED)


def test_a_performance_gate_compares_the_loads_of_the_stage_that_it_names(app: AppHost, promotion: Promotion) -> None:
    place = Place(app)
    settings_ = {"stage": "production", "environment": place.environment, "targets": ["weu", "neu"]}
    gate = GatePlan("performance", "performance", {**settings_, "loads": [plain(PEAK)]})

    def said(version: str) -> Answer:
        return app.activity("ask_gate", order(promotion, gate) | {"build": a_build(version).dump()})

    ended(said("1.0"), Outcome.NOT_ENOUGH_EVIDENCE, "LOAD_MISSING")
    place.compare("1.0", 100, 100)
    assert "nothing to compare with" in ended(said("1.0"), Outcome.PASSED).words
    place.released("1.0")
    place.compare("1.1", 100, 400)
    slower = ended(said("1.1"), Outcome.FAILED, "LOAD_SLOWER_THAN_PREVIOUS")
    assert slower.words.startswith("neu peak") and slower.result["facts"] == {
        "weu peak": "passed",
        "neu peak": "failed",
    }
    place.compare("1.2", 100, 101)
    ended(said("1.2"), Outcome.PASSED)


def kql(query: str, expect: str = "none", workspace: str = WORKSPACE) -> GatePlan:
    return GatePlan("incident", "kql", {"query": query, "expect": expect, "over": 3600.0, "workspace": workspace})


FEW = "AppRequests | where AppVersion == version and AppRoleName == 'nobody-has-this-role'"


def test_a_question_to_the_workspace_passes_by_its_rows(app: AppHost, promotion: Promotion) -> None:
    passed = ended(app.activity("ask_gate", order(promotion, kql(FEW))), Outcome.PASSED)
    assert "0 rows" in passed.words and passed.result["facts"] == {"rows": 0, "expected": "none"}
    ended(app.activity("ask_gate", order(promotion, kql(FEW, "some"))), Outcome.FAILED, "GATE_UNMET")
    one = kql("print open = 1")
    ended(app.activity("ask_gate", order(promotion, one)), Outcome.FAILED, "GATE_UNMET")


def test_a_query_that_the_workspace_does_not_take_breaks_and_one_that_is_away_is_asked_again(
    app: AppHost, azure: AzureStandin, promotion: Promotion
) -> None:
    ended(app.activity("ask_gate", order(promotion, kql("AppRequests | wheer x"))), Outcome.BROKEN, "KQL_REFUSED")
    azure.fault("POST", "/query", answer={"status": 503}, times=1)
    assert app.activity("ask_gate", order(promotion, kql(FEW))).running
    azure.fault("POST", "/query", answer={"status": 403}, times=1)
    denied = app.activity("ask_gate", order(promotion, kql(FEW)))
    ended(denied, Outcome.BROKEN, "AZURE_DENIED")


def found_by_defender(azure: AzureStandin, digest: str, *severities: str) -> None:
    findings = [{"severity": each} for each in severities] or [{"severity": "Low", "code": "Healthy"}]
    told = {"digest": digest, "findings": findings}
    requests.post(f"{azure.url}/standin/assessments", json=told, verify=str(azure.settings.ca_file),
                  timeout=30).raise_for_status()  # fmt: skip


def test_defender_is_asked_by_the_digests_that_are_deployed(
    app: AppHost, azure: AzureStandin, promotion: Promotion
) -> None:
    gate = GatePlan("defender", "defender", {"max": {"critical": 0, "high": 1}})
    silent = app.activity("ask_gate", order(promotion, gate, digests=[DIGEST]))
    ended(silent, Outcome.NOT_ENOUGH_EVIDENCE, "DEFENDER_NOT_SCANNED")
    found_by_defender(azure, DIGEST)
    ended(app.activity("ask_gate", order(promotion, gate, digests=[DIGEST])), Outcome.PASSED)
    found_by_defender(azure, DIGEST, "High", "High", "Low")
    bad = app.activity("ask_gate", order(promotion, gate, digests=[DIGEST]))
    ended(bad, Outcome.FAILED, "VULNERABILITIES_TOO_MANY")
    assert "high 2 of 1 allowed" in bad.words and bad.result["facts"]["findings"] == {"high": 2, "low": 1}
    ended(app.activity("ask_gate", order(promotion, gate)), Outcome.NOT_ENOUGH_EVIDENCE, "NO_DIGEST")
    azure.fault("POST", "Microsoft.ResourceGraph", answer={"status": 429, "headers": {"retry-after": "7"}}, times=1)
    throttled = app.activity("ask_gate", order(promotion, gate, digests=[DIGEST]))
    assert throttled.running and throttled.after_s >= 7


# webhooks

SECRET = "a-webhook-key"


def change(azure: AzureStandin, name: str) -> GatePlan:
    return GatePlan("change", "webhook", {"url": f"{azure.url}/standin/webhooks", "secret": name})


def posted(azure: AzureStandin) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(
        f"{azure.url}/standin/webhooks", verify=str(azure.settings.ca_file), timeout=30
    ).json()
    return found


def test_a_webhook_is_asked_once_signed_and_its_answer_taken_once(
    app: AppHost, azure: AzureStandin, promotion: Promotion
) -> None:
    name = a_secret(azure, SECRET)
    asked = order(promotion, change(azure, name))
    first = app.activity("ask_gate", asked)
    assert first.running and first.handle
    assert app.activity("ask_gate", asked | {"handle": first.handle}).running
    (sent,) = [each for each in posted(azure) if each["headers"]["webhook-id"] == asked["operation"]]
    body = json.loads(sent["body"])
    assert (body["version"], body["environment"], body["gate"]) == (promotion.version, "prod", "change")
    signed = f"{asked['operation']}.{sent['headers']['webhook-timestamp']}.{sent['body']}".encode()
    right = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert sent["headers"]["webhook-signature"] == f"v1,{right}"
    assert SECRET not in sent["body"] and body["callback"].startswith("https://slipway.example/api/gates?token=")
    token = body["callback"].partition("token=")[2]
    assert Callbacks().take(token, {"outcome": "passed", "words": "CHG1 is approved"}).operation == asked["operation"]
    answer = ended(app.activity("ask_gate", asked | {"handle": first.handle}), Outcome.PASSED)
    assert answer.words == "CHG1 is approved" and answer.result["produced_at"]
    with pytest.raises(CallbackRefused) as used:
        Callbacks().take(token, {"outcome": "failed", "words": ""})
    assert used.value.code == "CALLBACK_USED"


def test_a_no_is_a_no_and_one_who_does_not_take_the_question_breaks(
    app: AppHost, azure: AzureStandin, promotion: Promotion
) -> None:
    name = a_secret(azure, SECRET)
    asked = order(promotion, change(azure, name))
    Callbacks().expect(promotion.id, asked["operation"], name, datetime.now(UTC) + timedelta(hours=1))
    token = Callbacks().expect(promotion.id, asked["operation"], name, datetime.now(UTC) + timedelta(hours=2))
    Callbacks().take(token, {"outcome": "failed", "words": "a freeze is on"})
    said = ended(app.activity("ask_gate", asked), Outcome.FAILED, "GATE_REFUSED")
    assert said.words == "a freeze is on"
    azure.fault("POST", "/standin/webhooks", answer={"status": 503}, times=1)
    assert app.activity("ask_gate", order(promotion, change(azure, name))).running
    azure.fault("POST", "/standin/webhooks", answer={"status": 404}, times=1)
    refused = app.activity("ask_gate", order(promotion, change(azure, name)))
    ended(refused, Outcome.BROKEN, "WEBHOOK_REFUSED")
    gate = GatePlan("change", "webhook", {"url": "https://127.0.0.1:7443/x", "secret": name})
    elsewhere = app.activity("ask_gate", order(promotion, gate))
    ended(elsewhere, Outcome.BROKEN, "EVIDENCE_NOT_ALLOWED")


def made(about: Any) -> str:
    """A token that says this, signed by nobody."""
    return base64.urlsafe_b64encode(json.dumps(about).encode()).decode().rstrip("=") + ".AAAA"


def test_a_token_that_was_altered_or_is_late_or_is_of_another_secret_is_refused(
    azure: AzureStandin, promotion: Promotion
) -> None:
    name, other = a_secret(azure, SECRET), a_secret(azure, "another-key")
    callbacks, said = Callbacks(), {"outcome": "passed", "words": ""}
    first, second = (f"{promotion.id}:prod:change:gate:{n}" for n in ("a", "b"))
    token = callbacks.expect(promotion.id, first, name, datetime.now(UTC) + timedelta(hours=1))
    of_other = callbacks.expect(promotion.id, second, other, datetime.now(UTC) + timedelta(hours=1))
    about, _, signed = token.partition(".")
    elsewhere = [made([promotion.id, id, "x"]) for id in (f"{promotion.id}/../x", f"{promotion.id}#", "", 7, None)]
    elsewhere += [made(each) for each in ({"a": 1, "b": 2, "c": 3}, [promotion.id, first], None, [[[]]], "abc")]
    forged = [
        *elsewhere,
        f"{about}.é",
        "", "x", ".", "e30.e30", f"{about}.", f"{about}.{of_other.partition('.')[2]}",
        f"{of_other.partition('.')[0]}.{signed}", token[:-1], token + "A", "A" * 5000,
        *(f"{token[:n]}{'A' if token[n] != 'A' else 'B'}{token[n + 1:]}" for n in range(0, len(token) - 1, 9)),
    ]  # fmt: skip
    for each in forged:
        with pytest.raises(CallbackRefused) as refused:
            callbacks.take(each, said)
        assert refused.value.code == "CALLBACK_FORGED", each
    late = callbacks.expect(promotion.id, f"{first}-late", name, datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(CallbackRefused) as expired:
        callbacks.take(late, said)
    assert expired.value.code == "CALLBACK_EXPIRED"
    assert callbacks.answer_of(promotion.id, first) is callbacks.answer_of(promotion.id, f"{first}-late") is None
