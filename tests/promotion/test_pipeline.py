"""A pipeline is read, and compiled into a plan."""

import json

import pytest

from slipway.promotion.pipeline import PipelineInvalid, compile_plan, digest_of, lint, read_pipeline
from slipway.promotion.plan import ApprovalPolicy, HealthCheck, LoadTest, PromotionPlan, StagePlan
from tests.promotion.pipeline_texts import CHECKOUT, a_pipeline, a_stage, site, verified_by


def planned(text: str) -> PromotionPlan:
    return compile_plan(read_pipeline(text, "p.yaml"), digest_of(text))


def only_stage(more: str, top: str = "") -> StagePlan:
    return planned(a_pipeline(a_stage("dev", more), top=top)).stages[0]


def test_the_shipped_pipeline_is_clean_and_travels_dev_test_staging_production() -> None:
    assert lint(CHECKOUT, "checkout.yaml") == []
    plan = planned(CHECKOUT)
    assert [(stage.name, stage.environment, stage.needs) for stage in plan.stages] == [
        ("dev", "dev", ()),
        ("test", "test", ("dev",)),
        ("staging", "staging", ("test",)),
        ("production", "production", ("staging",)),
    ]
    assert plan.artifact == "https://localhost:7443/artifacts/checkout/{version}.zip"
    assert plan.owner == "team-checkout"


def test_the_shipped_pipeline_asks_a_release_manager_before_production_only() -> None:
    approvals = {stage.name: stage.approval for stage in planned(CHECKOUT).stages}
    assert approvals.pop("production") == ApprovalPolicy(("role:release-manager",), 1, True, 8 * 3600)
    assert set(approvals.values()) == {None}


def test_the_shipped_pipeline_deploys_production_to_two_regions_at_once() -> None:
    targets = planned(CHECKOUT).stage("production").targets
    assert [(target.name, target.resource, target.slot) for target in targets] == [
        ("weu", site("checkout-weu"), "staging"),
        ("neu", site("checkout-neu"), "staging"),
    ]


def test_the_shipped_pipeline_puts_load_on_test_and_staging() -> None:
    plan = planned(CHECKOUT)
    assert plan.stage("test").loads == (LoadTest("everyday", 40, 4, "/", p95_ms=300, error_rate=0.05),)
    assert plan.stage("staging").loads == (
        LoadTest("peak", 60, 4, "/", p95_ms=300, error_rate=0.05, against="previous"),
    )
    assert plan.stage("dev").loads == plan.stage("production").loads == ()
    assert {stage.health for stage in plan.stages} == {HealthCheck(within_s=20, successes=3, interval_s=0.3)}
    assert [stage.bake_s for stage in plan.stages] == [2, 2, 2, 4]


def test_a_plan_survives_the_journey_as_json() -> None:
    plan = planned(CHECKOUT)
    assert PromotionPlan.load(json.loads(json.dumps(plan.dump()))) == plan


def test_what_is_left_out_takes_its_default() -> None:
    text = a_pipeline(a_stage("dev").replace(", slot: staging", ""))
    pipeline, stage = read_pipeline(text, "p.yaml"), planned(text).stages[0]
    assert pipeline.triggers.branches == ["main"]
    assert pipeline.on_newer_build == "queue"
    assert stage.targets[0].slot == "staging"
    assert stage.health == HealthCheck(path="/healthz", version_path="/version", within_s=30, successes=3, interval_s=1)
    assert (stage.rollout, stage.bake_s, stage.deploy_within_s, stage.lock_within_s) == (
        "all-at-once",
        0,
        1200,
        86400,
    )


def test_an_approval_needs_one_person_within_a_day_unless_it_says_otherwise() -> None:
    assert only_stage("    approval: {approvers: [group:qa]}\n").approval == ApprovalPolicy(
        ("group:qa",), 1, False, 86400
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0s", 0),
        ("300ms", 0.3),
        ("30s", 30),
        ("1.5m", 90),
        ("8h", 28800),
        ("1d", 86400),
        ("PT0S", 0),
        ("PT5M", 300),
        ("P1D", 86400),
        ("P1DT1H", 90000),
        ("PT1H30M1.5S", 5401.5),
    ],
)
def test_durations_are_short_or_iso_8601(written: str, seconds: float) -> None:
    assert only_stage(f"    bake: {written}\n").bake_s == seconds


@pytest.mark.parametrize(("written", "ms"), [("300ms", 300), ("0.3s", 300), ("1.5ms", 1.5), ("PT2S", 2000)])
def test_latencies_are_milliseconds_or_seconds(written: str, ms: float) -> None:
    stage = only_stage(verified_by(f"load: {{rate: 1/s, duration: 5s, p99: {written}}}"))
    assert stage.loads[0].p99_ms == ms


@pytest.mark.parametrize(("written", "share"), [("1%", 0.01), ("0.5 %", 0.005), ("0.01", 0.01), ("0", 0), ("0%", 0)])
def test_shares_are_percentages_or_fractions(written: str, share: float) -> None:
    stage = only_stage(verified_by(f"load: {{rate: 1/s, duration: 5s, error_rate: {written}}}"))
    assert stage.loads[0].error_rate == share


def test_a_load_takes_rate_and_path_from_its_profile() -> None:
    stage = only_stage(
        verified_by("load: {profile: peak, duration: 1m, p50: 50ms}"),
        top="profiles: {peak: {rate: 1.5/s, path: '/search?q=x'}}\n",
    )
    assert stage.loads == (LoadTest("peak", 1.5, 60, "/search?q=x", p50_ms=50),)


def test_load_tests_of_one_stage_have_different_names() -> None:
    load = "load: {rate: 5/s, duration: 5s, p95: 1s}"
    named = "load: {profile: load-2, duration: 5s, p95: 1s}"
    top = "profiles: {load-2: {rate: 5/s}}\n"
    stage = only_stage(verified_by(named, load, load), top=top)
    assert [test.name for test in stage.loads] == ["load-2", "load", "load-3"]


def test_stages_are_planned_after_those_that_they_need_whatever_their_order_in_the_text() -> None:
    text = a_pipeline(a_stage("prod", needs="test, check"), a_stage("test"), a_stage("check", needs="test"))
    assert [stage.name for stage in planned(text).stages] == ["test", "check", "prod"]


def test_stages_without_needs_start_side_by_side() -> None:
    text = a_pipeline(a_stage("eu"), a_stage("us"))
    assert [stage.needs for stage in planned(text).stages] == [(), ()]


def test_anchors_save_writing_the_same_check_twice() -> None:
    check = "{path: /up, for: 10s}"
    text = a_pipeline(
        a_stage("dev", verified_by(f"health: &check {check}")),
        a_stage("test", verified_by("health: *check")),
    )
    assert [stage.health.path for stage in planned(text).stages] == ["/up", "/up"]


def test_words_that_older_yaml_takes_for_booleans_and_dates_stay_words() -> None:
    text = a_pipeline(a_stage("no", environment="on"), top="triggers: {branches: [yes, 2026-11-25]}\n")
    pipeline = read_pipeline(text, "p.yaml")
    assert (pipeline.stages[0].name, pipeline.stages[0].environment) == ("no", "on")
    assert pipeline.triggers.branches == ["yes", "2026-11-25"]


def test_the_digest_is_the_text_s_own() -> None:
    assert digest_of("a\n") == "sha256:87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    assert digest_of(CHECKOUT) != digest_of(CHECKOUT + "\n")


def test_an_invalid_pipeline_is_refused_with_all_its_findings() -> None:
    text = a_pipeline(a_stage("dev", "    bake: soon\n"), top="onwer: x\n")
    with pytest.raises(PipelineInvalid) as refused:
        read_pipeline(text, "p.yaml")
    assert list(refused.value.findings) == lint(text, "p.yaml")
    assert [finding.code for finding in refused.value.findings] == ["UNKNOWN_KEY", "INVALID_DURATION"]
    assert refused.value.code == "PIPELINE_INVALID"
    assert 'p.yaml:4:1: UNKNOWN_KEY "onwer" is not a key of a pipeline' in refused.value.words
