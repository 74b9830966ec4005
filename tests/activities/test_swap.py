"""Swapping: a second swap would take the first one back, so there is never one."""

import pytest

from activities import targets
from slipway.adapters.app_service import AppService
from slipway.adapters.fences import Fences
from slipway.adapters.intake import mark_aborted
from slipway.adapters.receipts import Receipts
from slipway.promotion.outcomes import Outcome
from tests.activities.conftest import Promotion
from tests.app_host import AppHost, eventually
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")

SITE = "swapped"


@pytest.fixture(autouse=True)
def _front_ends_follow_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in shows a swap at once; in Azure it may take 20 s."""
    monkeypatch.setattr(targets, "platform_of", lambda _: AppService(settle_s=0.2))


@pytest.fixture
def idle(app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int) -> str:
    """The version that waits on the idle side, another one than the live one."""
    state = AppService().read_live(azure.target(SITE))
    if state.idle_version:
        return state.idle_version
    order = promotion.change(SITE, "deploy", fence=fence)
    assert app.followed("deploy", order).outcome is Outcome.PASSED
    return promotion.version


def test_a_swap_that_ended_answers_the_same_again_and_swaps_nothing_back(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, idle: str
) -> None:
    was, order = azure.live_version(SITE), promotion.change(SITE, "swap", idle, fence)
    answer = app.followed("swap", order)
    assert answer.outcome is Outcome.PASSED and answer.result == {"before": was}
    assert azure.live_version(SITE) == idle
    back = app.followed("swap", promotion.change(SITE, "swap-back", was, fence))
    assert (back.outcome, azure.live_version(SITE)) == (Outcome.PASSED, was)
    assert app.activity("swap", order) == answer, "its receipt says how it ended"
    assert azure.live_version(SITE) == was


def test_a_swap_that_is_called_again_goes_on_with_the_handle_of_its_receipt(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, idle: str
) -> None:
    was, order = azure.live_version(SITE), promotion.change(SITE, "swap", idle, fence)
    started = app.activity("swap", order)
    assert started.running and started.handle["kind"] == "swap"
    again = app.activity("swap", order)
    assert again.handle.get("poll_url") == started.handle["poll_url"] or again.result == {"before": was}
    assert app.followed("swap", order, again).result == {"before": was}
    assert azure.live_version(SITE) == idle


@pytest.mark.parametrize("had_its_effect", [True, False])
def test_a_swap_whose_process_died_around_its_effect_is_made_once(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, idle: str, had_its_effect: bool
) -> None:
    order = promotion.change(SITE, "swap", idle, fence)
    receipt = Receipts().begin(promotion.id, order["operation"])
    if had_its_effect:
        AppService().start_swap(azure.target(SITE), idle, order["operation"], receipt.intent_at, False)
    assert app.followed("swap", order).outcome is Outcome.PASSED
    assert azure.live_version(SITE) == idle


def test_an_aborted_promotion_swaps_nothing_but_its_own_way_back(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, idle: str
) -> None:
    was = azure.live_version(SITE)
    mark_aborted(promotion.id)
    order = promotion.change(SITE, "swap", idle, fence)
    answer = app.activity("swap", order)
    assert (answer.outcome, answer.code) == (Outcome.CANCELLED, "ABORTED")
    assert azure.live_version(SITE) == was
    back = promotion.change(SITE, "swap-back", idle, fence, despite_abort=True)
    assert app.followed("swap", back).outcome is Outcome.PASSED
    assert azure.live_version(SITE) == idle


def test_a_swap_under_an_older_fence_does_nothing_for_good(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, idle: str
) -> None:
    was, target = azure.live_version(SITE), azure.target(SITE)
    assert Fences().claim(target, fence + 1, "rollback").granted
    Fences().close(target, fence + 1, "rollback")
    order = promotion.change(SITE, "swap", idle, fence)
    answers = [app.activity("swap", order) for _ in range(2)]
    assert [(each.outcome, each.code) for each in answers] == [(Outcome.CANCELLED, "FENCED")] * 2
    assert azure.live_version(SITE) == was


def test_a_slot_that_holds_another_version_is_not_made_live(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, idle: str
) -> None:
    was = azure.live_version(SITE)
    answer = app.followed("swap", promotion.change(SITE, "swap", "9.9.9", fence))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "IDLE_HOLDS_ANOTHER")
    assert azure.live_version(SITE) == was


def test_a_swap_that_the_front_end_does_not_show_yet_is_waited_for(
    app: AppHost,
    azure: AzureStandin,
    promotion: Promotion,
    fence: int,
    idle: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, "platform_of", lambda _: AppService(settle_s=20.0))
    was, order = azure.live_version(SITE), promotion.change(SITE, "swap", idle, fence)
    started = app.activity("swap", order)
    eventually(lambda: azure.live_version(SITE) == idle)
    azure.fault("GET", "/version", 2, SITE, answer={"status": 200, "body": {"version": was}})
    answer = app.activity("swap", {**order, "handle": started.handle})
    assert answer.running and answer.words == "swapped; the front end follows"
    assert app.followed("swap", order, answer).outcome is Outcome.PASSED


@pytest.mark.parametrize("theirs", ["the swap itself", "the way back"])
def test_a_live_version_that_somebody_else_changed_is_looked_at_not_swapped_over(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, idle: str, theirs: str
) -> None:
    """By hand in the portal: the same swap just before ours, or a swap back just after ours began to settle."""
    was, order = azure.live_version(SITE), promotion.change(SITE, "swap", idle, fence)
    if theirs == "the swap itself":
        by_hand(app, promotion, fence, idle, "portal")
        answer = app.activity("swap", order)
        assert (answer.outcome, answer.result) == (Outcome.PASSED, {"already": True})
        assert azure.live_version(SITE) == idle, "a second swap would have taken it back"
        return
    started = app.activity("swap", order)
    eventually(lambda: azure.live_version(SITE) == idle)
    by_hand(app, promotion, fence, was, "portal")
    answer = app.followed("swap", order, started)
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "SWAP_NOT_EFFECTIVE")
    assert f"production answers {was}, not {idle}" in answer.words
    assert azure.live_version(SITE) == was


def by_hand(app: AppHost, promotion: Promotion, fence: int, version: str, step: str) -> None:
    assert app.followed("swap", promotion.change(SITE, step, version, fence)).outcome is Outcome.PASSED
