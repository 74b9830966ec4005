"""Deployment stacks through the real pipeline of an SDK: what would change, exactly that, and the way back."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from slipway.adapters.bicep import Bicep
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.planned_changes import LONGEST_TEXT
from tests.adapters.stack import Stack, a_plan, an_account, id_of, now
from tests.laptop import AzureStandin

NUMBERS = itertools.count(1)


def a_stack(azure: AzureStandin, name: str, **section: Any) -> Stack:
    """1.0.0 is applied: a plan and an account."""
    it = Stack(azure, name, **section)
    it.builds("1.0.0", a_plan(f"{name}-plan"), an_account(f"{name}data", tier="Hot"))
    it.release("1.0.0")
    return it


@pytest.fixture
def stack(azure: AzureStandin) -> Stack:
    return a_stack(azure, f"stack{next(NUMBERS)}")


def test_a_template_is_planned_without_effect_then_applied_and_taken_back(azure: AzureStandin) -> None:
    net = Stack(azure, "net")
    net.builds("1.0.0", a_plan("net-plan"))
    assert net.versions == (None, None)
    first = net.deploy("1.0.0")
    assert first.outcome is Outcome.PASSED and "1 to create" in first.words
    assert net.versions == (None, None) and id_of(a_plan("net-plan")) not in azure.resources()
    net.release("1.0.0")

    net.builds("1.1.0", a_plan("net-plan", "P1v3"), an_account("netdata"))
    planned = net.deploy("1.1.0")
    assert planned.result["changes"].splitlines() == [
        "1 to create, 1 to modify, 0 to delete, 0 unchanged",
        "~ modify Microsoft.Web/serverfarms/net-plan: sku.name B1 → P1v3",
        "+ create Microsoft.Storage/storageAccounts/netdata",
    ]
    assert azure.resources()[id_of(a_plan("net-plan"))]["sku"] == {"name": "B1"}
    net.release("1.1.0")
    assert net.versions == ("1.1.0", "1.0.0")
    assert azure.resources()[id_of(a_plan("net-plan"))]["sku"] == {"name": "P1v3"}
    assert "already" in net.swap("1.1.0").words

    back = net.swap("1.0.0")
    assert back.outcome is Outcome.PASSED, back
    assert net.versions == ("1.0.0", "1.1.0")
    assert azure.resources()[id_of(a_plan("net-plan"))]["sku"] == {"name": "B1"}
    assert id_of(an_account("netdata")) in azure.resources(), "what is not allowed to be deleted stays on the way back"
    assert net.service.stop_idle(net.target, "1.1.0").outcome is Outcome.PASSED
    assert net.service.stop_old_side(net.target, "1.1.0", "1.0.0").result == {"stopped": False}


def test_what_is_deleted_comes_first_and_only_where_the_pipeline_allows_it(azure: AzureStandin) -> None:
    refusing = a_stack(azure, "guarded", unmanaged="delete")
    refusing.builds("2.0.0", a_plan("guarded-plan"))
    refused = refusing.deploy("2.0.0")
    assert (refused.outcome, refused.code) == (Outcome.FAILED, "DELETES_REFUSED")
    assert "DELETES 1 resource;" in refused.words and "deletes: refuse" in refused.words
    assert refused.log.splitlines()[1] == "- delete Microsoft.Storage/storageAccounts/guardeddata"

    allowing = replace(refusing.target, settings={**refusing.target.settings})
    allowing.settings["stack"] = {"unmanaged": "delete", "deletes": "allow"}
    refusing.target = allowing
    refusing.builds("3.0.0", a_plan("guarded-plan", "S1"))
    planned = refusing.deploy("3.0.0")
    assert planned.result["changes"].startswith("DELETES 1 resource; 0 to create, 1 to modify, 1 to delete")
    refusing.release("3.0.0")
    assert id_of(an_account("guardeddata")) not in azure.resources()


def test_what_the_template_has_no_more_is_detached_unless_told_otherwise(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan"))
    planned = stack.deploy("2.0.0")
    assert planned.outcome is Outcome.PASSED
    assert f"- detach Microsoft.Storage/storageAccounts/{stack.name}data" in planned.result["changes"]
    stack.release("2.0.0")
    assert id_of(an_account(f"{stack.name}data")) in stack.azure.resources()


def test_a_plan_that_is_not_the_same_any_more_is_not_applied(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"), an_account(f"{stack.name}data", tier="Hot"))
    target = stack.planned("2.0.0")
    stack.azure.change_resource(id_of(a_plan(f"{stack.name}-plan")), a_plan(f"{stack.name}-plan", "P3v3"))
    refused = stack.swap("2.0.0", target)
    assert (refused.outcome, refused.code) == (Outcome.BROKEN, "PLAN_CHANGED")
    assert "sku.name P3v3 → S1" in refused.log
    assert stack.versions == ("1.0.0", None)
    again = stack.swap("2.0.0", stack.planned("2.0.0"))
    assert again.outcome is Outcome.PASSED, again


def test_a_template_that_was_replaced_after_it_was_planned_is_not_applied(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"), an_account(f"{stack.name}data", tier="Hot"))
    target = stack.planned("2.0.0")
    looked = stack.service.start_swap(target, "2.0.0", "op-late", now(), False)
    while looked.handle["kind"] == "looking":
        looked = stack.service.poll_swap(target, looked.handle, "2.0.0")
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "P3v3"), an_account(f"{stack.name}data", tier="Hot"))
    late = stack.swapped(looked, "2.0.0", target)
    assert (late.code, "replaced just now" in late.words) == ("PLAN_CHANGED", True), "even after the last look"
    assert stack.swap("2.0.0", target).code == "PLAN_CHANGED"
    assert stack.versions == ("1.0.0", None)


def test_no_secret_is_shown_and_one_that_changes_counts_all_the_same(azure: AzureStandin) -> None:
    it = Stack(azure, "secretive")
    declared = {"admin": {"type": "secureString"}, "size": {"type": "string"}}
    account = an_account("secretivedata", owner="[parameters('admin')]", tier="[parameters('size')]")
    it.builds("1.0.0", account, parameters=declared)
    address = azure.document("secretive-parameters.json")
    it.target.settings["artifact"] += f" {address}"
    it.target.settings["stack"]["parameters"] = {"size": "Hot"}

    def set_admin(password: str) -> None:
        document = {"parameters": {"admin": {"value": password}}}
        azure.keep_document("secretive-parameters.json", json.dumps(document).encode())

    set_admin("hunter2-hunter2")
    it.release("1.0.0")
    it.builds("2.0.0", {**account, "tags": {"a": "b"}}, parameters=declared)
    set_admin("swordfish-swordfish")
    first = it.deploy("2.0.0")
    assert "tags = …" in first.result["changes"] and "properties.owner" in first.result["changes"]
    assert "swordfish" not in str(first.dump())
    set_admin("another-one-of-those")
    assert it.deploy("2.0.0").result["planned"] != first.result["planned"]


def test_a_stack_that_is_not_applied_whole_says_so_and_goes_back(stack: Stack) -> None:
    broken = {**an_account(f"{stack.name}more"), "tags": {"standin": "fails"}}
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"), an_account(f"{stack.name}data", tier="Hot"), broken)
    failed = stack.swap("2.0.0", stack.planned("2.0.0"))
    assert (failed.outcome, failed.code) == (Outcome.FAILED, "STACK_FAILED")
    assert f"storageAccounts/{stack.name}more" in failed.words and "cannot be made" in failed.words
    assert stack.versions == ("2.0.0 (not whole)", "1.0.0")
    assert stack.swap("1.0.0").outcome is Outcome.PASSED
    assert stack.versions == ("1.0.0", None), "what was never whole is no way back"
    assert stack.azure.resources()[id_of(a_plan(f"{stack.name}-plan"))]["sku"] == {"name": "B1"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"{}", "no compiled ARM template"),
        (b'{"resources": "' + b"x" * 4_200_000 + b'"}', "larger than the 4 MB"),
    ],
)
def test_what_is_no_template_is_the_releases_fault(azure: AzureStandin, content: bytes, words: str) -> None:
    it = Stack(azure, "odd")
    azure.keep_document("odd-1.0.0.json", content)
    answer = it.deploy("1.0.0")
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "TEMPLATE_UNUSABLE") and words in answer.words


def test_a_template_that_is_missing_or_that_azure_refuses_fails_by_name(azure: AzureStandin) -> None:
    it = Stack(azure, "refused")
    missing = it.deploy("0.0.1")
    assert missing.code == "TEMPLATE_UNUSABLE" and "answers 404" in missing.words
    it.builds("1.0.0", a_plan("[concat('a', 'b')]"))
    invalid = it.deploy("1.0.0")
    assert (invalid.outcome, invalid.code) == (Outcome.FAILED, "TEMPLATE_INVALID") and "concat" in invalid.words
    gone = it.service.start_idle(it.target, "0.0.1", "1.0.0")
    assert (gone.outcome, gone.code) == (Outcome.BROKEN, "NOTHING_TO_RETURN_TO")
    assert it.service.start_idle(it.target, "1.0.0", "2.0.0").outcome is Outcome.PASSED


def test_a_long_plan_is_cut_at_whole_lines_with_the_deletions_left(azure: AzureStandin) -> None:
    many = Stack(azure, "many", unmanaged="delete", deletes="allow")
    many.builds("1.0.0", an_account("manyold"))
    many.release("1.0.0")
    many.builds("2.0.0", *(an_account(f"many{number:03}") for number in range(80)))
    text = many.deploy("2.0.0").result["changes"]
    assert len(text) <= LONGEST_TEXT
    first, second, *_, last = text.splitlines()
    assert first.startswith("DELETES 1 resource; 80 to create") and second.startswith("- delete")
    assert last.startswith("… and ") and last.endswith(" more")


# -- faults


STEPS = [("POST", "/validate"), ("PUT", "WhatIfResults/"), ("GET", "WhatIfResults/"), ("POST", "/whatIf")]
THROTTLED = {"status": 429, "headers": {"Retry-After": "1"}, "body": {"error": {"code": "TooManyRequests"}}}
UNWELL = {"status": 500, "body": {"error": {"code": "InternalServerError", "message": "an error"}}}


def test_a_plan_survives_what_may_pass_in_each_of_its_steps(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"), an_account(f"{stack.name}data", tier="Hot"))
    calm = stack.deploy("2.0.0")
    for method, path in STEPS:
        for how in ({"answer": THROTTLED}, {"answer": UNWELL}, {"drop": "before"}, {"drop": "after"}):
            stack.azure.fault(method, path, **how)
        assert stack.deploy("2.0.0").result == calm.result
        assert stack.azure.faults_left() == []


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_write_whose_answer_was_lost_is_looked_for_before_it_is_repeated(stack: Stack, drop: str) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"), an_account(f"{stack.name}data", tier="Hot"))
    target = stack.planned("2.0.0")
    stack.azure.fault("PUT", f"deploymentStacks/{stack.name}", drop=drop)
    answer = stack.swap("2.0.0", target)
    assert answer.outcome is Outcome.PASSED, answer
    assert stack.versions == ("2.0.0", "1.0.0") and stack.azure.faults_left() == []


def test_a_switch_that_begins_again_follows_what_it_began(stack: Stack) -> None:
    """The process died after the write, before anybody kept its handle."""
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"), an_account(f"{stack.name}data", tier="Hot"))
    handle = {"kind": "intended", "operation": "op-once"}
    begun = stack.service.poll_swap(stack.target, handle, "2.0.0")
    assert begun.running and begun.handle["kind"] == "applied"
    again = stack.service.start_swap(stack.target, "2.0.0", "op-once", now(), True)
    assert again.handle.get("kind") == "applied"
    assert stack.swapped(again, "2.0.0").outcome is Outcome.PASSED


def test_somebody_elses_deployment_is_waited_for_and_one_over_ours_is_named(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"))
    theirs = stack.service.poll_swap(stack.target, {"kind": "intended", "operation": "theirs"}, "2.0.0")
    ours = stack.service.start_swap(stack.target, "1.0.0", "ours", now(), False)
    assert ours.running and ours.handle["kind"] == "intended"
    assert stack.swapped(theirs, "2.0.0").outcome is Outcome.PASSED
    assert stack.swapped(ours, "1.0.0").outcome is Outcome.PASSED
    taken = stack.service.poll_swap(stack.target, {"kind": "applied", "operation": "theirs"}, "2.0.0")
    assert (taken.outcome, taken.code) == (Outcome.BROKEN, "STACK_TAKEN")


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "AZURE_DENIED"), (403, "AZURE_DENIED"), (404, "AZURE_MISSING")],
)
def test_what_azure_refuses_for_good_ends_it(stack: Stack, status: int, code: str) -> None:
    words = "does not have authorization to perform action 'Microsoft.Resources/deploymentStacks/write'"
    error = {"error": {"code": "AuthorizationFailed", "message": words}}
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan"))
    stack.azure.fault("PUT", f"deploymentStacks/{stack.name}", times=2, answer={"status": status, "body": error})
    answer = stack.swap("2.0.0")
    stack.azure.forget_faults()
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, code), answer
    assert status == 404 or "lacks the action Microsoft.Resources/deploymentStacks/write" in answer.words


def test_a_conflict_is_waited_out_and_an_error_for_ever_stays_unfinished(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan"))
    conflict = {"error": {"code": "DeploymentStackInNonTerminalState", "message": "busy"}}
    stack.azure.fault("PUT", f"deploymentStacks/{stack.name}", answer={"status": 409, "body": conflict})
    assert stack.swap("2.0.0").outcome is Outcome.PASSED
    stack.azure.fault(None, f"deploymentStacks/{stack.name}", times=50, answer=UNWELL)
    answer: Answer = stack.service.start_swap(stack.target, "1.0.0", "for-ever", now(), False)
    for _ in range(3):
        assert answer.running
        answer = stack.service.poll_swap(stack.target, answer.handle, "1.0.0")
    stack.azure.forget_faults()
    assert stack.swapped(answer, "1.0.0").outcome is Outcome.PASSED


def test_a_plan_in_a_form_that_cannot_be_read_is_no_plan_without_changes(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"), an_account(f"{stack.name}data", tier="Hot"))
    calm = stack.deploy("2.0.0").result
    for body in ("{", {"properties": {}}, {"properties": {"changes": {"resourceChanges": "none"}}}):
        stack.azure.fault("POST", "/whatIf", answer={"status": 200, "body": body})
    assert stack.deploy("2.0.0").result == calm and stack.azure.faults_left() == []


def test_no_token_goes_to_another_host(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan"))
    elsewhere = {"status": 202, "headers": {"Location": "https://elsewhere.example/operations/1"}}
    stack.azure.fault("POST", "/validate", answer=elsewhere)
    answer = stack.deploy("2.0.0")
    assert answer.outcome is Outcome.BROKEN and "another host" in answer.words


def test_an_operation_that_azure_forgot_is_begun_anew(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan"))
    gone = {"status": 404, "body": {"error": {"code": "NotFound", "message": "no such operation"}}}
    stack.azure.fault("GET", "/stackOperations/", answer=gone)
    assert stack.deploy("2.0.0").outcome is Outcome.PASSED and stack.azure.faults_left() == []


def test_a_failed_what_if_is_azures_and_not_the_releases_fault(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan"))
    error = {"code": "InternalError", "message": "cannot evaluate"}
    body = {"id": "x", "properties": {"provisioningState": "failed", "error": error}}
    stack.azure.fault("GET", "WhatIfResults/", answer={"status": 200, "body": body})
    answer = stack.deploy("2.0.0")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "WHAT_IF_FAILED") and "cannot evaluate" in answer.words


def test_a_target_that_is_no_stack_is_refused(azure: AzureStandin) -> None:
    target = replace(azure.stack("x"), resource="/subscriptions/1/resourceGroups/g/providers/Microsoft.Web/sites/x")
    answer = Bicep(azure.settings).start_swap(target, "1.0.0", "op", now(), False)
    assert (answer.code, answer.outcome) == ("AZURE_INVALID", Outcome.BROKEN)
