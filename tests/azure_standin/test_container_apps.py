"""Container apps in the stand-in, through the official client: revisions, weights, and what is kept over a kill."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.appcontainers import ContainerAppsAPIClient

from tests import plain_http
from tests.azure_standin.standin import CONFIG, GROUP, SUBSCRIPTION, StandinProcess, running, until

APP, IMAGE = "checkout-eu", "registry.example/checkout"
FIRST = f"{APP}--v1-0-0"
APPS = f"""
images: {{{IMAGE}: checkout}}
container_apps:
  - {{name: {APP}, port: 18301, live: {{service: checkout, version: 1.0.0}}}}
  - {{name: solo, port: 18302, mode: Single, live: {{service: checkout, version: 1.0.0}}}}
"""


def a_template(version: str) -> dict[str, Any]:
    containers = [{"name": "checkout", "image": f"{IMAGE}:{version}"}]
    return {"revisionSuffix": f"v{version.replace('.', '-')}", "containers": containers}


class Client:
    """The official client, and visitors."""

    def __init__(self, standin: StandinProcess) -> None:
        self.standin = standin

    def azure(self) -> ContainerAppsAPIClient:
        return ContainerAppsAPIClient(
            self.standin.credential(),
            SUBSCRIPTION,
            base_url=self.standin.url,
            credential_scopes=["https://management.azure.com/.default"],
            connection_verify=self.standin.told["ca"],
        )

    def update(self, properties: dict[str, Any], app: str = APP) -> Any:
        with self.azure() as azure:
            return azure.container_apps.begin_update(GROUP, app, {"properties": properties}).result()

    def bring(self, version: str, app: str = APP) -> Any:
        return self.update({"template": a_template(version)}, app)

    def begin_to_bring(self, version: str) -> None:
        with self.azure() as azure:
            body = {"properties": {"template": a_template(version)}}
            azure.container_apps.begin_update(GROUP, APP, body, polling=False)

    def divide(self, **percent: int) -> Any:
        """Weights by the revision's suffix, with underscores."""
        traffic = [{"revisionName": f"{APP}--{s.replace('_', '-')}", "weight": each} for s, each in percent.items()]
        return self.update({"configuration": {"ingress": {"traffic": traffic}}})

    def get(self, app: str = APP) -> Any:
        with self.azure() as azure:
            return azure.container_apps.get(GROUP, app).as_dict()["properties"]

    def revision(self, name: str) -> Any:
        with self.azure() as azure:
            return azure.container_apps_revisions.get_revision(GROUP, name.partition("--")[0], name).as_dict()

    def met(self, app: str = APP, requests: int = 60, by: str = "x-version") -> Counter[str]:
        with plain_http.plain_client(base_url=self.standin.told["sites"][app]) as http:
            return Counter(http.get("/cart").headers[by] for _ in range(requests))


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    with running(tmp_path_factory.mktemp("apps"), CONFIG + APPS) as standin:
        yield standin


@pytest.fixture
def apps(standin: StandinProcess) -> Client:
    """2.0.0 beside 1.0.0, which has everything."""
    client = Client(standin)
    if client.get()["latestRevisionName"] == FIRST:
        client.bring("2.0.0")
    client.divide(v1_0_0=100)
    return client


def test_an_app_runs_its_live_release_from_the_start(standin: StandinProcess) -> None:
    told = Client(standin).get()
    assert f"http://{told['configuration']['ingress']['fqdn']}" == standin.told["sites"][APP]
    assert told["configuration"]["ingress"]["traffic"] == [{"revisionName": FIRST, "weight": 100}]
    assert told["template"]["containers"][0]["image"] == f"{IMAGE}:1.0.0"
    assert Client(standin).met(requests=10) == {"1.0.0": 10}


def test_a_new_revision_has_an_address_and_no_traffic(apps: Client) -> None:
    told = apps.revision(f"{APP}--v2-0-0")["properties"]
    assert (told["provisioningState"], told["runningState"], told["healthState"]) == (
        "Provisioned",
        "Running",
        "Healthy",
    )
    assert told["active"] and told["trafficWeight"] == 0 and told["replicas"] == 2
    assert plain_http.get(f"http://{told['fqdn']}/version").json()["version"] == "2.0.0"
    assert apps.met() == {"1.0.0": 60}


def test_each_request_is_drawn_by_weight_and_the_replicas_share_it(apps: Client) -> None:
    app = apps.divide(v1_0_0=50, v2_0_0=50)
    assert [each.weight for each in app.properties.configuration.ingress.traffic] == [50, 50]
    seen = apps.met(requests=100)
    assert seen.total() == 100 and 20 <= seen["2.0.0"] <= 80
    apps.divide(v2_0_0=100)
    assert apps.met() == {"2.0.0": 60} and len(apps.met(by="x-instance")) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"configuration": {"ingress": {"traffic": [{"revisionName": FIRST, "weight": 99}]}}}, "add up to 100"),
        ({"configuration": {"ingress": {"traffic": [{"revisionName": "x", "weight": 100}]}}}, "does not exist"),
        ({"template": {"revisionSuffix": "v1-0-0", "containers": []}}, "exists already"),
        ({"template": {"revisionSuffix": "Not--So", "containers": []}}, "not valid"),
        ({"identity": {}}, "only configuration and template"),
    ],
)
def test_an_update_that_cannot_be_is_refused(apps: Client, change: Any, words: str) -> None:
    with pytest.raises(HttpResponseError, match=words) as refused:
        apps.update(change)
    assert refused.value.status_code == 400 and apps.met(requests=10) == {"1.0.0": 10}


def test_a_revision_with_traffic_cannot_be_deactivated_another_can(apps: Client) -> None:
    with apps.azure() as azure:
        revisions = azure.container_apps_revisions
        with pytest.raises(HttpResponseError, match="receives traffic"):
            revisions.deactivate_revision(GROUP, APP, FIRST)
        name = f"{APP}--v2-0-0"
        revisions.deactivate_revision(GROUP, APP, name)
        assert not revisions.get_revision(GROUP, APP, name).properties.active
        with pytest.raises(HttpResponseError, match="not active"):
            apps.divide(v2_0_0=100)
        revisions.activate_revision(GROUP, APP, name)
    assert apps.revision(name)["properties"]["runningState"] == "Running"


def test_traffic_for_the_latest_goes_to_each_new_revision(standin: StandinProcess, apps: Client) -> None:
    apps.update({"configuration": {"ingress": {"traffic": [{"latestRevision": True, "weight": 100}]}}})
    apps.bring("2.1.0")
    assert apps.met(requests=10) == {"2.1.0": 10}


def test_single_mode_keeps_the_latest_revision_alone(standin: StandinProcess) -> None:
    client = Client(standin)
    client.bring("1.1.0", app="solo")
    until(lambda: not client.revision("solo--v1-0-0")["properties"]["active"])
    assert client.met("solo", 10) == {"1.1.0": 10}


def test_what_is_not_there_is_not_found(apps: Client) -> None:
    with apps.azure() as azure:
        for app, revision in ((APP, "none"), ("none", FIRST)):
            with pytest.raises(ResourceNotFoundError):
                azure.container_apps_revisions.get_revision(GROUP, app, revision)


def test_one_update_at_a_time_and_its_end_over_a_kill(tmp_path: Path) -> None:
    with running(tmp_path, (CONFIG + APPS).replace("pace: 0.1", "pace: 0.5")) as standin:
        client = Client(standin)
        client.begin_to_bring("2.0.0")
        assert client.get()["provisioningState"] == "InProgress"
        with pytest.raises(ResourceExistsError) as busy:
            client.divide(v1_0_0=100)
        assert busy.value.error is not None and busy.value.error.code == "ContainerAppOperationInProgress"
        standin.kill()
        standin.start()
        until(lambda: client.get()["provisioningState"] == "Succeeded")
        client.divide(v2_0_0=100)
        standin.kill()
        standin.start()
        assert client.met(requests=10) == {"2.0.0": 10}
        address = client.revision(FIRST)["properties"]["fqdn"]
        assert plain_http.get(f"http://{address}/version").json()["version"] == "1.0.0"


def test_in_virtual_time_an_update_is_over_when_it_is_asked_for(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG + APPS, "--virtual-time") as standin:
        client = Client(standin)
        client.bring("2.0.0")
        client.divide(v2_0_0=100)
        assert client.met(requests=10) == {"2.0.0": 10}
