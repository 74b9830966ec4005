"""The flag block: read and checked like the rest, and compiled into a ramp of users."""

import json

import jsonschema
import pytest
import yaml

from slipway.promotion import schema
from slipway.promotion.canary_plan import IGNORE, ROLL_BACK, STAY, CanaryPlan
from slipway.promotion.flags.comparison_plan import ComparisonPlan
from slipway.promotion.flags.document import FlagTesters
from slipway.promotion.flags.plan import FlagPlan
from slipway.promotion.pipeline import Finding, compile_plan, lint, read_pipeline
from slipway.promotion.plan import load_stage
from tests.promotion.pipeline_texts import a_pipeline, a_stage

FULL = """{flag: {name: new-checkout, label: production, testers: {users: [alice@example.com], groups: [insiders],
      header: x-user-id, path: /pay}, steps: [5%, 25%, 100%], ramp: careful, tick: 2m, settle: 45s, patience: 12,
      telemetry: {role: shop-web, delay: 3m, slow: 2s},
      judge: {error_rate: {worse_by_at_most: 20%}, false_rollback: 2%}, budget: 7,
      hold_at: [25%], on_harm: roll-back, on_alert: ignore, within: 3d, at_deadline: stay, expires: 30d}}"""


def with_rollout(rollout: str, more: str = "") -> str:
    return a_pipeline(a_stage("dev", f"    rollout: {rollout}\n{more}"))


def ramp_of(text: str) -> CanaryPlan:
    canary = compile_plan(read_pipeline(text, "p.yaml"), "sha256:0").stages[0].canary
    assert canary is not None
    return canary


def only(text: str) -> Finding:
    (finding,) = lint(text, "p.yaml")
    return finding


def test_a_name_is_enough() -> None:
    ramp = ramp_of(with_rollout("{flag: {name: new-checkout}}"))
    assert ramp.flag == FlagPlan("new-checkout", owner="team-shop")
    assert ramp.policy.steps == (0.05, 0.25, 0.5, 1.0) and ramp.settle_s == 30
    assert (ramp.signals.probe, ramp.signals.counters, ramp.saturation) == (IGNORE, IGNORE, IGNORE)
    assert ramp.on_harm == ROLL_BACK


def test_every_key_reaches_the_ramp() -> None:
    ramp = ramp_of(with_rollout(FULL))
    testers = FlagTesters(("alice@example.com",), ("insiders",))
    assert ramp.flag == FlagPlan(
        *("new-checkout", "production", testers, "x-user-id", "/pay", "team-shop"),
        expires_s=30 * 86_400,
        on_harm="roll-back",
        slow_ms=2000,
    )
    assert ramp.source.role == "shop-web"
    policy = ramp.policy
    assert (policy.steps, policy.ramp, policy.tick_s, policy.delay_ticks) == ((0.05, 0.25, 1.0), "careful", 120, 2)
    assert (policy.error_margin, policy.false_rollback, policy.budget, policy.patience) == (0.2, 0.02, 7, 12)
    assert (ramp.hold_at, ramp.within_s, ramp.at_deadline, ramp.settle_s) == ((0.25,), 3 * 86_400, STAY, 45)
    assert ramp.signals.alert == IGNORE


def test_a_compiled_ramp_travels_as_json() -> None:
    plan = compile_plan(read_pipeline(with_rollout(FULL), "p.yaml"), "sha256:0")
    stage = plan.stages[0]
    assert stage.rollout == "flag"
    assert load_stage(json.loads(json.dumps(plan.dump()["stages"][0]))) == stage


@pytest.mark.parametrize(
    ("rollout", "code", "words"),
    [
        ("{flag: {}}", "MISSING_KEY", 'a flag needs "name"'),
        ("flag", "WRONG_TYPE", "has settings"),
        ("{flag: {name: 'a b'}}", "INVALID_NAME", "is not the name of a flag"),
        ("{flag: {name: a, label: 'b,c'}}", "INVALID_NAME", "is not a label"),
        ("{flag: {name: a, tick: 10s}}", "TICK_TOO_SHORT", "before applications have read the flag"),
        ("{flag: {name: a, steps: [5%, 50%]}}", "STEPS_DO_NOT_RISE", "the last step is 100%"),
        ("{flag: {name: a, hold_at: [7%]}}", "HOLD_AT_NO_STEP", "7% is none of them"),
        ("{flag: {name: a, router: {}}}", "UNKNOWN_KEY", '"router" is not a key of a flag'),
        ("{flag: {name: a, compare: ab}}", "WRONG_TYPE", ""),
        ("{flag: {name: a, compare: {success: {}}}}", "CONFLICTING_KEYS", "one `event`, or one `request`"),
        ("{flag: {name: a, compare: {success: {event: x, request: y}}}}", "CONFLICTING_KEYS", "one `event`"),
        (
            "{flag: {name: a, compare: {success: {event: x}, variants: {control: b, treatment: b}}}}",
            "CONFLICTING_KEYS",
            '"b" is both of the variants',
        ),
        ("{flag: {name: a, compare: {share: 50%}}}", "MISSING_KEY", 'a comparison needs "success"'),
        ("{flag: {name: a, compare: {success: {event: x}, share: 100%}}}", "OUT_OF_RANGE", "share is 1% to 99%"),
        (
            "{flag: {name: a, compare: {success: {event: x}, share: 33.33333%}}}",
            "STEP_TOO_FINE",
            "a flag is set in steps",
        ),
        ("{flag: {name: a, compare: {success: {event: x}, better_by: 0%}}}", "OUT_OF_RANGE", "better_by is above 0%"),
        ("{flag: {name: a, compare: {success: {event: x}, false_winner: 50%}}}", "OUT_OF_RANGE", "at most 20%"),
        ("{flag: {name: a, compare: {success: {event: x}, at_least: 20d}}}", "OUT_OF_RANGE", "never looked at, or"),
        (
            "{flag: {name: a, hold_at: [50%], compare: {success: {event: x}}}}",
            "HOLD_AT_NO_STEP",
            "the ramp ends at 50%",
        ),
        ("{flag: {name: a, tick: 1h, compare: {success: {event: x}, every: 1m}}}", "OUT_OF_RANGE", "a tick or more"),
        ("{flag: {name: a, within: 5m}}", "RAMP_TOO_SLOW", "would not be over within"),
    ],
)
def test_what_cannot_be_is_refused_by_name(rollout: str, code: str, words: str) -> None:
    finding = only(with_rollout(rollout))
    assert finding.code == code and words in finding.words


COMPARED = """{flag: {name: x, compare: {success: {event: OrderPlaced}, variants: {control: classic, treatment: fast},
      share: 40%, better_by: 3%, within: 21d, at_least: 7d, every: 2h, false_winner: 1%, on_tie: person}}}"""


def test_a_comparison_ends_the_ramp_at_its_share() -> None:
    ramp = ramp_of(with_rollout(COMPARED))
    assert ramp.policy.steps == (0.05, 0.25, 0.4, 1.0) and ramp.flag is not None
    assert ramp.flag.compare == ComparisonPlan(
        *(0.4, "OrderPlaced", "", 0.03, 21 * 86_400, 7 * 86_400, 7200, 0.01, "person", "classic", "fast")
    )
    plan = compile_plan(read_pipeline(with_rollout(COMPARED), "p.yaml"), "sha256:0")
    assert load_stage(json.loads(json.dumps(plan.dump()["stages"][0]))) == plan.stages[0]


def test_a_success_is_enough_to_compare_by() -> None:
    ramp = ramp_of(with_rollout("{flag: {name: x, compare: {success: {request: GET /paid}}}}"))
    assert ramp.flag and ramp.flag.compare == ComparisonPlan(0.5, request="GET /paid")
    assert ramp.policy.steps == (0.05, 0.25, 0.5, 1.0)


@pytest.mark.parametrize("rollout", [FULL, COMPARED, "{flag: {name: x}}"])
def test_editors_take_what_lint_takes(rollout: str) -> None:
    text = with_rollout(rollout)
    assert lint(text, "p.yaml") == []
    jsonschema.validate(yaml.safe_load(text), _published())


def _published() -> dict[str, object]:
    from importlib.resources import files

    read: dict[str, object] = json.loads((files(schema) / "pipeline.schema.json").read_text(encoding="utf-8"))
    return read
