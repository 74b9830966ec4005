"""Releases that are down altogether, live: what is still known of them, and the way back to the side before."""

from collections.abc import Callable

import pytest

from slipway.adapters.app_service import AppService
from slipway.promotion.outcomes import Outcome
from tests import plain_http
from tests.adapters.container_app import App, Follow
from tests.adapters.test_app_service import Slot
from tests.laptop import AzureStandin

DEAD = "7.0.0-dead"


@pytest.fixture
def slot(azure: AzureStandin, until_ended: Follow) -> Callable[[str], Slot]:
    return lambda site: Slot(azure, site, until_ended)


def taken_down(it: Slot) -> str:
    """A release is live at the site and down. The version before it."""
    assert it.deploy(DEAD).outcome is Outcome.PASSED
    before = it.versions[0]
    assert before and it.swapped(it.start_swap(DEAD), DEAD).outcome is Outcome.PASSED
    plain_http.get(f"{it.service.read_live(it.target).production_address}/die")
    assert it.versions == (None, before)
    return before


def test_a_slot_is_swapped_back_to_from_a_release_that_is_down(slot: Callable[[str], Slot]) -> None:
    it = slot("swaps")
    before = taken_down(it)
    back = it.swapped(it.start_swap(before), before)
    assert back.outcome is Outcome.PASSED and it.versions == (before, None)
    again = it.swapped(it.start_swap(before), before)
    assert again.result["already"] and it.versions == (before, None), "a swap is its own undo"


def test_where_production_is_silent_nothing_is_swapped_before_the_last_swap_has_settled(
    slot: Callable[[str], Slot],
) -> None:
    """Whoever made it: until then a slot may answer what production holds by now."""
    it = slot("swaps")
    before = taken_down(it)
    it.service = AppService(it.azure.settings, settle_s=3600.0)
    answer = it.start_swap(before)
    assert answer.running and "its effect is awaited" in answer.words
    it.service = AppService(it.azure.settings, settle_s=0.5)
    assert it.swapped(it.start_swap(before), before).outcome is Outcome.PASSED


def test_the_old_slot_is_started_for_a_release_that_is_down(slot: Callable[[str], Slot]) -> None:
    it = slot("swaps")
    before = taken_down(it)
    it.service.stop_idle(it.target, before)
    stopped = it.service.stop_old_side(it.target, before, DEAD)
    assert not stopped.result["stopped"], "nobody sees that the release lives, so nothing more is stopped"
    first = it.service.start_idle(it.target, before, DEAD)
    started = it._follow(lambda _: it.service.start_idle(it.target, before, DEAD), first)
    assert started.outcome is Outcome.PASSED
    assert it.swapped(it.start_swap(before), before).outcome is Outcome.PASSED and it.versions[0] == before


def test_of_a_container_app_the_weights_say_what_is_live_though_it_is_down(
    azure: AzureStandin, until_ended: Follow
) -> None:
    it = App(azure, "dead", until_ended)
    before = it.versions[0]
    assert before and it.deploy(DEAD).outcome is Outcome.PASSED and it.swap(DEAD).outcome is Outcome.PASSED
    plain_http.get(f"{it.service.read_live(it.target).live_address}/die")
    state = it.service.read_live(it.target)
    assert (state.production_version, state.held_version, state.idle_version) == (None, DEAD, before)
    assert it.service.stop_old_side(it.target, before, DEAD).result["stopped"] is False
    it.stop(before)
    first = it.service.start_idle(it.target, before, DEAD)
    assert it.follow(lambda _: it.service.start_idle(it.target, before, DEAD), first).outcome is Outcome.PASSED
    assert it.swap(before).outcome is Outcome.PASSED and it.versions[0] == before
    assert it.service.read_live(it.target).held_version == before
