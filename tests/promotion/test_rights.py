"""What a plan needs of Azure: each part of a pipeline by its role, on the narrowest place."""

from pathlib import Path

import pytest

from slipway.promotion.kinds import TARGETS
from slipway.promotion.pipeline import compile_plan, digest_of, read_pipeline
from slipway.promotion.rights import catalogue
from slipway.promotion.rights.grants import text_of
from slipway.promotion.rights.needs import needs_of
from slipway.promotion.rights.role import Level, Need
from tests.promotion.pipeline_texts import a_pipeline, a_stage, site
from tests.promotion.test_pipeline_front_door import PLACE, PROFILE, SIDES, TESTERS, ramped
from tests.promotion.test_pipeline_gates import gates
from tests.promotion.test_pipeline_headers import REFERENCE, with_checks
from tests.promotion.test_pipeline_infrastructure import JOB, STORE, a_text, pointed, terraformed

TESTED = sorted((Path(__file__).parents[1] / "end_to_end").glob("*.yaml"))
SHIPPED = sorted((Path(__file__).parents[2] / "pipelines").glob("*.yaml"))
GROUP = site("x").partition("/providers/")[0]


WEBHOOK = "webhook: {url: 'https://changes.example/ask', secret: changes}"
ASKED = a_pipeline(a_stage("dev", gates("coverage: {line: 80%}", "kql: {query: Incidents}", WEBHOOK, "defender: {}")))


def needs(text: str) -> list[Need]:
    return list(needs_of(compile_plan(read_pipeline(text, "p.yaml"), digest_of(text))))


def given(text: str) -> set[tuple[str, str]]:
    return {(need.role.name, text_of(need.place).removeprefix(GROUP)) for need in needs(text)}


def test_a_target_needs_its_kinds_role_and_nothing_that_only_a_ramp_needs() -> None:
    assert given(a_pipeline(a_stage("dev"))) == {
        (catalogue.APP_SERVICES.name, "/providers/Microsoft.Web/sites/dev"),
    }


def test_gates_that_ask_need_whom_they_ask_and_those_that_read_evidence_nothing() -> None:
    asked = given(ASKED) - given(a_pipeline(a_stage("dev")))
    roles = {catalogue.ALL_LOGS.name, catalogue.SECRETS.name, catalogue.DEFENDER.name}
    assert {name for name, _ in asked} == roles and len(asked) == 3
    assert (catalogue.DEFENDER.name, GROUP.partition("/resourceGroups/")[0]) in asked


def test_a_ramp_by_a_front_door_needs_its_origin_group_and_what_lies_beside_the_profile() -> None:
    edge, plain = PROFILE.removeprefix(GROUP), ramped()
    ramp = {
        (catalogue.FRONT_DOORS.name, f"{edge}/originGroups/checkout"),
        (catalogue.FRONT_DOOR_RESULTS.name, ""),
    }
    testers = {(catalogue.FRONT_DOOR_TESTERS.name, f"{edge}/ruleSets/testers")}
    assert given(plain) >= ramp and not given(plain) & testers
    assert given(ramped(f"{PLACE}{SIDES}, testers: {{{TESTERS}}}")) - given(plain) == testers
    assert (catalogue.METRICS.name, "/providers/Microsoft.Web/sites/dev") in given(plain)
    assert (catalogue.LOGS.name, "{workspace}") in given(plain)


def test_a_judge_with_a_query_of_its_own_may_read_any_table() -> None:
    own = ramped(canary=", telemetry: {query: 'AppRequests | take 1'}")
    assert (catalogue.ALL_LOGS.name, "{workspace}") in given(own)
    assert (catalogue.LOGS.name, "{workspace}") not in given(own)


def test_a_secret_is_read_alone_once_however_many_checks_send_it() -> None:
    found = [each for each in given(with_checks(REFERENCE, REFERENCE)) if each[0] == catalogue.SECRETS.name]
    assert found == [(catalogue.SECRETS.name, "{vault}/secrets/probe-key")]


def test_an_image_in_a_registry_of_azures_is_pinned_there_and_one_elsewhere_takes_nothing() -> None:
    elsewhere = next(file for file in SHIPPED if file.stem == "catalog").read_text()
    in_azure = given(elsewhere.replace("registry.example/", "shop.azurecr.io/")) - given(elsewhere)
    assert in_azure == {(catalogue.REGISTRIES.name, "{registry-shop}")}


def test_a_stack_is_applied_in_its_resource_group() -> None:
    assert given(a_text()) == {(catalogue.STACKS.name, "")}


def test_a_pointer_is_written_in_its_store_and_terraform_is_a_job_whose_log_is_read() -> None:
    store = STORE.removeprefix(GROUP)
    assert given(pointed()) >= {(catalogue.SNAPSHOTS.name, store), (catalogue.FLAGS.name, store)}
    job = JOB.removeprefix(GROUP)
    assert given(terraformed()) == {(catalogue.JOBS.name, job), (catalogue.JOB_LOGS.name, "{workspace}")}


@pytest.mark.parametrize("file", [*TESTED, *SHIPPED], ids=lambda file: file.stem)
def test_every_role_is_needed_on_a_place_of_its_level_and_says_why(file: Path) -> None:
    found = needs(file.read_text())
    assert found
    for need in found:
        place = text_of(need.place)
        is_a_group = place.startswith("/subscriptions/") and place.count("/") == 4
        assert is_a_group == (need.role.at is Level.GROUP), need
        assert need.why.split(":")[0] and need.role.says


def test_every_kind_of_target_and_every_role_is_needed_by_some_pipeline_of_the_tests() -> None:
    texts = [file.read_text() for file in (*TESTED, *SHIPPED)]
    texts += [text.replace("registry.example/", "shop.azurecr.io/") for text in texts]
    texts += [
        pointed(),
        terraformed(),
        a_text(),
        with_checks(REFERENCE),
        ramped(),
        ramped(f"{PLACE}{SIDES}, testers: {{{TESTERS}}}"),
        ASKED,
    ]
    named = {need.role.name for text in texts for need in needs(text)}
    seldom = {catalogue.DNS["A"].name, catalogue.DNS["AAAA"].name}
    assert {role.name for role in catalogue.ROLES} - named <= seldom
    kinds = {need.why.rpartition("(")[2].rstrip(")") for text in texts for need in needs(text)}
    assert TARGETS.keys() <= kinds
