"""What the checkout ships for the laptop fits together: pipelines, what the stand-in holds, and users."""

import re
from pathlib import Path

import pytest

from slipway.cli.laptop.layout import ANY_PORTS, Layout, Ports, checkout
from slipway.cli.laptop.sites import all_shipped_sites, shipped_sites, users_go_to
from slipway.local.azure.config import StandinConfig, read
from slipway.promotion.pipeline import lint
from tests.cli.conftest import Slipway

EXAMPLES = [checkout() / "examples" / name for name in ("first.yaml", "audit/payments.yaml")]
PIPELINES = [*sorted((checkout() / "pipelines").glob("*.yaml")), *EXAMPLES]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(checkout(), tmp_path, ANY_PORTS)


@pytest.fixture
def addresses(layout: Layout) -> dict[str, str]:
    """By name, as the stand-in says them when it runs on the ports of its file."""
    held = read(StandinConfig, layout.sites)
    return {each.name: f"http://localhost:{each.port}" for each in (*held.sites, *held.container_apps)}


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.stem)
def test_lint_has_nothing_against_a_shipped_pipeline(file: Path) -> None:
    assert lint(file.read_text(encoding="utf-8"), file.name) == []


def test_the_plan_of_the_container_app_says_what_its_router_can(slipway: Slipway) -> None:
    said = " ".join(slipway("plan", str(checkout() / "pipelines" / "catalog.yaml")).stdout.split())
    for words in (
        "container-apps catalog, as a revision without traffic",
        "by container-apps: in steps of 1 %, settled in 1 s",
        "stickiness: none, every request is drawn anew",
        "all the weight returns to the previous revision, which runs on beside the live one",
        "Microsoft.App/containerApps/revisions/deactivate/action and on the environment of each",
        "on the environment of each Microsoft.App/managedEnvironments/join/action",
    ):
        assert words in said


def test_every_target_of_a_shipped_pipeline_is_there_and_production_has_users(
    layout: Layout, addresses: dict[str, str]
) -> None:
    sites = all_shipped_sites(layout, addresses)
    assert {site.url for site in sites} == set(addresses.values())
    assert users_go_to(sites) == [addresses[name] for name in ("checkout-weu", "checkout-neu", "catalog")]


def test_the_users_of_the_demo_go_where_its_story_plays(layout: Layout, addresses: dict[str, str]) -> None:
    where = users_go_to(shipped_sites(layout, addresses))
    assert where == [addresses[name] for name in ("checkout-weu", "checkout-neu")]


def test_a_port_of_a_container_app_is_refused_when_it_is_in_use(tmp_path: Path) -> None:
    ports = dict(Layout(checkout(), tmp_path, Ports()).fixed_ports())
    assert ports["the container app catalog"] == 8106


def test_what_the_shop_on_aks_names_is_there_and_found_on_other_ports(layout: Layout) -> None:
    text = (checkout() / "pipelines" / "storefront.yaml").read_text(encoding="utf-8")
    held = read(StandinConfig, layout.sites)
    ids = set(re.findall(r"[^ ]*/resourceGroups/shop/providers/(\S+)", text))
    assert {id.rsplit("/", 1)[-1] for id in ids} == {
        *(each.name for each in (*held.clusters, *held.jobs, *held.load_testing, *held.traffic_managers)),
        "neu",
    }
    ends = held.named | {name: port for cluster in held.clusters for name, port in cluster.front_ends.items()}
    addresses = re.findall(r"http://localhost:([0-9]+)", text)
    assert set(map(int, addresses)) <= set(ends.values())
    sites = {name: f"http://localhost:{port + 1000}" for name, port in ends.items()}
    written = (layout.pipelines({"url": "https://localhost:1", "sites": sites}) / "storefront.yaml").read_text()
    assert re.findall(r"http://localhost:([0-9]+)", written) == [str(int(each) + 1000) for each in addresses]


def test_the_ports_of_clusters_and_of_names_are_refused_when_they_are_in_use(tmp_path: Path) -> None:
    ports = dict(Layout(checkout(), tmp_path, Ports()).fixed_ports())
    assert (ports["the cluster shop-weu"], ports["the name neu.shop.example"]) == (8402, 8126)


def test_the_plan_of_the_rings_says_their_order_what_each_asks_and_what_happens_when_one_is_bad(
    slipway: Slipway,
) -> None:
    said = " ".join(slipway("plan", str(checkout() / "pipelines" / "tenanthub.yaml")).stdout.split())
    for words in (
        "2. production-north-europe ring 1 of 5 of production after integration approval 1 of role:release-manager",
        "of the Cosmos DB account tenanthub: northeurope is among its regions",
        "it is written to in westeurope, that of the last ring with a region; waits at most 12 h",
        "bake 1 h",
        "5. production-contoso ring 4 of 5 of production after production-west-europe approval 1 of group:contoso-ops",
        "when bad it goes back; later rings do not begin",
        "it goes back; and with it production-east-us, production-north-europe; later rings do not begin",
        "On the Cosmos DB account tenanthub Slipway's identity needs Microsoft.DocumentDB/databaseAccounts/read",
    ):
        assert words in said
