"""Platform metrics through the real SDK against the stand-in's metrics API."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import requests

from slipway.adapters.telemetry.metrics import AzureMonitorMetrics, Counted, Counters, region_of
from slipway.promotion.plan import Target
from tests.laptop import SUBSCRIPTION, AzureStandin

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
        self.app = f"{group}/Microsoft.App/containerApps/{name}"
        self.metrics = AzureMonitorMetrics(replace(azure.settings, metrics_endpoint=azure.url))

    def counted(self, resource: str, minute: int, dimensions: dict[str, str] | None = None, **values: float) -> None:
        told = {"resource": resource, "minute": (NOON + minute * MINUTE).isoformat(), "values": values}
        body = [told | {"dimensions": dimensions or {}}]
        url, ca = f"{self.azure.url}/standin/readings", str(self.azure.settings.ca_file)
        requests.post(url, json=body, verify=ca, timeout=10).raise_for_status()

    def of_site(self, minutes: int) -> Counters:
        return self.metrics.app_service(self.site, NOON, NOON + minutes * MINUTE)


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
    assert first.baseline == Counted(900, 2, 0.02, 100e6)
    assert first.canary == Counted(100, 20, 0.04, None)
    assert second.baseline == Counted(0, 0, None, None), "no request, so no CPU for one"
    assert second.canary is None, "no reading is not the same as no request"


def test_a_minute_that_began_before_is_left_out(platform: Platform) -> None:
    for resource in (platform.site.resource, platform.slot):
        for minute in (0, 1, 2):
            platform.counted(resource, minute, Requests=minute)
    half = timedelta(seconds=30)
    found = platform.metrics.app_service(platform.site, NOON + half, NOON + 2 * MINUTE + half)
    assert [minute.begins - NOON for minute in found.minutes] == [MINUTE]


def test_revisions_of_a_container_app_by_status_and_replica(platform: Platform) -> None:
    for category, requests_ in (("2xx", 180), ("4xx", 15), ("5xx", 5)):
        told = {"revisionName": "app--v2", "statusCodeCategory": category}
        platform.counted(platform.app, 0, told, Requests=requests_)
    platform.counted(platform.app, 0, {"revisionName": "app--v1", "statusCodeCategory": "2xx"}, Requests=1000)
    platform.counted(platform.app, 0, {"revisionName": "app--v0", "statusCodeCategory": "5xx"}, Requests=7)
    for pod, cores, memory in (("x", 0.05, 80e6), ("y", 0.15, 90e6)):
        told = {"revisionName": "app--v2", "podName": pod}
        platform.counted(platform.app, 0, told, UsageNanoCores=cores * 1e9, WorkingSetBytes=memory)
    [minute] = platform.metrics.container_app(
        platform.app, "West Europe", "app--v2", "app--v1", NOON, NOON + MINUTE
    ).minutes
    assert minute.canary is not None
    assert (minute.canary.requests, minute.canary.failures_5xx, minute.canary.memory_bytes) == (200, 5, 90e6)
    assert minute.canary.cpu_s_per_request == pytest.approx(0.2 * 60 / 200)
    assert minute.baseline == Counted(1000, 0, None, None)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"answer": {"status": 403, "body": {"error": {"code": "Forbidden", "message": "no"}}}}, "Monitoring Reader"),
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
    found = platform.metrics.container_app(platform.app, "westeurope", "a", "b", NOON, NOON + MINUTE)
    assert found.minutes == () and "not find" in found.words
    nowhere = replace(platform.site, resource="/not/a/site")
    assert "not the resource id" in platform.metrics.app_service(nowhere, NOON, NOON + MINUTE).words


def test_an_endpoint_with_a_region_asks_where_the_site_is(azure: AzureStandin) -> None:
    """The stand-in's own address serves as that of the region `westeurope`, in small letters and without a space."""
    elsewhere = replace(azure.settings, metrics_endpoint=f"{azure.url}/{{region}}")
    found = AzureMonitorMetrics(elsewhere).app_service(azure.target("plain"), NOON, NOON + MINUTE)
    assert "/westeurope/subscriptions/" in found.words, "501 of a path that is not there names it"
    assert region_of("West Europe") == "westeurope"
