"""`rollout: {blue-green: …}`: what it compiles to, what lint says of it, and that its page tells the truth."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.cli.blue_green_view import reach_lines, switch_lines
from slipway.promotion.canary_plan import IGNORE, ROLL_BACK
from slipway.promotion.pipeline import compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan, StagePlan
from tests.promotion.pipeline_texts import a_pipeline, a_stage

PAGE = Path(__file__).parents[2] / "docs" / "blue-green.md"


def stage_of(rollout: str, more: str = "    bake: 30m\n") -> StagePlan:
    text = a_pipeline(a_stage("production", f"    rollout: {{blue-green: {rollout}}}\n{more}"))
    plan = compile_plan(read_pipeline(text, "p.yaml"), "sha256:0")
    assert PromotionPlan.load(plan.dump()) == plan
    return plan.stages[0]


def test_the_pipeline_of_the_page_is_sound() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert lint(text, "blue-green.md") == []
    [stage] = compile_plan(read_pipeline(text, "blue-green.md"), "sha256:0").stages
    assert stage.rollout == "blue-green" and stage.switch_approval and stage.judged


def test_without_settings_it_keeps_the_old_side_for_a_day_asks_nobody_and_is_watched_by_probes() -> None:
    stage = stage_of("{}")
    assert stage.blue_green and stage.blue_green.preview and stage.watch_s == 86_400
    assert stage.switch_approval is None and stage.judged is None and stage.canary is None
    assert any("no telemetry is configured" in line for line in switch_lines(stage))


def test_a_plan_says_who_is_asked_what_watches_and_until_when_there_is_which_way_back() -> None:
    settings = "{approval: {approvers: [role:sre], within: 2h}, keep: 3h, preview: false, telemetry: {role: shop-api}}"
    stage = stage_of(settings)
    lines = [*switch_lines(stage), *reach_lines(stage)]
    said = "\n".join(lines)
    for words in (
        "1 of role:sre, within 2",
        "locked meanwhile",
        "role shop-api",
        "shown to nobody",
        "the next deployment",
    ):
        assert words in said, said
    assert lines[-1].startswith("gone with the next deployment")


def test_the_judge_after_a_switch_is_a_canarys() -> None:
    judge = "{error_rate: {worse_by_at_most: 20%}, false_rollback: 2%}"
    stage = stage_of(f"{{telemetry: {{delay: 2m}}, judge: {judge}, signals: {{counters: ignore, alert: roll-back}}}}")
    assert stage.judged and stage.blue_green
    policy = stage.judged.policy
    assert (policy.error_margin, policy.false_rollback, policy.delay_ticks, policy.bake_ticks) == (0.2, 0.02, 2, 30)
    assert (stage.blue_green.counters, stage.blue_green.alert) == (IGNORE, ROLL_BACK)


def test_a_plan_says_how_many_targets_of_a_ring_are_switched_at_a_time() -> None:
    stage = replace(stage_of("{}"), max_parallel=1)
    assert any("1 of 1 targets at a time, verified live before the next" in line for line in switch_lines(stage))


@pytest.mark.parametrize(
    ("rollout", "more", "code", "words"),
    [
        ("blue-green", "", "WRONG_TYPE", "write {blue-green: {}} for its defaults"),
        ("{blue-green: {}}", "    retain_previous: 24h\n", "CONFLICTING_KEYS", "`keep` says how long"),
        ("{blue-green: {judge: {}}}", "", "MISSING_KEY", "a judge without telemetry sees nothing"),
        ("{blue-green: {telemetry: {}}}", "    bake: 30s\n", "BAKE_TOO_SHORT", "before one tick of 1m"),
        ("{blue-green: {telemetry: {delay: 1h}, tick: 1s}}", "", "OUT_OF_RANGE", "ticks late"),
        ("{blue-green: {keep: 31d}}", "", "OUT_OF_RANGE", "31d"),
        ("{blue-green: {signals: {probe: ignore}}}", "", "UNKNOWN_KEY", "signals after a switch"),
        ("{blue-green: {approval: {within: 8h}}}", "", "MISSING_KEY", 'an approval needs "approvers"'),
        ("{blue-green: {previw: false}}", "", "UNKNOWN_KEY", "a blue-green rollout"),
    ],
)
def test_each_mistake_has_its_code_and_words(rollout: str, more: str, code: str, words: str) -> None:
    found = lint(a_pipeline(a_stage("production", f"    rollout: {rollout}\n{more}")), "p.yaml")
    assert [(each.code, words in each.words) for each in found] == [(code, True)], found
