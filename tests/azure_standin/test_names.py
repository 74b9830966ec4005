"""Names that lead to other front ends, Traffic Manager's and DNS's, in virtual time: what resolvers keep, what is kept
over a kill, who is drawn, what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.monitor.query import LogsQueryClient

from tests.azure_standin.standin import CONFIG, GROUP, SUBSCRIPTION, Arm, StandinProcess, running

STARTS = datetime(2026, 11, 30, 8, tzinfo=UTC)
NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network"
PROFILE, WWW = f"{NETWORK}/trafficManagerProfiles/shop", f"{NETWORK}/dnsZones/shop.example/CNAME/www"
NAMES = """
traffic_managers:
  - name: shop
    port: 18301
    ttl_s: 60
    endpoints:
      - {name: blue, to: checkout-dev, weight: 750}
      - {name: green, to: checkout-green, weight: 250, enabled: false, kind: nestedEndpoints}
dns_zones:
  - name: shop.example
    records: [{name: www, port: 18302, points_at: blue.shop.example, ttl_s: 300}]
    addresses: {blue.shop.example: checkout-dev, green.shop.example: checkout-green, all.shop.example: shop}
telemetry: {traffic: [{site: www.shop.example, service: checkout, version: 1.0.0, per_second: 20}]}
"""
GREEN = """  - name: checkout-green
    port: 18103
    live: {service: checkout, version: 2.0.0}
"""


class Named:
    def __init__(self, standin: StandinProcess, arm: Arm) -> None:
        self.standin, self.arm = standin, arm

    def wait(self, seconds: float) -> datetime:
        """The time that it is then."""
        with self.standin.http() as http:
            now = datetime.fromisoformat(http.get("/standin/clock").json()["now"]) + timedelta(seconds=seconds)
            http.post("/standin/clock", json={"now": now.isoformat()}).raise_for_status()
        return now

    def drawn(self, after_s: float) -> dict[str, int]:
        """How many users met which version in the last minute, so much later."""
        ca, now = self.standin.told["ca"], self.wait(after_s)
        client = LogsQueryClient(self.standin.credential(), endpoint=f"{self.standin.url}/v1", connection_verify=ca)
        kql = "AppRequests | summarize sum(ItemCount) by AppVersion"
        answer: Any = client.query_workspace("any", kql, timespan=(now - timedelta(seconds=60), now))
        return {row[0]: row[1] for row in answer.tables[0].rows}

    def met(self, name: str) -> set[object]:
        return {self.standin.version_at(name) for _ in range(60)}

    def change(self, path: str, **properties: Any) -> Any:
        answer = self.arm.send("PATCH", path, {"properties": properties})
        return answer.json() if answer.status_code == 200 else (answer.status_code, answer.json())

    def shown(self, path: str) -> Any:
        return self.arm.get(path)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Named]:
    config = CONFIG + GREEN + NAMES
    folder = tmp_path_factory.mktemp("names")
    with running(folder, config, "--virtual-time", STARTS.isoformat()) as standin, standin.web() as web:
        yield Named(standin, Arm(web))


def test_resolvers_keep_an_answer_for_its_ttl_by_the_stand_ins_clock(named: Named) -> None:
    assert named.met("shop") == {"1.0.0"}
    named.change(f"{PROFILE}/nestedEndpoints/green", endpointStatus="Enabled")
    assert named.change(f"{PROFILE}/externalEndpoints/blue", endpointStatus="Disabled")["properties"]["weight"] == 750
    assert "1.0.0" in named.met("shop")
    named.wait(61)
    assert named.met("shop") == {"2.0.0"}
    named.change(f"{PROFILE}/externalEndpoints/blue", endpointStatus="Enabled")
    named.wait(61)
    assert named.met("shop") == {"1.0.0", "2.0.0"}


def test_name_servers_hear_of_a_record_later_and_resolvers_later_still(named: Named) -> None:
    assert named.met("www.shop.example") == {"1.0.0"}
    changed = named.change(WWW, CNAMERecord={"cname": "GREEN.shop.example."}, TTL=30)
    assert changed["properties"]["CNAMERecord"] == {"cname": "GREEN.shop.example."}
    named.wait(301)
    assert named.met("www.shop.example") == {"2.0.0"}


def test_drawn_users_of_a_name_follow_what_it_says_also_by_another_name(named: Named) -> None:
    for cname, versions in (("green", {"2.0.0"}), ("blue", {"1.0.0"}), ("all", {"1.0.0", "2.0.0"})):
        named.change(WWW, CNAMERecord={"cname": f"{cname}.shop.example"})
        drawn = named.drawn(after_s=120)
        assert set(drawn) == versions
    assert 0.15 < drawn["2.0.0"] / sum(drawn.values()) < 0.35


def test_what_was_acknowledged_is_there_after_a_kill(named: Named) -> None:
    named.change(f"{PROFILE}/externalEndpoints/blue", weight=7)
    etag = named.change(WWW, TTL=77)["etag"]
    named.standin.kill()
    named.standin.start("--virtual-time", (STARTS + timedelta(days=1)).isoformat())
    (blue, green) = named.shown(PROFILE)["properties"]["endpoints"]
    assert (blue["properties"]["weight"], green["type"].rpartition("/")[2]) == (7, "nestedEndpoints")
    record = named.shown(WWW)
    assert (record["etag"], record["properties"]["TTL"]) == (etag, 77)


def test_what_azure_would_refuse_is_refused_in_its_shape(named: Named) -> None:
    for weight in (0, 1001):
        status, body = named.change(f"{PROFILE}/externalEndpoints/blue", weight=weight)
        assert (status, body["error"]["code"]) == (400, "BadRequest")
    status, body = named.change(WWW, TTL=0)
    assert (status, body["code"]) == (400, "BadRequest")
    both = {"targetResource": {"id": f"{NETWORK}/publicIPAddresses/x"}, "CNAMERecord": {"cname": "x.example"}}
    status, body = named.change(WWW, **both)
    assert status == 400 and "cannot have both" in body["message"]
    stale = named.arm.send("PATCH", WWW, {"properties": {"TTL": 5}}, headers={"If-Match": "another"})
    assert (stale.status_code, stale.json()["code"]) == (412, "PreconditionFailed")
    assert named.arm.send("GET", f"{PROFILE}/AzureEndpoints/blue").status_code == 404, "it is an external one"
