"""The canary block: read and checked like the rest, and compiled into what a ramp is carried out by."""

import json
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest
import yaml

from slipway.promotion import schema
from slipway.promotion.canary_plan import CanaryPlan, Signals, TopUp
from slipway.promotion.judge.policy import Policy
from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.pipeline.canary import CanaryRollout
from slipway.promotion.plan import StagePlan, load_stage
from slipway.promotion.telemetry import Source
from tests.promotion.pipeline_texts import a_pipeline, a_stage, a_target

FULL = """{canary: {steps: [1%, 0.2, 100%], ramp: careful, tick: 30s, warm_up: 1m, telemetry: {delay: 45s},
      judge: {error_rate: {worse_by_at_most: 20%}, latency: {worse_by_at_most: 5%}, false_rollback: 0.5%},
      budget: 0, patience: 12}}"""


def with_rollout(rollout: str, more: str = "") -> str:
    return a_pipeline(a_stage("dev", f"    rollout: {rollout}\n{more}"))


def policy_of(text: str) -> Policy:
    stage = read_pipeline(text, "p.yaml").stages[0]
    assert isinstance(stage.rollout, CanaryRollout)
    return stage.rollout.canary.policy(stage.bake)


def only(text: str) -> Finding:
    (finding,) = lint(text, "p.yaml")
    return finding


def test_an_empty_canary_takes_the_judges_own_defaults() -> None:
    assert policy_of(with_rollout("{canary: {}}")) == Policy()


def test_every_key_reaches_the_judge() -> None:
    assert policy_of(with_rollout(FULL, "    bake: 5m\n")) == Policy(
        steps=(0.01, 0.2, 1.0),
        ramp="careful",
        tick_s=30,
        delay_ticks=2,
        warm_up_s=60,
        error_margin=0.2,
        latency_margin=0.05,
        false_rollback=0.005,
        budget=0,
        patience_ticks=12,
        bake_ticks=10,
    )


@pytest.mark.parametrize(
    ("canary", "code", "words"),
    [
        ("steps: [5%, 50%]", "STEPS_DO_NOT_RISE", "the last step is 100%, not 50%"),
        ("steps: [5%, 3%, 100%]", "STEPS_DO_NOT_RISE", "each step is above the one before"),
        ("steps: [0%, 100%]", "STEPS_DO_NOT_RISE", "the first above 0%"),
        ("steps: [100%]", "TOO_FEW", '"steps" has 1; it needs at least 2'),
        ("steps: [5%, 110%]", "INVALID_SHARE", '"110%" is not a percentage from 0% to 100%'),
        ("steps: [5, 100%]", "INVALID_SHARE", "5 is not a percentage"),
        ("ramp: adptive", "UNKNOWN_VALUE", "it can be adaptive, careful, fixed"),
        ("tick: 0s", "OUT_OF_RANGE", "1s to 1h"),
        ("telemetry: {delay: 3}", "INVALID_DURATION", "3 has no unit"),
        ("judge: {false_rollback: 0%}", "OUT_OF_RANGE", "without any doubt allowed no harm is ever proven"),
        ("judge: {false_rollback: 50%}", "OUT_OF_RANGE", "at most 20%"),
        ("judge: {error_rate: {worse_by_at_most: -1%}}", "INVALID_SHARE", "is not a percentage from 0% to 900%"),
        ("tick: 1s, telemetry: {delay: 5m}", "OUT_OF_RANGE", "telemetry comes 300 ticks late; 240 are the most"),
        ("budget: -1", "OUT_OF_RANGE", "at least 0"),
        ("patience: 1", "OUT_OF_RANGE", "at least 2"),
        ("patience: 5m", "WRONG_TYPE", '"5m" is not a whole number'),
        ("stepz: [5%, 100%]", "UNKNOWN_KEY", '"stepz" is not a key of a canary'),
    ],
)
def test_what_makes_no_sense_is_named_at_its_place(canary: str, code: str, words: str) -> None:
    finding = only(with_rollout(f"{{canary: {{{canary}}}}}"))
    assert finding.code == code
    assert words in finding.words
    assert finding.line == 9


def test_the_published_schema_takes_a_canary_and_refuses_a_wrong_one() -> None:
    published = json.loads((Path(schema.__file__).parent / "pipeline.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(published)
    validator.validate(yaml.safe_load(with_rollout(FULL)))
    assert not validator.is_valid(yaml.safe_load(with_rollout("{canary: {rampe: fixed}}")))
    assert not validator.is_valid(yaml.safe_load(with_rollout("canary")))


def planned(canary: str, more: str = "") -> StagePlan:
    return compile_plan(read_pipeline(with_rollout(f"{{canary: {{{canary}}}}}", more), "p.yaml"), "").stages[0]


def test_an_empty_canary_compiles_to_the_plans_own_defaults() -> None:
    stage = planned("")
    assert stage.rollout == "canary"
    assert stage.canary == CanaryPlan(Policy(), Source(workspace="", role="shop"), settle_s=30)
    assert compile_plan(read_pipeline(with_rollout("all-at-once"), "p.yaml"), "").stages[0].canary is None


def test_every_key_reaches_the_plan_and_survives_the_journey_as_json() -> None:
    workspace = "0A000000-0000-4000-8000-000000000001"
    stage = planned(
        "steps: [5%, 25%, 100%], router: {kind: app-service-slots, settle: 10s, unmet: ignore}, "
        f"telemetry: {{workspace: {workspace}, role: Shop.Web, query: 'AppRequests | take 1', latency_query: builtin, "
        "metrics: {paid: 'Payments | take 1', queue-length: Queues}}, "
        "hold_at: [25%], on_harm: stay, within: 2d, at_deadline: promote, proven_within: 7d, "
        "signals: {probe: wait, counters: ignore, alert: roll-back}, top_up: {rate: 1/s, path: /buy}, "
        "judge: {saturation: ignore}",
        "    bake: 10m\n    retain_previous: 24h\n",
    )
    own = (("paid", "Payments | take 1"), ("queue-length", "Queues"))
    assert stage.watch_s == 86_400
    assert stage.canary == CanaryPlan(
        policy=Policy(steps=(0.05, 0.25, 1.0), own_metrics=("paid", "queue-length"), bake_ticks=10),
        source=Source(workspace.lower(), "Shop.Web", "AppRequests | take 1", "builtin", own),
        hold_at=(0.25,),
        on_harm="stay",
        within_s=2 * 86_400,
        at_deadline="promote",
        proven_within_s=7 * 86_400,
        signals=Signals("wait", "ignore", "roll back"),
        top_up=TopUp(1.0, "/buy"),
        settle_s=10,
        saturation="ignore",
        unmet="ignore",
    )
    assert load_stage(json.loads(json.dumps(asdict(stage)))) == stage


@pytest.mark.parametrize(
    ("canary", "code", "words"),
    [
        ("router: {kind: container-apps}", "ROUTER_MISMATCH", "app-service is divided by app-service-slots"),
        (
            "router: {kind: slots}",
            "UNKNOWN_VALUE",
            "container-apps, front-door, traffic-manager",
        ),
        ("router: {kind: dns}", "NO_ROUTER", "a DNS record has no weights: it sends all users to one side"),
        ("router: {kind: traffic-manager}", "ROUTER_MISMATCH", "app-service is divided by app-service-slots"),
        ("router: {settle: 2h}", "OUT_OF_RANGE", "0s to 1h"),
        ("tick: 20s", "TICK_TOO_SHORT", "a tick of 20s is over before app-service-slots has settled, which takes 30s"),
        ("tick: 1m, router: {settle: 90s}", "TICK_TOO_SHORT", "which takes 1.5m"),
        ("steps: [0.005%, 100%]", "STEP_TOO_FINE", "app-service-slots sets multiples of 0.01%, and 0.005% is none"),
        ("steps: [1.005%, 100%]", "STEP_TOO_FINE", "1.005% is none"),
        ("telemetry: {workspace: shop-logs}", "INVALID_RESOURCE", '"shop-logs" is not the id of a Log Analytics'),
        ("telemetry: {query: ' '}", "INVALID_VALUE", "a query is KQL"),
        ("telemetry: {metrics: {p95: X}}", "INVALID_NAME", '"p95" is judged anyway'),
        ("telemetry: {metrics: {Paid: X}}", "INVALID_NAME", '"Paid" is not a name'),
        ("telemetry: {metrics: {a: X, b: X, c: X, d: X, e: X, f: X}}", "TOO_MANY", "the limit is 5"),
        ("hold_at: [30%]", "HOLD_AT_NO_STEP", "which are 5%, 10%, 25%, 50%; 30% is none of them"),
        ("hold_at: [100%]", "HOLD_AT_NO_STEP", "100% is none of them"),
        ("on_harm: rollback", "UNKNOWN_VALUE", "it can be roll-back, stay"),
        ("at_deadline: wait", "UNKNOWN_VALUE", "it can be withdraw, promote, stay"),
        ("within: 10s", "OUT_OF_RANGE", "1m to 30d"),
        ("within: 10m", "RAMP_TOO_SLOW", "patience of 5 ticks × 1m × 4 steps below 100% are 20m"),
        ("signals: {probe: stay}", "UNKNOWN_VALUE", "it can be roll-back, wait, ignore"),
        ("judge: {saturation: roll-back}", "UNKNOWN_VALUE", "it can be wait, ignore"),
        ("router: {unmet: stay}", "UNKNOWN_VALUE", "it can be wait, ignore"),
        ("signals: {probes: wait}", "UNKNOWN_KEY", '"probes" is not a key of signals'),
        ("top_up: {path: /}", "MISSING_KEY", 'a top-up needs "rate"'),
        ("top_up: {rate: 61/s}", "TOO_MUCH_LOAD", "a top-up is at most 60/s"),
        ("settle: 10s", "UNKNOWN_KEY", 'it belongs into "router"'),
    ],
)
def test_what_a_ramp_could_not_do_is_named_at_its_place(canary: str, code: str, words: str) -> None:
    finding = only(with_rollout(f"{{canary: {{{canary}}}}}"))
    assert finding.code == code
    assert words in finding.words
    assert finding.line == 9


def test_a_finding_of_the_stage_s_times_points_at_them() -> None:
    finding = only(with_rollout("{canary: {tick: 5m}}", "    bake: 1m\n"))
    assert (finding.code, finding.line) == ("BAKE_TOO_SHORT", 10)
    assert "a bake of 1m is over before one tick of 5m" in finding.words


def test_a_stage_has_at_most_twenty_targets() -> None:
    targets = ", ".join(a_target(f"t{n}") for n in range(21))
    text = a_pipeline(a_stage("dev", "    rollout: {canary: {}}\n", target=targets))
    assert [finding.code for finding in lint(text, "p.yaml")] == ["TOO_MANY"]
