"""`look_at_ramp`: what is seen of a ramp between two ticks, and the top-up that it sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest
import requests

from slipway.promotion.canary_plan import IGNORE, CanaryPlan, Signals, TopUp
from slipway.promotion.judge.policy import Policy
from slipway.promotion.plan import HealthCheck, Target
from slipway.promotion.telemetry import Source
from slipway.settings import settings
from tests.app_host import AppHost
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")

PLAN = CanaryPlan(Policy(), Source("", "checkout"), signals=Signals(probe=IGNORE))
NOBODY = "http://127.0.0.1:9"
MINUTE = timedelta(minutes=1)
_numbers = count(1)


@pytest.fixture(autouse=True)
def _metrics(azure: AzureStandin, configured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_METRICS_ENDPOINT", azure.url)
    settings.cache_clear()


def a_look(target: Target, address: str = NOBODY, plan: CanaryPlan = PLAN, **more: Any) -> dict[str, Any]:
    """The order of a ramp of 2.0.0 beside 1.0.0."""
    said: dict[str, Any] = {"promotion": "checkout--2.0.0", "version": "2.0.0", "baseline": "1.0.0"}
    said |= {"targets": [asdict(target)], "sites": {target.name: {"production": address, "idle": NOBODY}}}
    said |= {"canary": asdict(plan), "health": asdict(HealthCheck()), "every_s": 1.0, "counters": True}
    return said | more


def counted(azure: AzureStandin, resource: str, dimensions: dict[str, str], **values: float) -> None:
    """In the last full minute, the one before and the next, since one may pass meanwhile."""
    this = datetime.now(UTC).replace(second=0, microsecond=0)
    told = {"resource": resource, "dimensions": dimensions, "values": values}
    body = [told | {"minute": (this + n * MINUTE).isoformat()} for n in (-2, -1, 0)]
    url, ca = f"{azure.url}/standin/readings", str(azure.settings.ca_file)
    requests.post(url, json=body, verify=ca, timeout=10).raise_for_status()


def outage_at(azure: AzureStandin, target: Target) -> None:
    """A third of the release's requests ends as 5xx, and nearly none of the live one's."""
    if target.kind == "app-service":
        counted(azure, f"{target.resource}/slots/staging", {"Instance": "a"}, Requests=90, Http5xx=30)
        counted(azure, target.resource, {"Instance": "a"}, Requests=900, Http5xx=1)
        return
    by_status = {("2-0-0", "2xx"): 60, ("2-0-0", "5xx"): 30, ("1-0-0", "2xx"): 900, ("1-0-0", "5xx"): 1}
    for (version, status), number in by_status.items():
        told = {"revisionName": f"{target.name}--v{version}", "statusCodeCategory": status}
        counted(azure, target.resource, told, Requests=number)


@pytest.mark.parametrize("kind", ["app-service", "container-apps"])
def test_the_platforms_counters_speak_against_a_release_in_an_outage(
    app: AppHost, azure: AzureStandin, kind: str
) -> None:
    target = azure.target("halted") if kind == "app-service" else azure.app("moved")
    assert app.activity("look_at_ramp", a_look(target)).result["signals"] == []
    outage_at(azure, target)
    seen = app.activity("look_at_ramp", a_look(target))
    [[name, words]] = seen.result["signals"]
    assert name == "counters" and words.startswith(f"{target.name}: the platform counts ")
    assert "× 5xx in" in words and seen.result["shares"] == {target.name: 0.0}
    ignored = replace(PLAN, signals=Signals(IGNORE, IGNORE, IGNORE))
    for order in (a_look(target, plan=ignored), a_look(target, counters=False)):
        assert app.activity("look_at_ramp", order).result["signals"] == []


class Site(ThreadingHTTPServer):
    """A live address: what it was asked for, and how it answers."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        self.status, self.asked, self.cookies = status, list[tuple[str, str]](), list[str]()
        super().__init__(("127.0.0.1", 0), Asked)

    @property
    def address(self) -> str:
        return f"http://localhost:{self.server_address[1]}"  # clients keep no cookies of an address without a name


class Asked(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        self.server.asked.append((self.path.partition("?")[0], self.headers.get("x-slipway-synthetic", "")))
        self.server.cookies.append(self.headers.get("cookie", ""))
        self.send_response(self.server.status)
        self.send_header("set-cookie", "x-ms-routing-name=self; path=/")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def a_site(status: int = 200) -> Iterator[Site]:
    with Site(status) as site:
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield site
        site.shutdown()


def topped_up(rate_per_s: float) -> CanaryPlan:
    return replace(PLAN, top_up=TopUp(rate_per_s, "/buy"), signals=Signals(IGNORE, IGNORE, IGNORE))


def test_a_top_up_sends_what_is_due_until_the_next_look_and_says_that_it_is_synthetic(
    app: AppHost, azure: AzureStandin
) -> None:
    with a_site() as site:
        seen = app.activity("look_at_ramp", a_look(azure.target("plain"), site.address, topped_up(20)))
    assert (seen.words, seen.result["no_top_up"]) == ("", "")
    assert site.asked == [("/buy", "1")] * 21, (
        "twenty in a second, and the one that looked whether there is such a path"
    )
    assert set(site.cookies) == {""}, "a router that keeps its clients draws each of them anew"


def test_the_largest_top_up_that_a_pipeline_may_ask_for_is_sent(app: AppHost, azure: AzureStandin) -> None:
    with a_site() as site:
        order = a_look(azure.target("plain"), site.address, topped_up(60), every_s=15.0)
        assert app.activity("look_at_ramp", order).state == "passed"
    assert len(site.asked) == 1 + 900


def test_a_release_that_fails_is_topped_up_all_the_same(app: AppHost, azure: AzureStandin) -> None:
    with a_site(500) as site:
        seen = app.activity("look_at_ramp", a_look(azure.target("plain"), site.address, topped_up(20)))
    assert seen.words == "" and len(site.asked) == 21


def test_a_path_that_is_not_there_is_asked_for_once_and_named(app: AppHost, azure: AzureStandin) -> None:
    """Telemetry counts its 404 as failures of whichever release answers."""
    with a_site(404) as site:
        order = a_look(azure.target("plain"), site.address, topped_up(20))
        seen = app.activity("look_at_ramp", order)
        assert seen.state == "passed" and seen.result["signals"] == []
        assert seen.words == f"plain: no top-up is sent any more: {site.address}/buy answers 404"
        again = app.activity("look_at_ramp", {**order, "no_top_up": seen.result["no_top_up"]})
    assert again.words == seen.words == again.result["no_top_up"]
    assert len(site.asked) == 1


def test_a_throttled_top_up_is_tried_again(app: AppHost, azure: AzureStandin) -> None:
    with a_site(429) as site:
        seen = app.activity("look_at_ramp", a_look(azure.target("plain"), site.address, topped_up(20)))
    assert (len(site.asked), seen.result["no_top_up"]) == (1, "")
    assert seen.words == f"plain: no top-up is sent: {site.address}/buy answers 429"


def test_an_address_where_nobody_answers_is_named_and_tried_again(app: AppHost, azure: AzureStandin) -> None:
    order = a_look(azure.target("plain"), NOBODY, topped_up(20))
    seen = app.activity("look_at_ramp", order)
    assert seen.state == "passed" and (seen.result["signals"], seen.result["no_top_up"]) == ([], "")
    assert seen.words == f"plain: no top-up is sent: {NOBODY}/buy does not answer: connection refused or lost"
