"""Deployment stacks through the real pipeline of an SDK: what would change, exactly that, and the way back."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
import requests

from slipway.adapters.app_service.arm import Arm
from slipway.adapters.bicep import SHOWN_WITHIN, Bicep
from slipway.adapters.bicep.changes import planned_changes
from slipway.adapters.bicep.stacks import API_VERSION, place_of
from slipway.adapters.bicep.template import Template
from slipway.promotion.outcomes import Answer, Outcome, iso
from slipway.promotion.planned_changes import LONGEST_TEXT, PlannedChanges
from tests.adapters.stack import SCHEMA, Stack, a_plan, an_account, id_of, now
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
    assert "swordfish" not in str(first.dump()) and "hunter2" not in str(first.dump()), "neither is what it was"
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


def test_the_way_back_is_what_was_applied_and_not_what_lies_at_its_address_now(azure: AzureStandin) -> None:
    it = Stack(azure, "back", unmanaged="delete", deletes="allow", parameters={"size": "B1"})
    declared = {"size": {"type": "string"}}
    it.builds("1.0.0", a_plan("back-plan", "[parameters('size')]"), parameters=declared)
    it.release("1.0.0")
    it.builds("2.0.0", a_plan("back-plan", "S1"), parameters=declared)
    it.release("2.0.0")
    it.builds("1.0.0", a_plan("another", "P3v3"))
    for answer in (it.swap("1.0.0"), it.service.start_idle(it.target, "1.0.0", "2.0.0")):
        assert (answer.outcome, answer.code) == (Outcome.BROKEN, "NOTHING_TO_RETURN_TO") and "replaced" in answer.words
    assert it.versions == ("2.0.0", "1.0.0") and id_of(a_plan("another")) not in azure.resources()
    azure.keep_document("back-1.0.0.json", b"{")
    gone = it.service.start_idle(it.target, "1.0.0", "2.0.0")
    assert gone.code == "NOTHING_TO_RETURN_TO" and "is gone: " in gone.words
    it.builds("1.0.0", a_plan("back-plan", "[parameters('size')]"), parameters=declared)
    it.target.settings["stack"]["parameters"] = {"size": "B2"}  # the pipeline's own are those of today
    assert it.service.start_idle(it.target, "1.0.0", "2.0.0").outcome is Outcome.PASSED
    assert it.swap("1.0.0").outcome is Outcome.PASSED and it.versions == ("1.0.0", "2.0.0")
    unknown = it.swap("0.9.0")
    assert unknown.code == "NOTHING_TO_RETURN_TO" and "does not say which template 0.9.0 was" in unknown.words


def test_what_the_way_back_may_not_delete_it_detaches(azure: AzureStandin) -> None:
    it = a_stack(azure, "kept", unmanaged="delete")
    kept = an_account("keptdata", tier="Hot")
    it.builds("2.0.0", a_plan("kept-plan"), kept, an_account("keptmore"))
    it.release("2.0.0")
    assert it.swap("1.0.0").outcome is Outcome.PASSED
    assert id_of(an_account("keptmore")) in azure.resources() and it.versions == ("1.0.0", "2.0.0")


def test_tags_of_others_stay_and_what_is_denied_is_denied(azure: AzureStandin) -> None:
    it = a_stack(azure, "shared", deny="denyDelete")
    place = place_of(it.target)
    arm = Arm(azure.settings, place.subscription)
    found = arm.get(place.path, API_VERSION)
    assert found.properties["denySettings"]["mode"] == "denyDelete"
    template = {"$schema": SCHEMA, "resources": [a_plan("shared-plan"), an_account("shareddata", tier="Hot")]}
    theirs = {**found.body["tags"], "cost-center": "42"}
    arm.put(place.path, {"properties": {**found.properties, "template": template}, "tags": theirs}, API_VERSION)
    it.builds("2.0.0", a_plan("shared-plan", "S1"), an_account("shareddata", tier="Hot"))
    it.release("2.0.0")
    assert arm.get(place.path, API_VERSION).body["tags"]["cost-center"] == "42"


def test_what_azure_is_not_sure_of_says_so_and_what_is_created_counts() -> None:
    def planned(**told: Any) -> PlannedChanges:
        change = {"id": id_of(a_plan("x")), "changeType": "create", **told}
        return planned_changes({"resourceChanges": [change]}, Template({}, {}))

    assert planned(changeCertainty="potential").text.endswith("+ create Microsoft.Web/serverfarms/x: perhaps")
    small, large = (planned(resourceConfigurationChanges={"after": {"sku": sku}}) for sku in ("B1", "P1v3"))
    assert small.fingerprint != large.fingerprint


def test_a_template_is_planned_and_applied_at_its_pin(azure: AzureStandin) -> None:
    it = Stack(azure, "pinned")
    it.builds("1.0.0", a_plan("pinned-plan"))
    it.release("1.0.0")
    address = azure.document("pinned-2.0.0.json")
    it.builds("2.0.0", a_plan("pinned-plan", "S1"))
    document = requests.get(address, verify=str(azure.settings.ca_file), timeout=5).json()
    azure.fault("GET", "versionid=one", times=50, answer={"status": 200, "body": document})
    it.builds("2.0.0", a_plan("pinned-plan", "P3v3"))  # somebody pushes over it
    it.target.settings["artifact"] = f"{address}?versionid=one"  # as the switch's order has it
    it.release("2.0.0")
    azure.forget_faults()
    assert azure.resources()[id_of(a_plan("pinned-plan"))]["sku"] == {"name": "S1"}


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
    target = stack.planned("2.0.0")
    assert stack.written("2.0.0", "op-once", target).running
    again = stack.service.start_swap(target, "2.0.0", "op-once", now(), True)
    assert again.handle.get("kind") == "applied"
    assert stack.swapped(again, "2.0.0").outcome is Outcome.PASSED


def test_somebody_elses_deployment_is_waited_for_and_one_over_ours_is_named(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"))
    theirs = stack.written("2.0.0", "theirs")
    ours = stack.service.start_swap(stack.target, "1.0.0", "ours", now(), False)
    assert ours.running and ours.handle["kind"] == "intended"
    assert stack.swapped(theirs, "2.0.0").outcome is Outcome.PASSED
    assert stack.swapped(ours, "1.0.0").outcome is Outcome.PASSED
    taken = stack.service.poll_swap(stack.target, {"kind": "applied", "operation": "theirs"}, "2.0.0")
    assert (taken.outcome, taken.code) == (Outcome.BROKEN, "STACK_TAKEN")


def test_a_write_that_azure_does_not_show_yet_is_ours_all_the_same(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan", "S1"), an_account(f"{stack.name}data", tier="Hot"))
    place = place_of(stack.target)
    before = Arm(stack.azure.settings, place.subscription).get(place.path, API_VERSION).body
    unseen = {"status": 404, "body": {"error": {"code": "DeploymentStackNotFound", "message": "no"}}}
    answer = stack.written("2.0.0", "op-late")
    for how in (unseen, {"status": 200, "body": before}):
        stack.azure.fault("GET", f"deploymentStacks/{stack.name}", answer=how)
        answer = stack.service.poll_swap(stack.target, answer.handle, "2.0.0")
        assert answer.running and "does not show yet" in answer.words
    stack.azure.fault("GET", f"deploymentStacks/{stack.name}", answer=unseen)
    for_long = {**answer.handle, "unseen_since": iso(now() - SHOWN_WITHIN)}
    gone = stack.service.poll_swap(stack.target, for_long, "2.0.0")
    assert (gone.code, "is gone" in gone.words) == ("STACK_TAKEN", True)
    assert stack.swapped(answer, "2.0.0").outcome is Outcome.PASSED and stack.versions[0] == "2.0.0"


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "AZURE_DENIED"), (403, "AZURE_DENIED"), (404, "AZURE_MISSING")],
)
def test_what_azure_refuses_for_good_ends_it(stack: Stack, status: int, code: str) -> None:
    words = "does not have authorization to perform action 'Microsoft.Resources/deploymentStacks/write'"
    error = {"error": {"code": "AuthorizationFailed", "message": words}}
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan"))
    target = stack.planned("2.0.0")
    stack.azure.fault("PUT", f"deploymentStacks/{stack.name}", times=2, answer={"status": status, "body": error})
    answer = stack.swap("2.0.0", target)
    stack.azure.forget_faults()
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, code), answer
    assert status == 404 or "lacks the action Microsoft.Resources/deploymentStacks/write" in answer.words


def test_a_conflict_is_waited_out_and_an_error_for_ever_stays_unfinished(stack: Stack) -> None:
    stack.builds("2.0.0", a_plan(f"{stack.name}-plan"))
    conflict = {"error": {"code": "DeploymentStackInNonTerminalState", "message": "busy"}}
    target = stack.planned("2.0.0")
    stack.azure.fault("PUT", f"deploymentStacks/{stack.name}", answer={"status": 409, "body": conflict})
    assert stack.swap("2.0.0", target).outcome is Outcome.PASSED
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
