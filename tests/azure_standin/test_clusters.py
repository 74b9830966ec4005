"""AKS in the stand-in, through the official client: commands in a real shell, and what is kept over a kill."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerservice import ContainerServiceClient

from tests.azure_standin.standin import CONFIG, GROUP, SUBSCRIPTION, StandinProcess, running, until

AKS = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
CLUSTERS = """
images: {registry.example/checkout: checkout}
charts: [registry.example/charts/checkout]
clusters:
  - name: shop
    port: 18500
    releases:
      - namespace: shop
        name: web
        port: 18501
        blue_port: 18502
        green_port: 18503
        live: {service: checkout, version: 1.0.0}
"""
UPGRADE = (
    "helm upgrade --install web-green oci://registry.example/charts/checkout --version 2.0.0 -n shop"
    " --set-string image.repository=registry.example/checkout,image.tag=2.0.0"
)


class Client:
    def __init__(self, standin: StandinProcess) -> None:
        self.standin = standin

    def azure(self) -> ContainerServiceClient:
        return ContainerServiceClient(
            self.standin.credential(),
            SUBSCRIPTION,
            base_url=self.standin.url,
            credential_scopes=["https://management.azure.com/.default"],
            connection_verify=self.standin.told["ca"],
        )

    def run(self, command: str) -> tuple[int, str]:
        """Its exit code, and what it printed."""
        token = self.standin.credential().get_token(AKS).token
        with self.azure() as azure:
            body: Any = {"command": command, "clusterToken": token}
            told = azure.managed_clusters.begin_run_command(GROUP, "shop", body, polling_interval=0).result()
        properties = told.as_dict()["properties"]
        return properties["exitCode"], properties["logs"]


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    with running(tmp_path_factory.mktemp("clusters"), CONFIG + CLUSTERS) as standin:
        yield standin


@pytest.mark.parametrize(
    ("command", "code", "printed"),
    [
        ("echo 'a b'  \"$(printf c | tr c d)\"; exit 3", 3, "a b d\n"),
        ("helm history none -n shop -o json", 1, "Error: release: not found\n"),
        ("helm history web-blue -n shop -o json | grep -c '\"revision\":1'", 0, "1\n"),
        ("helm frobnicate", 1, 'Error: unknown command "frobnicate" for "helm"\n'),
        ("kubectl get --raw /apis/apps/v1/namespaces/shop/deployments/none || echo none", 0, "NotFound"),
        ("helm upgrade web-green oci://registry.example/charts/other --version 1 -n shop --install", 1, "not found"),
        ("kubectl patch service none -n shop --type merge -p '{}'", 1, "NotFound"),
    ],
)
def test_a_command_is_the_shells_own(standin: StandinProcess, command: str, code: int, printed: str) -> None:
    ended = Client(standin).run(command)
    assert ended[0] == code and printed in ended[1], ended


def test_a_cluster_and_a_command_that_are_not_there_are_404_and_a_command_needs_our_token(
    standin: StandinProcess,
) -> None:
    with Client(standin).azure() as azure:
        with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
            azure.managed_clusters.get(GROUP, "none")
        with pytest.raises(ResourceNotFoundError, match="NotFound"):
            azure.managed_clusters.get_command_result(GROUP, "shop", "none")
        with pytest.raises(HttpResponseError, match="clusterToken is not valid"):
            azure.managed_clusters.begin_run_command(GROUP, "shop", {"command": "true"}, polling=False)


def test_in_virtual_time_nobody_waits_for_a_command_that_waits_for_a_node(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG + CLUSTERS, "--virtual-time") as standin, standin.http() as http:
        http.post("/standin/clusters", json={"cluster": "shop", "held": True}).raise_for_status()
        begun: list[str] = []
        with Client(standin).azure() as azure:
            token = standin.credential().get_token(AKS).token
            azure.managed_clusters.begin_run_command(
                GROUP,
                "shop",
                {"command": "echo well", "clusterToken": token},
                polling=False,
                raw_response_hook=lambda told: begun.append(told.http_response.headers["Location"]),
            )
            id = begun[0].partition("?")[0].rpartition("/")[2]
            looks = [azure.managed_clusters.get_command_result(GROUP, "shop", id) for _ in range(4)]
            assert looks == [None] * 4, "as many as would show one that runs"
            http.post("/standin/clusters", json={"cluster": "shop"}).raise_for_status()
            until(lambda: azure.managed_clusters.get_command_result(GROUP, "shop", id) is not None)


def test_releases_rollouts_and_who_has_the_users_are_kept_over_a_kill(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG + CLUSTERS) as standin:
        client = Client(standin)
        assert client.run(UPGRADE)[0] == 0
        selector = '{"spec":{"selector":{"app.kubernetes.io/instance":"web-green"}}}'
        assert client.run(f"kubectl patch service web -n shop --type merge -p '{selector}'")[0] == 0
        standin.kill()
        standin.start()
        until(lambda: standin.version_at("shop-web") == "2.0.0")
        assert standin.version_at("shop-web-blue") == "1.0.0"
        assert client.run("helm history web-green -n shop -o json | grep -c deployed")[1] == "1\n"
        assert (
            client.run('kubectl patch deployment web-blue -n shop --type merge -p \'{"spec":{"replicas":0}}\'')[0] == 0
        )
        standin.kill()
        standin.start()
        assert standin.version_at("shop-web-blue") == 503 and standin.version_at("shop-web") == "2.0.0"
