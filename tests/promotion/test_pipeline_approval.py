"""`approval` of a stage, a ring and a switch: quotas, who may not, comments, escalation, reminders, age."""

import pytest

from slipway.promotion.approval_policy import Escalation, Quota
from slipway.promotion.pipeline import compile_plan, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan
from tests.promotion.pipeline_texts import a_pipeline, a_stage
from tests.promotion.test_pipeline_rings import ring, ringed

FIRST = a_stage("dev", more="    approval: {approvers: [role:dev]}\n")


def asking(approval: str) -> str:
    return a_pipeline(FIRST, a_stage("test", needs="dev", more=f"    approval: {approval}\n"))


def compiled(text: str) -> PromotionPlan:
    return compile_plan(read_pipeline(text, "x"), "sha256:0")


def test_everything_that_an_approval_can_say_is_in_the_plan_and_travels() -> None:
    plan = compiled(
        asking(
            "{at_least: 3, approvers: [role:release-manager], each: [{of: role:qa}, {of: 'group:sec', at_least: 1}], "
            "not: [author, approver of dev], comment: on-reject, within: 4h, on_expiry: escalate, "
            "escalation: {approvers: [role:director], within: 2h}, remind_every: 1h, max_age: 8h}"
        )
    )
    policy = plan.stage("test").approval
    assert policy is not None
    assert policy.each == (Quota("role:qa"), Quota("group:sec"))
    assert (policy.not_author, policy.not_approvers_of, policy.comment) == (True, ("dev",), "on-reject")
    assert policy.escalation == Escalation(("role:director",), 7200)
    assert (policy.within_s, policy.remind_every_s, policy.max_age_s) == (14_400, 3600, 28_800)
    assert policy.asked == (
        "3 of role:release-manager or role:qa or group:sec, of them 1 of role:qa and 1 of group:sec, "
        "not the author, not who approved dev"
    )
    assert PromotionPlan.load(plan.dump()) == plan


def test_an_older_plan_still_loads() -> None:
    plan = compiled(asking("{approvers: [role:qa]}"))
    dumped = plan.dump()
    for stage in dumped["stages"]:
        approval = stage["approval"]
        stage["approval"] = {key: approval[key] for key in ("approvers", "at_least", "not_author", "within_s")}
    assert PromotionPlan.load(dumped) == plan


def test_quotas_alone_are_enough_and_say_so() -> None:
    policy = compiled(asking("{each: [{of: role:qa}, {of: role:security}]}")).stage("test").approval
    assert policy is not None and (policy.needed, policy.who) == (2, "1 of role:qa and 1 of role:security")


def test_who_approved_a_stage_with_rings_is_who_approved_any_of_them() -> None:
    later = a_stage(
        "after", needs="production", more="    approval: {approvers: [role:qa], not: [approver of production]}\n"
    )
    stage = ringed(ring("weu"), ring("neu"), more="    approval: {approvers: [role:rm]}\n")
    policy = compiled(a_pipeline(stage, later)).stage("after").approval
    assert policy is not None and policy.not_approvers_of == ("production-weu", "production-neu")


@pytest.mark.parametrize(
    ("approval", "code", "words"),
    [
        ("{}", "MISSING_KEY", 'needs "approvers" or "each"'),
        ("{each: [{of: role:qa}, {of: role:qa}]}", "DUPLICATE_NAME", '"role:qa" stands here twice'),
        ("{each: [{of: qa}]}", "INVALID_APPROVER", "role:<name>"),
        ("{each: [{of: role:a, at_least: 20}, {of: role:b}]}", "OUT_OF_RANGE", "at most 20"),
        ("{approvers: [role:qa], not: [reviewer]}", "UNKNOWN_VALUE", "approver of"),
        ("{approvers: [role:qa], not: [autor]}", "UNKNOWN_VALUE", "author"),
        ("{approvers: [role:qa], not: [approver of moon]}", "UNKNOWN_STAGE", '"moon"'),
        ("{approvers: [role:qa], comment: never}", "UNKNOWN_VALUE", "on-approve"),
        ("{approvers: [role:qa], on_expiry: escalate}", "MISSING_KEY", "escalation"),
        ("{approvers: [role:qa], escalation: {approvers: [role:a]}}", "CANNOT_SUCCEED", "on_expiry: escalate"),
        ("{approvers: [role:qa], remind_every: 5m}", "OUT_OF_RANGE", "15m"),
        ("{approvers: [role:qa], max_age: 40d}", "OUT_OF_RANGE", "30d"),
    ],
)
def test_each_mistake_has_its_code_and_words(approval: str, code: str, words: str) -> None:
    (finding,) = lint(asking(approval), "x")
    assert (finding.code, words in finding.words) == (code, True), finding


def test_nobody_approves_a_stage_that_asks_nobody() -> None:
    text = a_pipeline(
        a_stage("dev"), a_stage("test", more="    approval: {approvers: [role:qa], not: [approver of dev]}\n")
    )
    (finding,) = lint(text, "x")
    assert (finding.code, "asks nobody" in finding.words) == ("CANNOT_SUCCEED", True)
