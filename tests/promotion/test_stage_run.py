import json
from dataclasses import replace

from slipway.promotion.events import cloud_event
from slipway.promotion.outcomes import Outcome, failed, iso, passed, worst
from slipway.promotion.overall import overall
from slipway.promotion.plan import Target
from slipway.promotion.stage_parts import Ending, Site, Step
from slipway.promotion.stage_phases import DEPLOY, REPORT, UNDO
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import NOON, a_build, a_policy, a_stage, later

RUN = StageRun(
    promotion="checkout--1.1.0",
    instance="checkout--1.1.0:dev",
    plan=a_stage("dev", approval=a_policy()),
    build=a_build("1.1.0"),
    artifact="https://artifacts/1.1.0.zip",
    sites={"checkout-dev": Site("https://live", "https://idle", "1.0.0", "")},
)


def outcome(stage: str, outcome: str, code: str = "", words: str = "") -> dict[str, str]:
    return {"stage": stage, "outcome": outcome, "code": code, "words": words}


def test_a_run_survives_the_journey_as_json() -> None:
    run = RUN.stepping([Step("deploy", "checkout-dev", "op")], iso(NOON)).to(REPORT, ending=Ending("failed", "X", "y"))
    assert StageRun.load(json.loads(json.dumps(run.dump()))) == run


def test_without_the_lock_a_stage_just_ends_and_with_it_undoes_first() -> None:
    assert RUN.ends(Outcome.CANCELLED).phase == REPORT
    assert replace(RUN, fence=3).ends(Outcome.FAILED).phase == UNDO


def test_the_row_shows_what_is_live_before_and_after_the_switch() -> None:
    run = RUN.to(DEPLOY).stepping([Step("deploy", "checkout-dev", "op")], iso(NOON))
    assert stage_row(run)["targets"] == [
        {"name": "checkout-dev", "address": "https://live", "live": "1.0.0", "idle": ""}
    ]
    run = run.stepped("deploy", "checkout-dev", passed("done"), iso(later(seconds=2)))
    assert stage_row(run)["targets"][0]["idle"] == "1.1.0"
    switched = stage_row(replace(run, switched=True))["targets"][0]
    assert (switched["live"], switched["idle"]) == ("1.1.0", "1.0.0")


def test_a_step_that_begins_again_takes_its_own_place() -> None:
    run = RUN.stepping([Step("load", "checkout-dev", "op-1")], iso(NOON))
    run = run.stepped("load", "checkout-dev", failed("LATE", "late"), iso(NOON))
    run = run.stepping([Step("load", "checkout-dev", "op-2")], iso(later(seconds=5)))
    assert [(step.operation, step.state) for step in run.steps] == [("op-2", "running")]


def test_targets_that_serve_the_build_already_are_not_changed() -> None:
    two = a_stage(
        "dev", targets=(Target("weu", "app-service", "/weu", "staging"), Target("neu", "app-service", "/neu", "s"))
    )
    sites = {"weu": Site("", "", "1.1.0", ""), "neu": Site("", "", "1.0.0", "")}
    assert [target.name for target in replace(RUN, plan=two, sites=sites).changing] == ["neu"]


def test_a_promotion_passes_when_every_stage_passed() -> None:
    assert overall([outcome("dev", "passed"), outcome("test", "passed")]).outcome == Outcome.PASSED


def test_a_promotion_names_the_stage_that_decided_not_those_that_followed() -> None:
    ending = overall(
        [
            outcome("dev", "passed"),
            outcome("test", "failed", "LOAD_ERROR_RATE", "error rate 20 %"),
            outcome("staging", "cancelled", "NEED_NOT_PASSED", "stage test ended failed"),
        ]
    )
    assert ending == Ending("failed", "LOAD_ERROR_RATE", "stage test: error rate 20 %")


def test_a_failure_outweighs_a_cancellation_side_by_side() -> None:
    assert worst([passed(), failed("A", "a")]).code == "A"
    assert worst([]).outcome == Outcome.PASSED


def test_an_event_is_a_cloud_event_with_the_records_id() -> None:
    record = {
        "promotion": "checkout--1.1.0",
        "id": "checkout--1.1.0:dev:3",
        "at": iso(NOON),
        "actor": "slipway",
        "action": "stage.passed",
        "stage": "dev",
        "words": "live",
        "evidence": {},
    }
    event = json.loads(cloud_event(record))
    assert (event["specversion"], event["id"], event["type"]) == ("1.0", record["id"], "slipway.stage.passed")
    assert event["data"]["stage"] == event["subject"] == "dev"
