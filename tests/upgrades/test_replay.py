"""What older versions left waiting goes on under today's orchestrators; and a change that breaks that is found."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from orchestrators.stage import PHASES
from slipway.local.functions.durable.history import Kind
from slipway.promotion.orchestration_version import numbers
from tests.upgrades import changed
from tests.upgrades.replaying import finding, finding_of
from tests.upgrades.stored import Batch, History, batches, histories, versions
from tests.workflow.virtual import app_code, app_functions
from triggers.version import orchestrations_version

pytestmark = pytest.mark.filterwarnings("ignore")


@cache
def stored() -> dict[str, list[History]]:
    """By orchestrator."""
    found = defaultdict(list)
    for history in histories():
        found[history.orchestrator].append(history)
    return dict(found)


@cache
def asked() -> dict[str, list[Batch]]:
    """By entity."""
    found = defaultdict(list)
    for batch in batches():
        found[batch.entity].append(batch)
    return dict(found)


def of_today(trigger: str) -> set[str]:
    return {each.registered_name for each in app_functions() if each.trigger_type == trigger}


@pytest.mark.parametrize("orchestrator", sorted(stored()))
def test_every_stored_history_waits_where_it_waited(orchestrator: str) -> None:
    found = {
        f"{each.version}, {each.situation}, {each.instance}": finding(app_code(), each)
        for each in stored()[orchestrator]
    }
    assert {where: words for where, words in found.items() if words} == {}


@pytest.mark.parametrize("entity", sorted(asked()))
def test_every_stored_state_is_read_and_what_was_asked_is_answered(entity: str) -> None:
    found = {f"{each.situation}, {each.body['batch']}": finding_of(app_code(), each) for each in asked()[entity]}
    assert {where: words for where, words in found.items() if words} == {}


def test_there_are_histories_of_todays_version_and_of_none_that_is_newer() -> None:
    assert max(versions(), key=numbers) == orchestrations_version()


def test_every_orchestrator_and_entity_is_among_them() -> None:
    assert set(stored()) == of_today("orchestrationTrigger")
    assert set(asked()) == of_today("entityTrigger")


def test_a_stage_waits_in_every_phase_that_has_a_wait_and_a_promotion_in_all_of_its_own() -> None:
    assert {each.given["phase"] for each in stored()["stage"]} == set(PHASES)
    of_promotions = {"closing" if each.given["closing"] else "ending" if each.given["ending"] else "running"
                     for each in stored()["promotion"]}  # fmt: skip
    assert of_promotions == {"running", "closing", "ending"}


def waits(history: History) -> Iterator[str]:
    """For what it waited."""
    for event in history.events:
        if event.kind is Kind.TIMER_CREATED:
            yield "timer"
        if event.kind is Kind.SUB_ORCHESTRATION_CREATED:
            yield f"child {event.name}"


@pytest.mark.parametrize(
    ("orchestrator", "wait", "of"),
    [
        ("stage", "timer", {"needs", "lock", "bake", "retry"}),
        ("stage", "child approval", {"approval"}),
        ("stage", "child operation", {"deploy", "verify", "roll out", "verify live", "bake"}),
        ("stage", "child canary_ramp", {"ramp"}),
        ("stage", "child rollback", {"undo"}),
        ("promotion", "child stage", {""}),
        ("approval", "timer", {""}),
        ("operation", "timer", {""}),
        ("canary_ramp", "timer", {""}),
        ("canary_ramp", "child operation", {""}),
        ("release_watch", "timer", {""}),
        ("release_watch", "child stage", {""}),
        ("rollback", "child operation", {"undo"}),
        ("rollback", "timer", {"undo"}),
    ],
)
def test_the_long_waits_are_among_them(orchestrator: str, wait: str, of: set[str]) -> None:
    assert of <= {each.given.get("phase", "") for each in stored()[orchestrator] if wait in waits(each)}


# A check that never fails says nothing.


@pytest.mark.parametrize(
    ("orchestrator", "change", "words"),
    [
        ("intent", changed.another_call_first, "Non-Deterministic workflow detected"),
        ("stage", changed.another_call_first, "Non-Deterministic workflow detected"),
        ("approval", changed.a_field_that_nothing_fills, "it raises: 'colour'"),
        ("intent", changed.an_end_after_the_first_call, "Non-Deterministic workflow detected"),
        ("promotion", changed.a_second_activity_beside_each, "it begins something more here"),
    ],
)
def test_a_change_that_breaks_what_waits_is_found(orchestrator: str, change, words: str) -> None:
    broken = changed.with_change(orchestrator, change)
    found = [finding(broken, each) for each in stored()[orchestrator]]
    assert any(words in each for each in found if each), found


def test_the_same_change_for_those_that_begin_from_now_on_is_none() -> None:
    rightly = changed.with_change("stage", changed.another_call_first_for_those_that_begin_from_now_on)
    assert {finding(rightly, each) for each in stored()["stage"]} == {None}


def test_a_state_that_cannot_be_read_is_found() -> None:
    batch = next(
        each for each in asked()["environment"] if each.body["batch"][0]["name"] == "acquire" and each.body["state"]
    )
    cut = Batch(batch.situation, batch.entity, {**batch.body, "state": '{"holder": "a text"}'})
    assert "BAD_OPERATION" in (finding_of(app_code(), cut) or "")
