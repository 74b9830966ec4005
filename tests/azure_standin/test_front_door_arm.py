"""Front Door in Resource Manager, through the official client: what it shows, accepts and refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.rest import HttpRequest

from slipway.local.azure.config import ConfigError, StandinConfig, read
from tests.azure_standin.front_door import ENDPOINT, ID, ORIGIN_GROUP, PROFILE, Edge, a_rule, with_front_door
from tests.azure_standin.standin import GROUP, StandinProcess, running, until


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    with running(tmp_path_factory.mktemp("front-door"), with_front_door()) as standin:
        yield standin


@pytest.fixture
def edge(standin: StandinProcess) -> Iterator[Edge]:
    edge = Edge(standin)
    yield edge
    if edge.origin()["weight"] != 1:
        edge.set(weight=1, enabledState="Disabled")


def test_a_profile_is_shown_with_what_belongs_to_it(edge: Edge) -> None:
    with edge.azure() as azure:
        assert azure.profiles.get(GROUP, PROFILE).sku.name == "Standard_AzureFrontDoor"
        endpoint = azure.afd_endpoints.get(GROUP, PROFILE, ENDPOINT)
        assert edge.standin.told["sites"][ENDPOINT] == f"http://{endpoint.host_name}"
        (route,) = azure.routes.list_by_endpoint(GROUP, PROFILE, ENDPOINT)
        assert route.origin_group.id == f"{ID}/originGroups/{ORIGIN_GROUP}"
        assert [each.id for each in route.rule_sets] == [f"{ID}/ruleSets/testers"]
        group = azure.afd_origin_groups.get(GROUP, PROFILE, ORIGIN_GROUP)
        assert group.load_balancing_settings.additional_latency_in_milliseconds == 1000
        assert group.health_probe_settings.probe_interval_in_seconds == 1
        assert group.session_affinity_state == "Disabled"
        assert {each.name for each in azure.afd_origin_groups.list_by_profile(GROUP, PROFILE)} == {"checkout", "canary"}
        origins = {each.name: each for each in azure.afd_origins.list_by_origin_group(GROUP, PROFILE, ORIGIN_GROUP)}
    assert {name: each.weight for name, each in origins.items()} == {"live": 1000, "idle": 1}
    with edge.standin.web() as sites:
        site = sites.web_apps.get_slot(GROUP, "checkout-dev", "staging")
    assert origins["idle"].host_name == site.properties.default_host_name
    assert origins["idle"].enabled_state == "Disabled"


def test_a_weight_is_set_and_only_that(edge: Edge) -> None:
    asked = {"properties": {"weight": 53, "enabledState": "Enabled"}}
    with edge.azure() as azure:
        changed = azure.afd_origins.begin_update(GROUP, PROFILE, ORIGIN_GROUP, "idle", asked).result()
    assert (changed.weight, changed.enabled_state, changed.priority) == (53, "Enabled", 1)
    assert changed.provisioning_state == "Succeeded"
    assert changed.deployment_status == "NotStarted", "nobody may wait for it"
    assert edge.origin("live")["weight"] == 1000


def test_a_change_is_followed_by_its_address(edge: Edge) -> None:
    headers = edge.begin(weight=7)
    assert edge.origin()["provisioningState"] == "Updating"
    with edge.azure() as azure:

        def asked() -> Any:
            return azure.send_request(HttpRequest("GET", headers["Azure-AsyncOperation"])).json()["status"]

        assert asked() == "InProgress"
        until(lambda: asked() == "Succeeded")
        result = azure.send_request(HttpRequest("GET", headers["Location"]))
    assert (result.status_code, result.json()["properties"]["weight"]) == (200, 7)


def test_a_second_change_of_the_same_origin_is_refused_while_the_first_is_under_way(edge: Edge) -> None:
    headers = edge.begin(weight=8)
    with pytest.raises(ResourceExistsError) as refused:
        edge.begin(weight=9)
    assert (refused.value.status_code, refused.value.error and refused.value.error.code) == (409, "Conflict")
    assert headers["retry-after-ms"]
    until(lambda: edge.origin()["provisioningState"] == "Succeeded")
    assert edge.origin()["weight"] == 8


@pytest.mark.parametrize("wrong", [{"weight": 0}, {"weight": 1001}, {"enabledState": "Off"}, {"wieght": 5}])
def test_what_no_origin_can_be_is_refused(edge: Edge, wrong: dict[str, Any]) -> None:
    with pytest.raises(HttpResponseError) as refused:
        edge.set(**wrong)
    assert refused.value.status_code == 400
    assert next(iter(wrong)) in refused.value.message


def test_the_last_origin_of_a_group_in_use_cannot_be_disabled(edge: Edge) -> None:
    with pytest.raises(HttpResponseError, match="Cannot disable or delete the last origin") as refused:
        edge.set("live", enabledState="Disabled")
    assert refused.value.status_code == 400


def test_a_rule_is_made_shown_and_taken_away(edge: Edge) -> None:
    made = edge.set_rule("SlipwayTesters", **a_rule())
    assert made["name"] == "SlipwayTesters"
    assert made["properties"]["actions"][0]["parameters"]["originGroupOverride"]["originGroup"]["id"].endswith("canary")
    with edge.azure() as azure:
        assert [each.name for each in azure.rules.list_by_rule_set(GROUP, PROFILE, "testers")] == ["SlipwayTesters"]
        assert azure.rules.get(GROUP, PROFILE, "testers", "slipwaytesters").match_processing_behavior == "Stop"
    edge.end_rule("SlipwayTesters")
    edge.end_rule("SlipwayTesters")
    with edge.azure() as azure:
        assert not list(azure.rules.list_by_rule_set(GROUP, PROFILE, "testers"))
        with pytest.raises(ResourceNotFoundError):
            azure.rules.get(GROUP, PROFILE, "testers", "SlipwayTesters")


def test_a_rule_set_goes_with_its_rules_and_not_while_a_route_has_it(edge: Edge) -> None:
    with edge.azure() as azure:
        azure.rule_sets.begin_create(GROUP, PROFILE, "others").result()
        azure.rules.begin_create(GROUP, PROFILE, "others", "one", {"properties": a_rule()}).result()
        azure.rule_sets.begin_delete(GROUP, PROFILE, "others").result()
        assert [each.name for each in azure.rule_sets.list_by_profile(GROUP, PROFILE)] == ["testers"]
        azure.rule_sets.begin_create(GROUP, PROFILE, "others").result()
        assert not list(azure.rules.list_by_rule_set(GROUP, PROFILE, "others"))
        with pytest.raises(HttpResponseError, match="still associated with the route"):
            azure.rule_sets.begin_delete(GROUP, PROFILE, "testers")


@pytest.mark.parametrize(("name", "rule"), [("has-hyphen", a_rule()), ("nowhere", a_rule(group="nobody"))])
def test_a_rule_that_cannot_be_is_refused(edge: Edge, name: str, rule: dict[str, Any]) -> None:
    with pytest.raises(HttpResponseError) as refused:
        edge.set_rule(name, **rule)
    assert refused.value.status_code == 400


def test_a_rule_set_is_attached_to_a_route_and_a_group_is_changed(edge: Edge) -> None:
    with edge.azure() as azure:
        for rule_sets in ([], [{"id": f"{ID}/ruleSets/testers"}]):
            body = {"properties": {"ruleSets": rule_sets}}
            route = azure.routes.begin_update(GROUP, PROFILE, ENDPOINT, "all", body).result()
            assert len(route.rule_sets) == len(rule_sets)
            assert route.patterns_to_match == ["/*"]
        latency = {"properties": {"loadBalancingSettings": {"additionalLatencyInMilliseconds": 0}}}
        group = azure.afd_origin_groups.begin_update(GROUP, PROFILE, "canary", latency).result()
    assert group.load_balancing_settings.additional_latency_in_milliseconds == 0
    assert group.load_balancing_settings.sample_size == 4


def test_probes_can_be_taken_away_and_nothing_else(edge: Edge) -> None:
    edge.group(healthProbeSettings=None, loadBalancingSettings={"sampleSize": None})
    with edge.azure() as azure:
        group = azure.afd_origin_groups.get(GROUP, PROFILE, ORIGIN_GROUP)
    assert (group.health_probe_settings, group.load_balancing_settings.sample_size) == (None, 4)
    until(lambda: edge.shown()["origin_groups"]["checkout"]["live"]["share"] == 1)
    edge.group(healthProbeSettings={"probeIntervalInSeconds": 1, "probePath": "/healthz", "probeRequestType": "HEAD"})


def test_what_is_not_there_is_not_found(edge: Edge) -> None:
    with edge.azure() as azure:
        for look in (
            lambda: azure.profiles.get(GROUP, "other"),
            lambda: azure.afd_origin_groups.get(GROUP, PROFILE, "other"),
            lambda: azure.afd_origins.get(GROUP, PROFILE, "other", "live"),
            lambda: list(azure.rules.list_by_rule_set(GROUP, PROFILE, "other")),
        ):
            with pytest.raises(ResourceNotFoundError):
                look()


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("origin_group: checkout", "origin_group: nobody", "no origin group nobody"),
        ("rule_sets: [testers]}]", "rule_sets: [nobody]}]", "no rule set nobody"),
        ("site: checkout-dev,", "site: nobody,", "no site nobody"),
        ("name: shop", "name: checkout-dev", "site names must differ"),
    ],
)
def test_a_front_door_that_leads_nowhere_is_no_configuration(
    tmp_path: Path, written: str, instead: str, said: str
) -> None:
    file = tmp_path / "laptop.yaml"
    file.write_text(with_front_door().replace(written, instead))
    with pytest.raises(ConfigError, match=said):
        read(StandinConfig, file)


@pytest.mark.parametrize("status", [409, 429, 500])
def test_faults_on_demand_work_here_too(edge: Edge, status: int) -> None:
    fault = {"match": {"method": "PATCH", "path_contains": "/origins/idle"}, "answer": {"status": status}}
    with edge.standin.http() as http, edge.azure(retry_total=0) as azure:
        http.post("/standin/faults", json=fault).raise_for_status()
        with pytest.raises(HttpResponseError) as failed:
            azure.afd_origins.begin_update(GROUP, PROFILE, ORIGIN_GROUP, "idle", {"properties": {"weight": 5}})
    assert failed.value.status_code == status
    assert edge.origin()["weight"] == 1
