"""What an adapter adds: the same request by the bare SDK and through ours, to the stand-in over TLS, in turns.

Left out: `bicep` and the Kubernetes API, for which there is no SDK to compare with; Terraform, which is a job; Front
Door and Cosmos DB, which are read as a site is.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.figure import Figure, at_most, ms
from slipway.adapters.app_service.arm import Arm
from slipway.adapters.arm_policy import BUCKETS
from slipway.adapters.configuration.pointer import Pointers
from slipway.adapters.container_apps.apps import Apps, place_of
from slipway.adapters.credentials import MANAGEMENT_SCOPE, credential
from slipway.adapters.dns.record import Record
from slipway.adapters.dns.record import place_of as record_place
from slipway.adapters.jobs.executions import Executions
from slipway.adapters.jobs.executions import place_of as job_place
from slipway.adapters.load_testing.client import client_of as runs_client
from slipway.adapters.load_testing.runs import Runs, run_id
from slipway.adapters.registry import Registry
from slipway.adapters.traffic_manager.profile import Profile
from slipway.adapters.traffic_manager.profile import place_of as profile_place
from slipway.promotion.pins import Reference
from slipway.settings import Settings
from tests.laptop import AzureStandin, run_standin
from tests.laptop_holds import SUBSCRIPTION, ZONE, network

RUNS = 400


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder, run_standin(Path(folder)) as standin:
        ready, url = standin.ready, standin.ready["url"]
        os.environ |= {"IDENTITY_ENDPOINT": ready["msi_endpoint"], "IDENTITY_HEADER": ready["msi_header"]}
        ca, registries = Path(ready["ca"]), f"{url}/registry/{{registry}}"
        settings = Settings(arm_endpoint=url, ca_file=ca, registry_endpoint=registries, app_configuration=url)
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
    given: dict[str, Any] = {"base_url": azure.url, "credential_scopes": [MANAGEMENT_SCOPE]}
    given |= azure.settings.client_options
    yield from _of_arm(azure, given)
    yield from _of_switches(azure, given)
    yield from _of_data_planes(azure)


def _of_arm(azure: AzureStandin, given: dict[str, Any]) -> Iterable[tuple[str, Work, Work]]:
    from azure.mgmt.appcontainers import ContainerAppsAPIClient
    from azure.mgmt.web import WebSiteManagementClient

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
    jobs, job = Executions(azure.settings), job_place(azure.job("uat"))
    yield "a job is read", lambda: jobs.job(job), lambda: bare_apps.jobs.get("shop", "uat").as_dict()


def _of_switches(azure: AzureStandin, given: dict[str, Any]) -> Iterable[tuple[str, Work, Work]]:
    from azure.mgmt.dns import DnsManagementClient
    from azure.mgmt.trafficmanager import TrafficManagerManagementClient

    ends = {"blue": "blue", "green": "green"}
    target = azure.switched("traffic-manager", profile=network("trafficManagerProfiles/shop"), **ends)
    profile = Profile(azure.settings, profile_place(target))
    bare_profiles = TrafficManagerManagementClient(credential(), SUBSCRIPTION, **given).profiles
    yield "a profile is read", profile.show, lambda: bare_profiles.get("shop", "shop").as_dict()
    names = {side: f"{side}.{ZONE}" for side in ends}
    target = azure.switched("dns", record=network(f"dnsZones/{ZONE}/CNAME/www"), **names)
    record = Record(azure.settings, record_place(target))
    bare_records = DnsManagementClient(credential(), SUBSCRIPTION, **given).record_sets
    yield "a record is read", record.show, lambda: bare_records.get("shop", ZONE, "www", "CNAME").as_dict()


def _of_data_planes(azure: AzureStandin) -> Iterable[tuple[str, Work, Work]]:
    from azure.appconfiguration import AzureAppConfigurationClient, ConfigurationSetting
    from azure.containerregistry import ContainerRegistryClient
    from azure.developer.loadtesting import LoadTestRunClient

    options = azure.settings.client_options
    bare_store = AzureAppConfigurationClient(azure.url, credential(), **options)
    bare_store.set_configuration_setting(ConfigurationSetting(key="shop/release", value="shop-1", label="prod"))
    pointer = Pointers(azure.settings)
    yield (
        "a pointer is read",
        lambda: pointer.read("shop/release", "prod"),
        lambda: bare_store.get_configuration_setting("shop/release", "prod"),
    )
    runs, id = Runs(azure.settings, azure.load_run("peak")), run_id("bench")
    runs.begin(id, "bench", {})
    host = runs_client(azure.settings, azure.load_run("peak").resource)._config.endpoint
    bare_runs = LoadTestRunClient(host, credential(), **options)
    yield "a load run is read", lambda: runs.look(id), lambda: bare_runs.get_test_run(id)
    reference = Reference("shop.azurecr.io", "checkout", "1.0.0")
    registry, endpoint = Registry(azure.settings), f"{azure.url}/registry/shop.azurecr.io"
    bare_registry = ContainerRegistryClient(endpoint, credential(), **options)
    yield (
        "a tag's digest is read",
        lambda: registry.manifest(reference),
        lambda: bare_registry.get_manifest("checkout", "1.0.0"),
    )
