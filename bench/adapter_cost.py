"""What an adapter adds: the same request by the bare SDK and through ours, to the stand-in over TLS, in turns."""

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.figure import Figure, at_most, ms
from slipway.adapters.app_service.arm import Arm
from slipway.adapters.arm_policy import BUCKETS
from slipway.adapters.container_apps.apps import Apps, place_of
from slipway.adapters.credentials import MANAGEMENT_SCOPE, credential
from slipway.adapters.registry import Registry
from slipway.promotion.pins import Reference
from slipway.settings import Settings
from tests.laptop import AzureStandin, run_standin
from tests.laptop_holds import SUBSCRIPTION

RUNS = 400


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder, run_standin(Path(folder)) as standin:
        ready, url = standin.ready, standin.ready["url"]
        os.environ |= {"IDENTITY_ENDPOINT": ready["msi_endpoint"], "IDENTITY_HEADER": ready["msi_header"]}
        ca, registries = Path(ready["ca"]), f"{url}/registry/{{registry}}"
        settings = Settings(arm_endpoint=url, ca_file=ca, registry_endpoint=registries)
        for name, ours, bare in _calls(AzureStandin(settings, url, ready)):
            for _ in range(RUNS // 10):
                ours(), bare()
            pairs = [(ms(_unhurried(ours)), ms(bare)) for _ in range(RUNS)]
            yield at_most(f"{name}; peer: the bare SDK (ms)", *zip(*pairs, strict=True), 1.1)


Work = Callable[[], Any]


def _unhurried(work: Work) -> Work:
    """The call is to cost what it costs, not to wait for its turn among so many."""
    BUCKETS.forget()
    return work


def _calls(azure: AzureStandin) -> Iterable[tuple[str, Work, Work]]:
    from azure.containerregistry import ContainerRegistryClient
    from azure.mgmt.appcontainers import ContainerAppsAPIClient
    from azure.mgmt.web import WebSiteManagementClient

    given: dict[str, Any] = {"base_url": azure.url, "credential_scopes": [MANAGEMENT_SCOPE]}
    given |= azure.settings.client_options
    apps, place = Apps(azure.settings), place_of(azure.app("apart"))
    bare_apps = ContainerAppsAPIClient(credential(), SUBSCRIPTION, **given)
    yield (
        "a container app is read",
        lambda: apps.app(place),
        lambda: bare_apps.container_apps.get("shop", "apart").as_dict(),
    )
    arm, site = Arm(azure.settings, SUBSCRIPTION), azure.target("plain").resource
    bare_web = WebSiteManagementClient(credential(), SUBSCRIPTION, **given)
    yield "a site is read", lambda: arm.get(site), lambda: bare_web.web_apps.get("shop", "plain").as_dict()
    reference = Reference("shop.azurecr.io", "checkout", "1.0.0")
    registry, endpoint = Registry(azure.settings), f"{azure.url}/registry/shop.azurecr.io"
    bare_registry = ContainerRegistryClient(endpoint, credential(), **azure.settings.client_options)
    yield (
        "a tag's digest is read",
        lambda: registry.manifest(reference),
        lambda: bare_registry.get_manifest("checkout", "1.0.0"),
    )
