"""`load: {azure: …}`: what it compiles to, what lint says of it, and what a plan shows."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from slipway.cli.load_view import load_rights, load_words
from slipway.promotion.load_runs.plan import IGNORED, REQUIRED, LoadRunPlan
from slipway.promotion.pipeline import compile_plan, lint, read_pipeline
from slipway.promotion.pipeline.schema import pipeline_schema
from slipway.promotion.plan import PromotionPlan, load_stage
from tests.promotion.pipeline_texts import a_pipeline, a_stage, site, verified_by

PAGE = Path(__file__).parents[2] / "docs" / "load-tests.md"
LOADS = site("loads").replace("Microsoft.Web/sites", "Microsoft.LoadTestService/loadTests")


def azure(load: str = "p95: 300ms", of: str = f'resource: "{LOADS}", test: flash_sale') -> str:
    more = f", {load}" if load else ""
    return a_pipeline(a_stage("staging", verified_by(f"load: {{azure: {{{of}}}{more}}}")))


def plan_of(text: str) -> PromotionPlan:
    assert lint(text, "p.yaml") == []
    plan = compile_plan(read_pipeline(text, "p.yaml"), "sha256:0")
    assert PromotionPlan.load(json.loads(json.dumps(plan.dump()))) == plan
    return plan


def test_the_pipeline_of_the_page_is_sound_and_fits_the_schema() -> None:
    [text] = re.findall(r"```yaml\n(service:.*?)```", PAGE.read_text(), re.DOTALL)
    [stage] = plan_of(text).stages
    assert [load.run is not None for load in stage.loads] == [False, True]
    jsonschema.Draft202012Validator(pipeline_schema()).validate(yaml.safe_load(text))


def test_it_compiles_to_a_run_of_that_test_named_after_it() -> None:
    [load] = plan_of(azure("within: 30m, error_rate: 1%, criteria: ignored, against: previous")).stages[0].loads
    assert (load.name, load.error_rate, load.against) == ("flash-sale", 0.01, "previous")
    assert load.run == LoadRunPlan(LOADS, "flash_sale", {"TARGET_HOST": "{host}"}, 1800.0, IGNORED)
    assert load.longest_s > 1800


def test_left_out_it_takes_45_minutes_at_most_and_requires_the_criteria_of_the_test() -> None:
    [stage] = plan_of(azure("")).stages
    run = stage.loads[0].run
    assert run and (run.within_s, run.criteria) == (2700.0, REQUIRED)
    assert stage.longest_operation_s == 3600.0
    assert run.variables("https://shop-b.azurewebsites.net", "1") == {"TARGET_HOST": "shop-b.azurewebsites.net"}


def test_a_stage_of_before_there_were_runs_can_be_read() -> None:
    plan = plan_of(a_pipeline(a_stage("dev", verified_by("load: {rate: 40/s, duration: 4s, p95: 300ms}"))))
    data = plan.dump()["stages"][0]
    del data["loads"][0]["run"]
    assert load_stage(data) == plan.stages[0]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (azure("rate: 40/s, p95: 1s"), "CONFLICTING_KEYS", '"rate" is of our own driver'),
        (azure("duration: 4s, p95: 1s"), "CONFLICTING_KEYS", '"duration" is of our own driver'),
        (azure("headers: {x-a: b}, p95: 1s"), "CONFLICTING_KEYS", '"headers" is of our own driver'),
        (azure("criteria: ignored"), "NO_THRESHOLD", "cannot fail"),
        (azure("criteria: maybe"), "UNKNOWN_VALUE", "maybe"),
        (azure("within: 1m"), "OUT_OF_RANGE", "5m to 24h"),
        (azure(of=f'resource: "{site("shop")}", test: peak'), "INVALID_RESOURCE", "loadTests/<name>"),
        (azure(of=f'resource: "{LOADS}", test: Peak'), "INVALID_NAME", "2 to 50 small letters"),
        (azure(of=f'resource: "{LOADS}"'), "MISSING_KEY", "test"),
        (azure(of=f'resource: "{LOADS}", test: peak, env: {{HOST: "{{hots}}"}}'), "UNKNOWN_PLACEHOLDER", "{host}"),
        (azure(of=f'resource: "{LOADS}", test: peak, env: {{HOST: shop.example}}'), "LOAD_NOT_AIMED", "{host}"),
        (azure(of=f'resource: "{LOADS}", test: peak, env: {{1X: "{{host}}"}}'), "INVALID_VALUE", "1X"),
        (a_pipeline(a_stage("dev", verified_by("load: {rate: 4/s, p95: 1s}"))), "MISSING_KEY", '"duration"'),
        (
            a_pipeline(a_stage("dev", verified_by("load: {rate: 4/s, duration: 4s, within: 9m, p95: 1s}"))),
            "CONFLICTING_KEYS",
            'beside "azure"',
        ),
    ],
)
def test_each_mistake_is_a_finding(text: str, code: str, words: str) -> None:
    found = lint(text, "p.yaml")
    assert [each.code for each in found] == [code], found
    assert words in f"{found[0].words} {found[0].suggestion}", found


def test_a_plan_says_which_test_runs_where_by_when_and_what_it_takes() -> None:
    plan = plan_of(azure("p95: 300ms, against: previous"))
    [load] = plan.stages[0].loads
    assert load_words(load) == (
        "load test flash_sale of loads (Azure), over within 45 min: p95 at most 300 ms, the test's own criteria "
        "required, and not worse than the previous release"
    )
    [rights] = load_rights(plan)
    assert (
        "Microsoft.LoadTestService/loadTests/read" in rights
        and "Microsoft.LoadTestService/loadtests/startTest/action" in rights
    )
