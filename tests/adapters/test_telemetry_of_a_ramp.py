"""The whole way: users, a routing rule, two releases, their log, the production KQL, the judge's windows."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.adapters.telemetry.logs import AzureMonitorLogs
from slipway.adapters.telemetry.metrics import AzureMonitorMetrics
from slipway.local.azure.config import StandinConfig, read
from slipway.local.azure.logs.metrics_api import Reading
from slipway.local.azure.sites.counters import Counters
from slipway.local.azure.sites.readings import Readings
from slipway.promotion.judge.windows import Window
from slipway.promotion.plan import Target
from slipway.promotion.telemetry import Question, Source, Span
from slipway.settings import Settings
from tests.azure_standin.standin import CONFIG, GROUP, SITE, SLOT, Arm, StandinProcess, running

TRAFFIC = f"""
{CONFIG}
telemetry:
  seed: 5
  traffic: [{{site: checkout-dev, service: checkout, version: 1.0.0, hours: 0, per_second: 40, error_rate: 0.01}}]
"""
MINUTE = timedelta(minutes=1)
BAD = "2.0.0-errors"


def settings_of(standin: StandinProcess) -> Settings:
    return Settings(
        logs_endpoint=standin.url,
        metrics_endpoint=standin.url,
        arm_endpoint=standin.url,
        ca_file=Path(standin.told["ca"]),
        site_scheme="http",
        client_id=standin.url,  # credentials keep their tokens for the process: one for each stand-in
    )


def set_share(standin: StandinProcess, percent: float) -> None:
    host = standin.told["sites"]["checkout-dev(staging)"].removeprefix("http://")
    rule = {"name": "staging", "actionHostName": host, "reroutePercentage": percent}
    with standin.web() as client:
        body = {"properties": {"experiments": {"rampUpRules": [rule] if percent else []}}}
        client.web_apps.update_configuration(GROUP, "checkout-dev", body)


def windows(standin: StandinProcess, begins: datetime, ticks: int, tick: timedelta) -> list[Window]:
    spans = tuple(Span(n + 1, begins + n * tick, begins + (n + 1) * tick) for n in range(ticks))
    question = Question(Source("any", "checkout"), BAD, "1.0.0", spans, warm_up_s=1.0, since=begins)
    return AzureMonitorLogs(settings_of(standin)).windows(question)


def deployed(standin: StandinProcess) -> None:
    with standin.web() as client:
        assert Arm(client).deployed(SLOT, standin.package(BAD))["status"] == "RuntimeSuccessful"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    with running(tmp_path_factory.mktemp("ramp"), TRAFFIC) as standin:
        deployed(standin)
        yield standin


def test_users_of_a_routed_site_are_seen_by_release(live: StandinProcess) -> None:
    set_share(live, 30)
    began = datetime.now(UTC)
    address = live.told["sites"]["checkout-dev"]
    command = [sys.executable, "-m", "slipway.local.traffic", "--to", f"{address}/carts", "--rate", "150", "--for", "3"]
    users = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    told = json.loads(users)
    set_share(live, 0)

    [window] = windows(live, began, 1, timedelta(seconds=30))
    assert window.fault == "" and window.trouble == "" and window.canary and window.baseline and window.halves
    for arm, version in ((window.canary, BAD), (window.baseline, "1.0.0")):
        assert (arm.total, arm.failed) == (told["versions"][version]["requests"], told["versions"][version]["failures"])
        assert arm.latencies and arm.latencies.count == arm.total
    assert window.canary.total / (window.canary.total + window.baseline.total) == pytest.approx(0.3, abs=0.09)
    assert window.canary.failed / window.canary.total == pytest.approx(0.2, abs=0.13) and window.baseline.failed == 0
    assert [half.requests > 50 for half in window.halves] == [True, True]


def test_in_virtual_time_the_same_is_drawn_without_a_request(tmp_path: Path) -> None:
    """Two minutes all live, then two with a quarter for the slot: rows are there when the clock says so."""
    with running(tmp_path, TRAFFIC, "--virtual-time") as standin, standin.http() as http:

        def now(moment: datetime) -> None:
            http.post("/standin/clock", json={"now": moment.isoformat()}).raise_for_status()

        began = datetime.now(UTC) + timedelta(hours=1)
        now(began)
        deployed(standin)
        assert {window.fault != "" for window in windows(standin, began, 4, MINUTE)} == {True}, "it is still to come"
        now(began + 2 * MINUTE)
        set_share(standin, 25)
        now(began + 4 * MINUTE)
        seen = windows(standin, began, 4, MINUTE)
        assert seen == windows(standin, began, 4, MINUTE)
    assert {window.fault for window in seen} == {""}
    totals = [(window.canary.total, window.baseline.total) for window in seen if window.canary and window.baseline]
    assert [canary for canary, _ in totals[:2]] == [0, 0]
    for canary, baseline in totals[2:]:
        assert canary + baseline == pytest.approx(2400, rel=0.1) and canary == pytest.approx(600, rel=0.15)
    assert seen[3].canary and seen[3].canary.failed / seen[3].canary.total == pytest.approx(0.21, abs=0.05)
    assert seen[3].halves and min(half.requests for half in seen[3].halves) > 700


def test_in_virtual_time_the_platform_counts_what_was_drawn(tmp_path: Path) -> None:
    with running(tmp_path, TRAFFIC, "--virtual-time", "2026-11-30T12:00") as standin, standin.http() as http:

        def counted(begins: datetime, minutes: int) -> list[tuple[float, float]]:
            """Of production and of the slot: requests, and how many of them ended with a 5xx."""
            target = Target("dev", "app-service", SITE, "staging")
            found = AzureMonitorMetrics(settings_of(standin)).of(target, "any", begins, begins + minutes * MINUTE)
            arms = [[each.baseline for each in found.minutes], [each.canary for each in found.minutes]]
            return [
                (sum(each.requests for each in arm if each), sum(each.failures_5xx for each in arm if each))
                for arm in arms
            ]

        noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
        deployed(standin)
        http.post("/standin/clock", json={"now": (noon + MINUTE).isoformat()}).raise_for_status()
        set_share(standin, 25)
        http.post("/standin/clock", json={"now": (noon + 6 * MINUTE).isoformat()}).raise_for_status()
        before, after = counted(noon, 1), counted(noon + MINUTE, 5)
        [window] = windows(standin, noon + MINUTE, 1, 5 * MINUTE)
    assert before[0][0] == pytest.approx(2400, rel=0.1) and before[1] == (0, 0)
    assert window.canary and window.baseline
    logged = [(arm.total, arm.failed) for arm in (window.baseline, window.canary)]
    assert after == logged, "the log and the counters tell of the same requests"
    assert after[1][0] == pytest.approx(3000, rel=0.1)


def test_what_front_ends_count_is_what_the_platform_tells(tmp_path: Path) -> None:
    (tmp_path / "laptop.yaml").write_text(CONFIG)
    counters, minute = Counters(), datetime(2026, 11, 30, 12, 1, tzinfo=UTC)
    for number, status in enumerate((200, 200, 503)):
        counters.served("checkout-dev", "staging", minute + timedelta(seconds=number), "a", status, 0.25)
    readings = Readings(read(StandinConfig, tmp_path / "laptop.yaml"), counters)
    assert readings(SLOT.lower(), minute) == [
        Reading({"Requests": 3, "Http5xx": 1, "CpuTime": 0.25}, {"Instance": "a"})
    ]
    [quiet] = readings(SITE.lower(), minute) or ()
    assert quiet.values["Requests"] == 0, "a site that nobody asked is counted, with nothing"
    assert readings(SITE.lower().replace("checkout", "shop"), minute) is None


def test_what_revisions_are_asked_is_counted_by_answer(tmp_path: Path) -> None:
    live = "{name: shop, port: 9, live: {service: shop, version: 1.0.0}}"
    (tmp_path / "laptop.yaml").write_text(f"{CONFIG}\ncontainer_apps: [{live}]\nimages: {{r.example/shop: shop}}\n")
    counters, minute = Counters(), datetime(2026, 11, 30, 12, 1, tzinfo=UTC)
    for revision, status in (("shop--v1", 200), ("shop--v2", 200), ("shop--v2", 503)):
        counters.served("shop", revision, minute, f"one of {revision}", status)
    app = SITE.lower().replace("microsoft.web/sites/checkout-dev", "microsoft.app/containerapps/shop")
    readings = Readings(read(StandinConfig, tmp_path / "laptop.yaml"), counters)(app, minute)
    asked = [each for each in readings or () if "Requests" in each.values]
    told = {(each.dimensions["revisionName"], each.dimensions["statusCodeCategory"]): each for each in asked}
    assert {place: each.values for place, each in told.items()} == {
        ("shop--v1", "2xx"): {"Requests": 1},
        ("shop--v1", "5xx"): {"Requests": 0},
        ("shop--v2", "2xx"): {"Requests": 1},
        ("shop--v2", "5xx"): {"Requests": 1},
    }
