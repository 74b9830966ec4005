"""The side before the live one: stopped when its time is over, started to go back to it; and what a switch shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from slipway.adapters.fences import Fences
from slipway.promotion.outcomes import Answer, Outcome, iso
from slipway.settings import settings
from tests.activities.conftest import Promotion
from tests.app_host import AppHost
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")

SITE = "old-side"


@pytest.fixture
def switched(app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int) -> str:
    """The promotion's release is live at the site; what was live before stands in the slot. Its version."""
    before = azure.live_version(SITE)
    for step in ("deploy", "swap"):
        assert app.followed(step, promotion.change(SITE, step, fence=fence)).outcome is Outcome.PASSED
    return before


def stop(app: AppHost, promotion: Promotion, fence: int, version: str, live: str = "", n: int = 1) -> Answer:
    order = promotion.change(SITE, f"stop-old-side-{n}", version=version, fence=fence)
    return app.followed("stop_old_side", {**order, "live": live or promotion.version})


def start(app: AppHost, promotion: Promotion, fence: int, version: str, live: str = "", n: int = 1) -> Answer:
    order = promotion.change(SITE, f"start-idle-{n}", version=version, fence=fence)
    return app.followed("start_idle", {**order, "live": live or promotion.version})


def test_the_old_side_is_stopped_however_often_that_is_said_and_users_notice_nothing(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, switched: str
) -> None:
    answers = [stop(app, promotion, fence, switched, n=n) for n in (1, 2)]
    assert [(each.outcome, each.result["stopped"]) for each in answers] == [(Outcome.PASSED, True)] * 2
    assert (azure.slot_state(SITE), azure.live_version(SITE)) == ("Stopped", promotion.version)


def test_what_was_stopped_is_started_and_switched_back_to(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, switched: str
) -> None:
    assert stop(app, promotion, fence, switched).result["stopped"]
    started = start(app, promotion, fence, switched)
    assert started.outcome is Outcome.PASSED and "runs again" in started.words
    back = promotion.change(SITE, "swap-back", version=switched, fence=fence)
    assert app.followed("swap", back).outcome is Outcome.PASSED
    assert azure.live_version(SITE) == switched


def test_who_has_been_outgrown_stops_nothing(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, switched: str
) -> None:
    assert Fences().claim(azure.target(SITE), fence + 1, "the next").granted
    Fences().close(azure.target(SITE), fence + 1, "the next")
    answer = stop(app, promotion, fence, switched)
    assert (answer.outcome, answer.code, azure.slot_state(SITE)) == (Outcome.CANCELLED, "FENCED", "Running")


def test_a_side_that_holds_another_release_is_left_as_it_is(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, switched: str
) -> None:
    answer = stop(app, promotion, fence, "0.9.9")
    assert answer.outcome is Outcome.PASSED and not answer.result["stopped"]
    assert f"holds {switched}, not 0.9.9" in answer.words and azure.slot_state(SITE) == "Running"
    answer = stop(app, promotion, fence, switched, live="0.9.9", n=2)
    assert not answer.result["stopped"] and azure.slot_state(SITE) == "Running"


def test_nothing_is_started_for_a_release_that_is_not_live_or_to_find_another(
    app: AppHost, promotion: Promotion, fence: int, switched: str
) -> None:
    assert start(app, promotion, fence, switched, live="0.9.9").code == "NOT_LIVE"
    assert start(app, promotion, fence, "0.9.9", n=2).code == "NOTHING_TO_RETURN_TO"


def counted(azure: AzureStandin, resource: str, minutes: range, requests_: int, http_5xx: int) -> None:
    this = datetime.now(UTC).replace(second=0, microsecond=0)
    told = {"resource": resource, "dimensions": {"Instance": "a"}}
    body: list[dict[str, Any]] = [
        told | {"minute": iso(this + n * timedelta(minutes=1)), "values": {"Requests": requests_, "Http5xx": http_5xx}}
        for n in minutes
    ]
    url, ca = f"{azure.url}/standin/readings", str(azure.settings.ca_file)
    requests.post(url, json=body, verify=ca, timeout=10).raise_for_status()


@pytest.mark.parametrize(("site", "before_5xx", "speaks"), [("old-side", 1, True), ("held", 300, False)])
def test_what_the_platform_counts_after_a_switch_speaks_only_beyond_what_it_counted_before(
    app: AppHost, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch, site: str, before_5xx: int, speaks: bool
) -> None:
    monkeypatch.setenv("SLIPWAY_METRICS_ENDPOINT", azure.url)
    settings.cache_clear()
    target = azure.target(site)
    counted(azure, target.resource, range(-2, 1), 90, 30)
    counted(azure, target.resource, range(-20, -6), 900, before_5xx)
    since = iso(datetime.now(UTC) - timedelta(minutes=5))
    order = {"promotion": "checkout--2.0.0", "version": "2.0.0", "since": since, "targets": [vars(target)]}
    answer = app.activity("look_after_switch", {**order, "counters": True, "alerts": False})
    signals = answer.result["signals"]
    assert bool(signals) is speaks, signals
    if speaks:
        assert signals[0][0] == "counters" and "0.1% of those before the switch" in signals[0][1]
    silent = app.activity("look_after_switch", {**order, "counters": False, "alerts": False})
    assert silent.result["signals"] == []
