"""Pipelines over HTTP: what is deployed, what is wrong with a text, what would happen to a build and what stops it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.read_model import write_row
from slipway.promotion.ids import stage_id
from slipway.promotion.outcomes import iso
from slipway.promotion.ramp_run import RampRun
from slipway.promotion.stage_phases import RAMP
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun
from tests.app_host import AppHost, eventually
from tests.conftest import PIPELINES
from tests.triggers.conftest import ALICE, ERIN, a_message
from triggers.intake import match

pytestmark = pytest.mark.usefixtures("configured")

TEXT = (PIPELINES / "checkout.yaml").read_text()
PLAN, LINT = "/api/pipelines/plan", "/api/pipelines/lint"


def elsewhere(place: str) -> str:
    """The pipeline with its environments renamed, so that no other test's locks are in the way."""
    return TEXT.replace("environment: test", f"environment: {place}").replace(
        "environment: production", f"environment: {place}-live"
    )


def plan(app: AppHost, text: str | None = None, **asked: Any) -> Any:
    reply = app.http("POST", PLAN, ERIN, {"service": "checkout", **asked} | ({"pipeline": text} if text else {}))
    assert reply.status == 200, reply
    return reply.json


def reasons(document: Any, stage: str) -> list[tuple[str, str]]:
    found = next(each for each in document["stages"] if each["name"] == stage)["may_promote"]
    assert found["allowed"] == (not any(each["blocks"] for each in found["reasons"]))
    return [(each["code"], each["ended_by"]) for each in found["reasons"]]


def hold(app: AppHost, environment: str, id: str) -> None:
    now = datetime.now(UTC)
    said = {"id": id, "by": "Dave", "reason": "stocktaking", "at": iso(now), "expires_at": iso(now + timedelta(days=1))}
    app.signal("environment", f"{environment}--checkout", "hold", said)


def test_the_deployed_pipelines_are_listed_with_their_digests(app: AppHost) -> None:
    listed = app.http("GET", "/api/pipelines", ERIN).json
    checkout, ramped, ringed, suite = listed["pipelines"]
    assert (checkout["service"], checkout["owner"], checkout["file"]) == ("checkout", "team-checkout", "checkout.yaml")
    assert checkout["stages"] == ["test", "production"]
    assert checkout["digest"] == plan(app)["pipeline_digest"]
    assert checkout["builds"] == plan(app)["builds"]
    assert checkout["builds"][0] == "Azure DevOps: definition checkout", "what has its name, as it says nothing else"
    assert (ramped["service"], ramped["stages"]) == ("ramped", ["production"])
    assert ringed["stages"] == ["production-tenants", "production-eu"], "each ring is a stage"
    assert suite["stages"] == ["staging"]
    assert listed["findings"] == []


def test_a_plan_says_where_a_ring_stands(app: AppHost) -> None:
    shown = app.http("POST", PLAN, ERIN, {"service": "ringed"}).json["stages"]
    assert [(each["ring"]["number"], each["ring"]["of"], each["max_parallel"]) for each in shown] == [
        (1, "production", 0),
        (2, "production", 1),
    ]


def test_a_text_is_linted_with_positions(app: AppHost) -> None:
    assert app.http("POST", LINT, ERIN, {"pipeline": TEXT}).json == {"findings": []}
    found = app.http("POST", LINT, ERIN, {"pipeline": "service: Shop\n", "file": "shop.yaml"}).json["findings"]
    assert (found[0]["file"], found[0]["line"], found[0]["code"]) == ("shop.yaml", 1, "MISSING_KEY")


def test_a_plan_of_some_build_says_what_would_happen_and_what_would_stop_it(app: AppHost) -> None:
    hold(app, "mars-live", "mars-live.checkout.h1")
    shown = plan(app, elsewhere("mars"))
    assert (shown["version"], shown["promotion"], shown["known"]) == ("", "", False)
    assert shown["artifact"] == "https://packages.example/checkout/{version}.zip"
    assert reasons(shown, "test") == [("FIRST_RELEASE", "")]
    assert reasons(shown, "production") == [
        ("NEED_NOT_OVER", "stage test"),
        ("APPROVAL_MISSING", "1 of role:release-manager, not the author"),
        ("HELD", "slipway lift mars-live.checkout.h1"),
        ("FIRST_RELEASE", ""),
    ]


def test_a_plan_with_a_canary_says_how_it_goes(app: AppHost) -> None:
    (stage,) = plan(app, service="ramped")["stages"]
    assert (stage["rollout"], stage["canary"]["policy"]["steps"]) == ("canary", [0.05, 0.5, 1.0])
    assert (stage["canary"]["source"]["role"], stage["watch_s"]) == ("ramped", 0)


def test_a_build_message_is_planned_by_the_deployed_pipeline_as_it_is(app: AppHost, version: str) -> None:
    reply = app.http("POST", PLAN, ALICE, a_message(version))
    assert reply.status == 200, reply
    assert reply.json["promotion"] == f"checkout--{version}"
    assert reply.json["artifact"] == f"https://packages.example/checkout/{version}.zip"
    assert [stage["name"] for stage in reply.json["stages"]] == ["test", "production"]


def test_an_older_build_hears_that_a_newer_one_is_live(app: AppHost, version: str) -> None:
    now = datetime.now(UTC)
    asked = {"holder": "checkout--9:test", "waiter": "w", "promotion": "checkout--9", "stage": "test", "version": "9"}
    asked |= {"finished_at": iso(now), "received_at": iso(now), "at": iso(now)}
    app.signal("environment", "venus--checkout", "acquire", asked)
    taken = plan(app, elsewhere("venus"), version=version)
    assert reasons(taken, "test") == [("LOCK_TAKEN", "checkout--9: its end"), ("FIRST_RELEASE", "")]
    release = {key: asked[key] for key in ("version", "promotion", "finished_at", "received_at", "at")}
    app.signal("environment", "venus--checkout", "switched", asked | {"fence": 1, "release": release})
    app.signal("environment", "venus--checkout", "release", asked | {"fence": 1, "result": "proven"})
    older = iso(now - timedelta(hours=1))
    assert reasons(plan(app, elsewhere("venus"), version=version, finished_at=older), "test") == [("BEHIND", "")]
    assert reasons(plan(app, elsewhere("venus"), version=version), "test") == []
    assert reasons(plan(app, elsewhere("venus"), version="9"), "test") == [("ALREADY_LIVE", "")]


def test_a_build_that_was_taken_in_says_how_its_promotion_stands(app: AppHost, version: str) -> None:
    promotion = begun(app, version)
    given = {"command": "k1", "by": "Alice", "at": iso(datetime.now(UTC)), "reason": "lunch", "stage": ""}
    app.signal("decisions", promotion, "pause", given)
    shown = plan(app, elsewhere("pluto"), version=version)
    assert shown["known"]
    assert reasons(shown, "test")[0] == ("PAUSED", f"slipway resume {promotion}")


def test_each_open_stage_of_a_promotion_says_every_reason(app: AppHost, version: str) -> None:
    promotion = begun(app, version)
    hold(app, "production", "production.checkout.h9")
    given = {"stage": "test", "outcome": "failed", "attempt": 1, "over": False, "waiter": "w", "until": ""}
    app.signal("decisions", promotion, "report", given)
    shown = app.http("GET", f"/api/promotions/{promotion}", ERIN).json
    assert ("RETRY_OPEN", f"slipway retry {promotion} test") in reasons(shown, "test")
    production = reasons(shown, "production")
    assert production[0] == ("NEED_NOT_OVER", f"slipway retry {promotion} test")
    assert ("HELD", "slipway lift production.checkout.h9") in production
    app.signal("environment", "production--checkout", "lift", {"id": "production.checkout.h9"})
    app.signal("decisions", promotion, "end", {"outcome": "failed"})
    ended = app.http("GET", f"/api/promotions/{promotion}", ERIN).json
    assert [stage["may_promote"] for stage in ended["stages"]] == [None, None]


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        (PLAN, b"{", (400, "NOT_JSON")),
        (PLAN, b"[]", (422, "INVALID_BODY")),
        (PLAN, b"{}", (422, "INVALID_BODY")),
        (PLAN, b'{"service": "Checkout"}', (422, "INVALID_BODY")),
        (PLAN, b'{"service": "checkout", "version": "1/2"}', (422, "INVALID_BODY")),
        (PLAN, b'{"service": "checkout", "finished_at": "2026-01-01"}', (422, "INVALID_BODY")),
        (PLAN, b'{"service": "checkout", "finished_at": "2099-01-01T00:00:00Z"}', (422, "FINISHED_IN_THE_FUTURE")),
        (PLAN, b'{"service": "checkout", "branch": "feature/x"}', (422, "BRANCH_NOT_PROMOTED")),
        (PLAN, b'{"service": "checkout", "result": "failed"}', (422, "BUILD_NOT_SUCCEEDED")),
        (PLAN, b'{"service": "nobody"}', (404, "UNKNOWN_SERVICE")),
        (PLAN, b'{"service": "checkout", "pipeline": "service: Shop"}', (422, "PIPELINE_INVALID")),
        (PLAN, b"x" * 262_145, (413, "TOO_LARGE")),
        (LINT, b'{"pipeline": 1}', (422, "INVALID_BODY")),
        (LINT, b"x" * 262_145, (413, "TOO_LARGE")),
    ],
)
def test_questions_that_cannot_be_answered_are_named(
    app: AppHost, path: str, body: bytes, problem: tuple[int, str]
) -> None:
    assert app.http("POST", path, ERIN, body).problem == problem


def test_a_plan_refuses_another_artifact_and_another_service(app: AppHost, version: str) -> None:
    app.deliver(a_message(version, commit="aaaaaaa"))
    asked = {"service": "checkout", "version": version, "commit": "bbbbbbb"}
    assert app.http("POST", PLAN, ERIN, asked).problem == (409, "VERSION_REUSED")
    other = TEXT.replace("service: checkout", "service: basket")
    assert app.http("POST", PLAN, ERIN, {"service": "checkout", "pipeline": other}).problem == (422, "OTHER_SERVICE")


def begun(app: AppHost, version: str) -> str:
    """A promotion that has begun, as far as its rows and its decisions know."""
    app.deliver(a_message(version))
    run = match(a_message(version)).run(datetime.now(UTC))
    write_row(run.id, "promotion", 1, run.row())
    app.signal("decisions", run.id, "begin", {"stages": [stage.name for stage in run.plan.stages]})
    eventually(lambda: app.status(run.id))
    return run.id


def test_a_stage_that_ramps_shows_how_far_its_canary_is(app: AppHost, version: str) -> None:
    body = a_message(version, service="ramped")
    app.deliver(body)
    run = match(body).run(datetime.now(UTC))
    write_row(run.id, "promotion", 1, run.row())
    plan, at = run.plan.stage("production"), iso(datetime.now(UTC))
    stage = StageRun(run.id, stage_id(run.id, "production"), plan, run.build, run.artifact, phase=RAMP)
    verdict = {"action": "wait", "code": "TOO_SOON", "words": "1 of at least 3 ticks judged at 5%", "missing_s": None}
    ramp = RampRun(stage, f"{stage.instance}:ramp:1", at, at, 1, 0.05, 0.05, verdict=verdict, since=at)
    write_row(run.id, "stage:production", 1, stage_row(stage))
    assert app.http("GET", f"/api/promotions/{run.id}", ERIN).json["stages"][0]["ramp"] is None
    write_row(run.id, "ramp:production", 1, ramp.row())
    (shown,) = app.http("GET", f"/api/promotions/{run.id}", ERIN).json["stages"]
    assert (shown["state"], shown["ramp"]["share"], shown["ramp"]["code"]) == ("ramping", 0.05, "TOO_SOON")
    assert "1 of at least 3 ticks" in shown["ramp"]["words"]
