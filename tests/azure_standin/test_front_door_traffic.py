"""Front Door before two sides of a site: who meets which release, and since when."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.monitor.query import LogsQueryClient

from tests import plain_http
from tests.azure_standin.front_door import ENDPOINT, GROUP_ID, PROFILE, Edge, a_rule, with_front_door
from tests.azure_standin.standin import GROUP, Arm, StandinProcess, running, until

STAGING = f"{GROUP_ID}/providers/Microsoft.Web/sites/checkout-dev/slots/staging"


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    config = with_front_door(operation_s=0, propagation_s=0)
    with running(tmp_path_factory.mktemp("traffic"), config) as standin, standin.web() as web:
        Arm(web).deployed(STAGING, standin.package("2.0.0"))
        yield standin


@pytest.fixture
def edge(standin: StandinProcess) -> Iterator[Edge]:
    edge = Edge(standin)
    edge.tell(propagation_s=0)
    yield edge
    edge.tell(propagation_s=0, never=0, settle=True, origin="checkout/idle", health="real")
    edge.group(additional_latency=1000, sessionAffinityState="Disabled")
    edge.set(weight=1, enabledState="Disabled")
    until(lambda: edge.share() == 0)


def test_weights_divide_the_requests(edge: Edge) -> None:
    assert edge.met(20) == {"1.0.0": 20}
    edge.set(weight=1000, enabledState="Enabled")
    assert edge.share() == 0.5
    met = edge.met(200)
    assert 60 < met["2.0.0"] < 140, met
    edge.set("live", weight=1)
    assert edge.met(50)["2.0.0"] > 45
    edge.set("live", weight=1000)


def test_without_a_latency_window_weights_are_void(edge: Edge) -> None:
    edge.set(weight=1000, enabledState="Enabled")
    edge.group(additional_latency=0)

    def shares() -> list[float]:
        return sorted(each["share"] for each in edge.shown()["origin_groups"]["checkout"].values())

    until(lambda: shares() == [0, 1])


def test_a_lower_priority_takes_all_that_is_healthy(edge: Edge) -> None:
    edge.set(weight=1000, enabledState="Enabled", priority=2)
    assert edge.share() == 0
    edge.tell(origin="checkout/live", health="unhealthy")
    until(lambda: edge.share() == 1)
    edge.tell(origin="checkout/live", health="real")
    edge.set(priority=1)
    until(lambda: edge.share() == 0.5)


def test_a_change_is_accepted_long_before_the_edge_has_it(edge: Edge) -> None:
    edge.tell(propagation_s=600)
    assert edge.set(weight=1000, enabledState="Enabled")["provisioningState"] == "Succeeded"
    assert edge.met(30) == {"1.0.0": 30}
    first = datetime.fromisoformat(edge.shown()["settled_at"])
    edge.set(weight=500)
    second = datetime.fromisoformat(edge.shown()["settled_at"])
    assert second - first == timedelta(seconds=600), "they queue behind each other"
    edge.tell(settle=True)
    assert edge.share() == pytest.approx(1 / 3, abs=1e-6)


def test_a_change_can_get_lost_on_its_way(edge: Edge) -> None:
    edge.tell(never=1)
    edge.set(weight=1000, enabledState="Enabled")
    assert (edge.origin()["weight"], edge.shown()["settled_at"], edge.share()) == (1000, None, 0)
    edge.set(weight=999)
    assert edge.share() > 0, "the edge is always told the whole profile"


def test_a_failed_operation_changes_nothing(edge: Edge) -> None:
    edge.tell(failing=1, operation_s=0.3)
    edge.set(weight=777)
    edge.tell(operation_s=0)
    assert edge.origin()["weight"] == 1


def test_testers_reach_the_canary_by_a_header_and_by_a_cookie(edge: Edge) -> None:
    edge.set_rule("byHeader", **a_rule())
    edge.set_rule("byCookie", **a_rule("Cookies", "canary"))
    assert edge.met(10, headers={"X-Canary": "me"}) == {"2.0.0": 10}
    assert edge.met(10, headers={"X-Canary": "you"}) == {"1.0.0": 10}
    assert edge.met(10, headers={"Cookie": "a=b; canary=me"}) == {"2.0.0": 10}
    assert edge.met(10) == {"1.0.0": 10}
    edge.end_rule("byHeader")
    edge.end_rule("byCookie")
    assert edge.met(10, headers={"X-Canary": "me"}) == {"1.0.0": 10}


def test_a_session_stays_where_it_was(edge: Edge) -> None:
    edge.group(sessionAffinityState="Enabled")
    edge.set(weight=1000, enabledState="Enabled")
    canary = {"Cookie": f"ASLBSA={_session_at('2.0.0', edge)}"}
    assert edge.met(20, headers=canary) == {"2.0.0": 20}
    edge.set(weight=1)
    assert edge.met(20, headers=canary) == {"2.0.0": 20}, "its session outlives the ramp back"
    edge.set(enabledState="Disabled")
    assert edge.met(20, headers=canary) == {"1.0.0": 20}


def test_a_stopped_slot_is_dropped_by_its_probes(edge: Edge) -> None:
    edge.set(weight=1000, enabledState="Enabled")
    with edge.standin.web() as web:
        web.web_apps.stop_slot(GROUP, "checkout-dev", "staging")
        began = time.monotonic()
        until(lambda: edge.share() == 0)
        took_s = time.monotonic() - began
        assert edge.met(20) == {"1.0.0": 20}
        web.web_apps.start_slot(GROUP, "checkout-dev", "staging")
    # Every second a probe; of 4 samples 3 must be good, so the second bad one drops it.
    assert took_s < 1 * (4 - 3 + 1) + 1.5, took_s
    until(lambda: edge.share() == 0.5)


def test_while_no_origin_is_healthy_all_are_used(edge: Edge) -> None:
    for origin in ("live", "idle"):
        edge.tell(origin=f"checkout/{origin}", health="unhealthy")
    edge.set(weight=1000, enabledState="Enabled")
    until(lambda: not any(each["healthy"] for each in edge.shown()["origin_groups"]["checkout"].values()))
    assert edge.share() == 0.5
    edge.tell(origin="checkout/live", health="real")


def test_the_access_log_is_in_both_tables(edge: Edge) -> None:
    edge.set(weight=1000, enabledState="Enabled")
    begins = datetime.now(UTC)
    met = edge.met(40)
    hosts = {"1.0.0": edge.origin("live")["hostName"], "2.0.0": edge.origin("idle")["hostName"]}
    wanted = {hosts[version]: count for version, count in met.items()}
    client = LogsQueryClient(
        edge.standin.credential(), endpoint=f"{edge.standin.url}/v1", connection_verify=edge.standin.told["ca"]
    )
    for kql in (
        "AFDAccessLog | where HttpStatusCode < 500 and TimeTaken < 5 | summarize Requests = count() by OriginName",
        "AzureDiagnostics | where Category == 'FrontDoorAccessLog' and todouble(timeTaken_s) < 5"
        " and toint(httpStatusCode_s) < 501 and httpStatusCode_d < 501 | summarize count() by originName_s",
    ):
        found = client.query_workspace("any", kql, timespan=(begins, datetime.now(UTC) + timedelta(seconds=5)))
        if "Diagnostics" in kql:
            assert {row[0]: row[1] for row in found.tables[0].rows} == wanted
        else:
            assert {row[0] for row in found.tables[0].rows} == set(wanted)


def test_changes_and_what_the_edge_knows_outlive_a_kill(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("killed")
    with running(folder, with_front_door(operation_s=1, propagation_s=600)) as standin:
        edge = Edge(standin)
        edge.begin(weight=40, enabledState="Enabled")
        standin.kill()
        standin.start()
        until(lambda: edge.origin()["provisioningState"] == "Succeeded")
        assert (edge.origin()["weight"], edge.share()) == (40, 0)
        assert edge.met(5) == {"1.0.0": 5}
        edge.tell(settle=True)
        assert edge.shown()["origin_groups"]["checkout"]["idle"]["enabled"]


def test_faults_of_the_endpoint_are_met_at_its_address(edge: Edge) -> None:
    fault = {"match": {"site": ENDPOINT}, "answer": {"status": 503}}
    with edge.standin.http() as http:
        http.post("/standin/faults", json=fault).raise_for_status()
    assert edge.met(2) == {"503": 1, "1.0.0": 1}


def test_a_profile_that_is_not_there_cannot_be_told(edge: Edge) -> None:
    with edge.standin.http() as http:
        answers = [
            http.post("/standin/front-door", json=told)
            for told in ({"profile": "other"}, {"profile": PROFILE, "origin": "checkout/nobody", "health": "real"})
        ]
    assert [each.status_code for each in answers] == [400, 400]


def _session_at(version: str, edge: Edge) -> str:
    """The cookie of somebody who was sent there."""
    for _ in range(100):
        with plain_http.plain_client(base_url=edge.standin.told["sites"][ENDPOINT]) as http:
            answer = http.get("/cart")
        assert set(answer.cookies) == {"ASLBSA", "ASLBSACORS"}
        if answer.headers["x-version"] == version:
            return answer.cookies["ASLBSA"]
    raise AssertionError(f"nobody was sent to {version}")
