"""Platform metrics through the real SDK against the stand-in's metrics API."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import requests

from slipway.adapters.telemetry.counted import Counted, Counters
from slipway.adapters.telemetry.metrics import AzureMonitorMetrics, region_of
from slipway.promotion.plan import Target
from tests.laptop import AzureStandin
from tests.laptop_holds import SUBSCRIPTION

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BATCH = "/metrics:getBatch"
_numbers = count(1)


class Platform:
    """A site or container app of its own, and what the platform counted of it."""

    def __init__(self, azure: AzureStandin) -> None:
        name = f"counted-{next(_numbers)}"
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers"
        self.azure = azure
        self.site = Target(name, "app-service", f"{group}/Microsoft.Web/sites/{name}", "staging")
        self.slot = f"{self.site.resource}/slots/staging"
        self.metrics = AzureMonitorMetrics(replace(azure.settings, metrics_endpoint=azure.url))

    def counted(self, resource: str, minute: int, dimensions: dict[str, str] | None = None, **values: float) -> None:
        told = {"resource": resource, "minute": (NOON + minute * MINUTE).isoformat(), "values": values}
        body = [told | {"dimensions": dimensions or {}}]
        url, ca = f"{self.azure.url}/standin/readings", str(self.azure.settings.ca_file)
        requests.post(url, json=body, verify=ca, timeout=10).raise_for_status()

    def of_site(self, minutes: int) -> Counters:
        return self.metrics.of(self.site, "2.0.0", NOON, NOON + minutes * MINUTE)


@pytest.fixture
def platform(azure: AzureStandin) -> Iterator[Platform]:
    yield Platform(azure)


def test_slot_and_site_are_the_two_arms_minute_by_minute(platform: Platform) -> None:
    for instance in ("a", "b"):
        platform.counted(
            platform.site.resource,
            0,
            {"Instance": instance},
            Requests=450,
            Http5xx=1,
            CpuTime=9,
            MemoryWorkingSet=100e6,
        )
    platform.counted(platform.slot, 0, Requests=100, Http5xx=20, CpuTime=4)
    platform.counted(platform.site.resource, 1, Requests=0, Http5xx=0, CpuTime=0.5)
    first, second = platform.of_site(5).minutes
    assert (first.begins, second.begins) == (NOON, NOON + MINUTE)
    assert first.baseline == Counted(900, 2, 18, 2, 100e6)
    assert first.canary == Counted(100, 20, 4)
    assert second.baseline == Counted(0, 0, 0.5)
    assert second.canary is None, "no reading is not the same as no request"


def test_a_minute_that_began_before_is_left_out(platform: Platform) -> None:
    for resource in (platform.site.resource, platform.slot):
        for minute in (0, 1, 2):
            platform.counted(resource, minute, Requests=minute)
    half = timedelta(seconds=30)
    found = platform.metrics.of(platform.site, "2.0.0", NOON + half, NOON + 2 * MINUTE + half)
    assert [minute.begins - NOON for minute in found.minutes] == [MINUTE]


def test_revisions_of_a_container_app_by_status_and_replica(platform: Platform) -> None:
    app = platform.azure.app("apart")
    for category, requests_ in (("2xx", 180), ("4xx", 15), ("5xx", 5)):
        told = {"revisionName": "apart--v9-9-9", "statusCodeCategory": category}
        platform.counted(app.resource, 0, told, Requests=requests_)
    platform.counted(app.resource, 0, {"revisionName": "apart--v1-0-0", "statusCodeCategory": "2xx"}, Requests=1000)
    platform.counted(app.resource, 0, {"revisionName": "apart--v0-9-0", "statusCodeCategory": "5xx"}, Requests=7)
    for pod, cores, memory in (("x", 0.05, 80e6), ("y", 0.15, 90e6)):
        told = {"revisionName": "apart--v9-9-9", "podName": pod}
        platform.counted(app.resource, 0, told, UsageNanoCores=cores * 1e9, WorkingSetBytes=memory)
    found = platform.metrics.of(app, "9.9.9", NOON, NOON + MINUTE)
    [minute] = found.minutes
    assert minute.canary == Counted(200, 5, pytest.approx(0.2 * 60), 2, 90e6)
    assert minute.baseline == Counted(1000, 0)
    assert found.memory_limit is None, "there is no such revision"
    assert platform.metrics.of(app, "1.0.0", NOON, NOON + MINUTE).memory_limit == 2**29


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            {"answer": {"status": 403, "body": {"error": {"code": "Forbidden", "message": "no"}}}},
            "Microsoft.Insights/metrics/read",
        ),
        ({"answer": {"status": 429, "body": {"error": {"code": "TooMany", "message": "no"}}}}, "slow down"),
        ({"answer": {"status": 500}}, ""),
        ({"answer": {"status": 200, "body": {"values": []}}}, "cannot be read"),
        ({"answer": {"status": 200, "body": "nonsense"}}, "cannot be read"),
        ({"drop": "before"}, ""),
    ],
)
def test_a_source_that_is_broken_gives_words_and_no_minutes(
    platform: Platform, how: dict[str, Any], words: str
) -> None:
    platform.azure.fault("POST", BATCH, **how)
    found = platform.of_site(1)
    assert found.minutes == () and found.words and words in found.words


def test_a_resource_that_is_not_there(platform: Platform) -> None:
    found = platform.metrics.of(platform.azure.app("nobodys"), "2.0.0", NOON, NOON + MINUTE)
    assert found.minutes == () and "not find" in found.words
    nowhere = replace(platform.site, resource="/not/a/site")
    assert "not the resource id" in platform.metrics.of(nowhere, "2.0.0", NOON, NOON + MINUTE).words
    other = replace(platform.site, kind="front-door")
    assert "front-door" in platform.metrics.of(other, "2.0.0", NOON, NOON + MINUTE).words


def test_an_endpoint_with_a_region_asks_where_the_site_is(azure: AzureStandin) -> None:
    """The stand-in's own address serves as that of the region `westeurope`, in small letters and without a space."""
    elsewhere = replace(azure.settings, metrics_endpoint=f"{azure.url}/{{region}}")
    found = AzureMonitorMetrics(elsewhere).of(azure.target("plain"), "2.0.0", NOON, NOON + MINUTE)
    assert "/westeurope/subscriptions/" in found.words, "501 of a path that is not there names it"
    assert region_of("West Europe") == "westeurope"
