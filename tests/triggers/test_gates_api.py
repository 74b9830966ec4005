"""Evidence that is supplied later, and the call back of a webhook gate: who may, what is on record, what is refused."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from slipway.adapters.gates.callbacks import Callbacks
from slipway.adapters.read_model import write_row
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.settings import settings
from tests.activities.conftest import a_secret
from tests.app_host import AppHost, Reply, eventually, has_ended
from tests.laptop import AzureStandin
from tests.triggers.conftest import ALICE, BOB, ERIN, Underway, intake

pytestmark = pytest.mark.usefixtures("configured")
SHA = "a" * 64


@pytest.fixture
def gated(it: Underway) -> Underway:
    """Its production has a gate on coverage, by the plan that was frozen when it began."""
    gate = GatePlan("coverage", "coverage", {"line": 0.8}, "coverage")
    stages = tuple(
        replace(stage, gates=(gate,)) if stage.name == "production" else stage for stage in it.run.plan.stages
    )
    run = replace(it.run, plan=replace(it.run.plan, stages=stages))
    write_row(run.id, "promotion", 2, run.row())
    return Underway(it.app, run)


def supply(it: Underway, who: dict[str, str] = ALICE, **body: Any) -> Reply:
    given = {"name": "coverage", "inline": "TN:", **body}
    return it.app.http("POST", f"/api/promotions/{it.id}/evidence", who, given)


def test_evidence_is_kept_by_its_name_and_number_and_on_record_by_its_digest(gated: Underway) -> None:
    assert supply(gated).status == 200
    reply = supply(gated, url="https://ci.example/coverage", inline=None, sha256=SHA, command="k2")
    assert (reply.status, reply.json["words"]) == (200, "the gates that read coverage are asked again")
    kept = gated.app.entity("decisions", gated.id)["evidence"]["coverage"]
    assert (kept["n"], kept["url"], kept["sha256"], kept["by"]) == (
        2,
        "https://ci.example/coverage",
        SHA,
        "Alice Adams",
    )
    assert kept["produced_at"] and "inline" not in kept
    assert gated.records == [("evidence.supplied", "")] * 2


def test_the_same_request_counts_once_and_its_key_for_nothing_else(gated: Underway) -> None:
    assert supply(gated, command="k1", produced_at="2026-11-01T00:00:00Z").status == 200
    assert supply(gated, command="k1", produced_at="2026-11-01T00:00:00Z").status == 200
    assert supply(gated, command="k1", inline="other").problem == (409, "COMMAND_REUSED")
    assert gated.app.entity("decisions", gated.id)["evidence"]["coverage"]["n"] == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"name": "covrage"}, (404, "UNKNOWN_EVIDENCE")),
        ({"name": "../x"}, (422, "INVALID_BODY")),
        ({"inline": None}, (422, "INVALID_BODY")),
        ({"url": "https://ci.example/x"}, (422, "INVALID_BODY")),
        ({"url": "http://ci.example/x", "inline": None}, (422, "INVALID_BODY")),
        ({"url": "file:///etc/passwd", "inline": None}, (422, "INVALID_BODY")),
        ({"sha256": "abc"}, (422, "INVALID_BODY")),
        ({"produced_at": "yesterday"}, (422, "INVALID_BODY")),
        ({"produced_at": "2026-11-01T00:00:00"}, (422, "INVALID_BODY")),
        ({"outcome": "passed"}, (422, "INVALID_BODY")),
        ({"inline": "x" * 40_000}, (409, "EVIDENCE_TOO_LARGE")),
    ],
)
def test_what_is_no_evidence_is_refused(gated: Underway, body: dict[str, Any], problem: tuple[int, str]) -> None:
    assert supply(gated, **body).problem == problem
    assert not (gated.app.entity("decisions", gated.id) or {}).get("evidence")


@pytest.mark.parametrize("who", [BOB, ERIN], ids=["approver", "reader"])
def test_whoever_may_not_supply_evidence_is_refused_and_on_record(gated: Underway, who: dict[str, str]) -> None:
    assert supply(gated, who).problem == (403, "FORBIDDEN")
    assert gated.records == [("evidence.supplied", ""), ("evidence.refused", "FORBIDDEN")]


def test_nobody_supplies_evidence_for_what_is_not_there(app: AppHost, gated: Underway) -> None:
    unknown = app.http("POST", "/api/promotions/checkout--none/evidence", ALICE, {"name": "coverage", "inline": "x"})
    assert unknown.problem == (404, "UNKNOWN_PROMOTION")
    assert gated.command("abort").status == 200 and intake(gated.id)["aborted"]
    assert supply(gated).problem == (409, "ALREADY_ABORTED")


# the call back of a webhook gate


@pytest.fixture
def callback(azure: AzureStandin, it: Underway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    monkeypatch.setenv("SLIPWAY_VAULT", azure.url)
    settings.cache_clear()
    secret = a_secret(azure, "a-webhook-key")

    def expected(operation: str = "a", ends: timedelta = timedelta(hours=1)) -> str:
        id = f"{it.id}:production:change:gate:{operation}"
        return Callbacks().expect(it.id, id, secret, datetime.now(UTC) + ends)

    yield expected
    settings.cache_clear()


def call(app: AppHost, token: str, **body: Any) -> Reply:
    return app.http("POST", f"/api/gates?token={token}", {}, {"outcome": "passed", "words": "CHG1 is approved", **body})


def test_an_answer_is_taken_once_and_is_on_record(app: AppHost, it: Underway, callback: Callable[..., str]) -> None:
    token = callback()
    assert call(app, token).status == 200
    assert call(app, token, outcome="failed").problem == (409, "CALLBACK_USED"), "a replay changes nothing"
    kept = Callbacks().answer_of(it.id, f"{it.id}:production:change:gate:a")
    assert kept and (kept["outcome"], kept["words"]) == ("passed", "CHG1 is approved")
    assert it.records == [("gate.answered", "")]


def test_a_forged_late_or_senseless_answer_is_refused(app: AppHost, it: Underway, callback: Callable[..., str]) -> None:
    token, other = callback("b"), callback("c", timedelta(seconds=-1))
    about, _, signed = token.partition(".")
    for forged in ("", "x", about, f"{about}.AAAA", f"{other.partition('.')[0]}.{signed}"):
        assert call(app, forged).problem == (401, "CALLBACK_FORGED")
    assert call(app, other).problem == (410, "CALLBACK_EXPIRED")
    assert call(app, token, outcome="perhaps").problem == (422, "INVALID_BODY")
    assert it.records == [] and call(app, token).status == 200


def test_the_call_back_wakes_the_asking_which_ends_with_its_answer(
    app: AppHost, azure: AzureStandin, it: Underway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the question, posted to a real server, to the answer that the stage hears; nobody waits five minutes."""
    host = azure.url.removeprefix("https://")
    for name, value in (("VAULT", azure.url), ("EVIDENCE_HOSTS", host), ("URL", "https://slipway.example")):
        monkeypatch.setenv(f"SLIPWAY_{name}", value)
    settings.cache_clear()
    url = f"{azure.url}/standin/webhooks"
    gate = GatePlan("change", "webhook", {"url": url, "secret": a_secret(azure, "a-webhook-key")})
    id, ends = f"{it.id}:production:change:gate:1-0-0", iso(datetime.now(UTC) + timedelta(hours=1))
    order = {"promotion": it.id, "environment": "production", "stage": "production", "gate": plain(gate)}
    order |= {"build": it.run.build.dump(), "rev": 1, "until": ends}
    monkeypatch.setattr(app.held, "carried_out", {"nudge", "ask_gate"})
    app.start("operation", id, {"id": id, "activity": "ask_gate", "order": order, "deadline": ends})

    def asked() -> dict[str, Any] | None:
        sent = requests.get(url, verify=str(azure.settings.ca_file), timeout=30).json()
        return next((each for each in sent if each["headers"]["webhook-id"] == id), None)

    question = json.loads(eventually(asked)["body"])  # type: ignore[index]
    assert call(app, question["callback"].partition("token=")[2]).status == 200
    eventually(lambda: has_ended(app, id))
    status = app.status(id)
    assert status and status["output"]["state"] == "passed" and status["output"]["words"] == "CHG1 is approved"
    settings.cache_clear()
