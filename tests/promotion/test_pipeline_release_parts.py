"""`configuration` and `flags` of a pipeline: what they compile to, and what lint has against them."""

import pytest

from slipway.promotion.pipeline import compile_plan, lint, read_pipeline, shared_flags
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.release_parts.flag_wish import FlagWish
from tests.promotion.pipeline_texts import a_pipeline, a_stage
from tests.promotion.test_pipeline_rings import ring, ringed

TOP = 'configuration: {label: "{version}", key_filter: "shop:*"}\n'
FLAGS = "    flags: [{name: banner, label: eu}, {name: old-banner, on: false}]\n"


def planned(*stages: str, top: str = TOP) -> PromotionPlan:
    return compile_plan(read_pipeline(a_pipeline(*stages, top=top), "shop.yaml"), "sha256:0")


def codes(*stages: str, top: str = "") -> list[tuple[str, int]]:
    return [(each.code, each.line) for each in lint(a_pipeline(*stages, top=top), "shop.yaml")]


def test_a_stage_has_the_pipelines_configuration_or_its_own() -> None:
    own = '    configuration: {label: "{environment}-{version}"}\n'
    plan = planned(a_stage("dev"), a_stage("production", own))
    assert plan.stage("dev").configuration == ConfigurationPlan("{version}", "shop:*")
    place = plan.stage("production").configuration.place("shop", "1.4.2+b7", "production")  # type: ignore[union-attr]
    assert (place.label, place.key_filter, place.snapshot) == ("production-1.4.2+b7", "*", "shop-production-1.4.2+b7")


def test_flags_are_switched_on_or_off_and_those_of_rings_have_the_rings_label() -> None:
    assert planned(a_stage("dev", FLAGS)).stage("dev").flags == (
        FlagWish("banner", "eu", owner="team-shop", pipeline="shop"),
        FlagWish("old-banner", on=False, owner="team-shop", pipeline="shop"),
    )
    more = '    flags: [{name: banner, label: "{environment}"}]\n'
    plan = planned(ringed(ring("weu"), ring("neu"), more=more))
    assert [stage.flags[0].label for stage in plan.stages] == ["production-weu", "production-neu"]


def switching(label: str) -> str:
    return a_pipeline(a_stage("production", f'    flags: [{{name: banner, label: "{label}"}}]\n'))


RAMPING = a_pipeline(a_stage("production", "    rollout: {flag: {name: banner, label: production}}\n"))


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (switching("eu"), switching("eu"), True),
        (switching("production"), switching("{environment}"), True),
        (RAMPING, switching("production"), True),
        (switching("eu"), switching("us"), False),
        (RAMPING, switching("eu"), False),
        ("[", switching("eu"), False),
    ],
)
def test_a_flag_that_another_pipeline_changes_is_found_where_the_later_one_names_it(
    first: str, second: str, shared: bool
) -> None:
    found = shared_flags([(first, "a.yaml"), (second, "b.yaml"), (second, "b.yaml")])
    assert {(each.file, each.code) for each in found} == ({("b.yaml", "SHARED_FLAG")} if shared else set())
    assert all("a.yaml, on line " in each.words for each in found)


def test_flags_of_rings_are_those_of_the_same_ring_in_another_pipeline() -> None:
    more = '    flags: [{name: banner, label: "{environment}"}]\n'
    rings = [a_pipeline(ringed(ring("weu"), ring(other), more=more)) for other in ("neu", "eus")]
    found = shared_flags([(rings[0], "a.yaml"), (rings[1], "b.yaml")])
    assert [each.file for each in found] == ["b.yaml"]
    assert shared_flags([(rings[0], "a.yaml"), (switching("{environment}"), "c.yaml")]) == []


def test_a_plan_from_before_these_keys_can_be_read() -> None:
    dumped = planned(a_stage("dev"), top="").dump()
    for stage in dumped["stages"]:
        del stage["configuration"], stage["flags"]
    assert PromotionPlan.load(dumped) == planned(a_stage("dev"), top="")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ('configuration: {label: "production"}', "INVALID_LABEL"),
        ('configuration: {label: "{version}/{environment}"}', "INVALID_LABEL"),
        ('configuration: {label: "{versoin}"}', "UNKNOWN_PLACEHOLDER"),
        ('configuration: {label: "{version}", key_filter: "a*b"}', "INVALID_KEY_FILTER"),
        ('configuration: {label: "{version}", key_filter: "a:*,b:*"}', "INVALID_KEY_FILTER"),
        ("configuration: {key_filter: a}", "MISSING_KEY"),
        ('flags: [{name: a, on: "yes"}]', "INVALID_VALUE"),
        ("flags: [{name: a, label: '{version}'}]", "UNKNOWN_PLACEHOLDER"),
    ],
)
def test_each_mistake_is_named(written: str, code: str) -> None:
    assert codes(a_stage("dev", f"    {written}\n"))[0][0] == code


def test_one_snapshot_cannot_hold_two_sets_of_keys() -> None:
    own = '    configuration: {label: "{version}", key_filter: "other:*"}\n'
    assert [code for code, _ in codes(a_stage("dev"), a_stage("production", own), top=TOP)] == ["CONFLICTING_KEYS"]


@pytest.mark.parametrize(
    "stages",
    [
        (a_stage("dev", FLAGS), a_stage("production", FLAGS)),
        (a_stage("dev", "    flags: [{name: a}, {name: a, on: false}]\n"),),
        (a_stage("dev", "    flags: [{name: a}]\n    rollout: {flag: {name: a}}\n"),),
        (ringed(ring("weu"), ring("neu"), more="    flags: [{name: a, label: eu}]\n"),),
    ],
)
def test_a_flag_that_two_would_switch_is_refused(stages: tuple[str, ...]) -> None:
    assert {code for code, _ in codes(*stages)} == {"CONFLICTING_KEYS"}


def test_one_flag_with_a_label_for_each_environment_is_several() -> None:
    more = "    flags: [{name: a, label: '{environment}'}]\n"
    assert codes(a_stage("dev", more), a_stage("production", more)) == []
