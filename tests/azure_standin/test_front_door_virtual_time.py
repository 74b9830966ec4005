"""Front Door in virtual time: what the edge knows when, who is dropped when, and what is drawn of its users."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.monitor.query import LogsQueryClient
from azure.monitor.querymetrics import MetricsClient

from tests.azure_standin.front_door import ENDPOINT, GROUP_ID, Edge, with_front_door
from tests.azure_standin.standin import GROUP, Arm, StandinProcess, running

STAGING = f"{GROUP_ID}/providers/Microsoft.Web/sites/checkout-dev/slots/staging"
STARTS = datetime(2026, 11, 30, 8, tzinfo=UTC)
CONFIG = (
    with_front_door(operation_s=30, propagation_s=1200)
    + f"telemetry: {{traffic: [{{site: {ENDPOINT}, service: checkout, version: 1.0.0, per_second: 10}}]}}\n"
)


class World(Edge):
    """With a clock."""

    @property
    def now(self) -> datetime:
        with self.standin.http() as http:
            return datetime.fromisoformat(http.get("/standin/clock").json()["now"])

    def wait(self, seconds: float) -> None:
        with self.standin.http() as http:
            moment = self.now + timedelta(seconds=seconds)
            http.post("/standin/clock", json={"now": moment.isoformat()}).raise_for_status()

    def asked(self, kql: str, last_s: float = 60) -> dict[Any, int]:
        """Of the last seconds."""
        client = LogsQueryClient(
            self.standin.credential(), endpoint=f"{self.standin.url}/v1", connection_verify=self.standin.told["ca"]
        )
        now = self.now
        span = (now - timedelta(seconds=last_s), now)
        return {row[0]: row[1] for row in client.query_workspace("any", kql, timespan=span).tables[0].rows}

    def versions(self, last_s: float = 60) -> dict[str, int]:
        return self.asked("AppRequests | summarize sum(ItemCount) by AppVersion", last_s)

    def origins(self, last_s: float = 60) -> dict[str, int]:
        return self.asked("AFDAccessLog | summarize count() by OriginName", last_s)


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    """With 2.0.0 on the idle side, whose origin is switched off."""
    folder = tmp_path_factory.mktemp("virtual")
    with running(folder, CONFIG, "--virtual-time", STARTS.isoformat()) as standin, standin.web() as web:
        Arm(web).deployed(STAGING, standin.package("2.0.0"))
        yield standin


@pytest.fixture
def world(standin: StandinProcess) -> Iterator[World]:
    world = World(standin)
    yield world
    world.tell(propagation_s=0, operation_s=0)
    world.set(weight=1, enabledState="Disabled")
    world.tell(propagation_s=1200, operation_s=30, settle=True)
    world.wait(600)


def test_users_meet_a_weight_when_the_edge_has_it(world: World) -> None:
    world.begin(weight=250, enabledState="Enabled")
    assert world.origin()["provisioningState"] == "Updating"
    world.wait(31)
    assert (world.origin()["provisioningState"], world.origin()["weight"]) == ("Succeeded", 250)
    world.wait(1199)
    assert set(world.versions()) == {"1.0.0"}, "not yet"
    world.wait(60)
    assert world.versions()["2.0.0"] == pytest.approx(120, abs=50)
    live, idle = world.origin("live")["hostName"], world.origin("idle")["hostName"]
    assert world.origins() == {live: world.versions()["1.0.0"], idle: world.versions()["2.0.0"]}


def test_a_stopped_canary_is_dropped_after_two_bad_probes(world: World) -> None:
    world.tell(propagation_s=0, operation_s=0)
    world.set(weight=1000, enabledState="Enabled")
    world.wait(600.5)  # between two probes
    assert world.share() == 0.5
    with world.standin.web() as web:
        web.web_apps.stop_slot(GROUP, "checkout-dev", "staging")
        world.wait(0.5)
        assert world.share() == 0.5, "one bad sample of four"
        world.wait(1)
        assert world.share() == 0
        world.wait(60)
        assert set(world.versions()) == {"1.0.0"}
        assert world.versions()["1.0.0"] == pytest.approx(600, abs=100)
        web.web_apps.start_slot(GROUP, "checkout-dev", "staging")
    world.wait(4)
    assert world.share() == 0.5


def test_a_site_counts_what_came_through_the_front_door(world: World) -> None:
    world.tell(propagation_s=0, operation_s=0)
    world.set(weight=1000, enabledState="Enabled")
    world.wait(120 - world.now.second - world.now.microsecond / 1_000_000)  # metrics know whole minutes
    ends = world.now
    with MetricsClient(
        world.standin.url,
        world.standin.credential(),
        audience="https://metrics.monitor.azure.com",
        connection_verify=world.standin.told["ca"],
    ) as client:
        (found,) = client.query_resources(
            resource_ids=[STAGING],
            metric_namespace="Microsoft.Web/sites/slots",
            metric_names=["Requests"],
            timespan=(ends - timedelta(minutes=1), ends),
            granularity=timedelta(minutes=1),
            aggregations=["Total"],
        )
    (series,) = found.metrics[0].timeseries
    assert [point.total for point in series.data] == [world.versions()["2.0.0"]]


def test_rows_of_the_edge_come_late_as_others_do(world: World) -> None:
    world.wait(120)
    assert world.origins(120)
    with world.standin.http() as http:
        http.post("/standin/telemetry", json={"delay_s": 180}).raise_for_status()
        assert not world.origins(120)
        world.wait(180)
        assert sum(world.origins(300).values()) == pytest.approx(1200, abs=150)
        http.delete("/standin/telemetry")


def test_what_was_drawn_once_is_drawn_again(world: World) -> None:
    world.tell(propagation_s=300, operation_s=0)
    world.set(weight=1000, enabledState="Enabled")
    world.wait(900)
    before = world.versions(600)
    world.standin.kill()
    world.standin.start("--virtual-time", STARTS.isoformat())
    assert world.versions(600) == before


def test_requests_that_are_really_sent_follow_the_edge_too(world: World) -> None:
    world.tell(operation_s=0)
    world.set(weight=1000, enabledState="Enabled")
    assert world.met(20) == {"1.0.0": 20}
    world.wait(1200)
    assert world.met(100)["2.0.0"] > 20
