"""The canary block: read and checked like the rest, and no build is promoted with it yet."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from slipway.promotion import schema
from slipway.promotion.errors import BuildRejected
from slipway.promotion.judge.policy import Policy
from slipway.promotion.matching import check_it_runs
from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.pipeline.canary import CanaryRollout
from tests.promotion.pipeline_texts import a_pipeline, a_stage

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
        ("steps: [5%, 50%]", "STEPS_DO_NOT_RISE", "the last step is 100%, not 0.5"),
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


def test_no_build_is_promoted_with_a_canary_yet_and_the_refusal_names_it() -> None:
    pipeline = read_pipeline(with_rollout("{canary: {}}"), "p.yaml")
    with pytest.raises(BuildRejected) as refused:
        check_it_runs(pipeline)
    assert refused.value.code == "DOES_NOT_RUN"
    assert 'stage dev rolls out as a "canary"' in refused.value.words
    assert "cannot promote with them yet" in refused.value.words
    assert compile_plan(pipeline, "").stages[0].rollout == "canary"
    check_it_runs(read_pipeline(with_rollout("all-at-once"), "p.yaml"))
