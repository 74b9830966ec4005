"""The stand-in and the broker as real processes: one of each, for all tests of a process that ask for them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings as hypothesis_settings

from slipway.adapters.arm_policy import BUCKETS
from slipway.adapters.data_policy import GATES
from slipway.settings import Settings, settings
from tests.app_host import AUDIENCE, TENANT, AppHost
from tests.laptop import PEOPLE, AzureStandin, Bus, run_broker, run_standin
from tests.real_azure import chosen
from tests.schedule import BySystem, compiled_once, longest_first, mark_long

# A machine that is busy with something else is no failure of a property.
hypothesis_settings.register_profile("untimed", deadline=None, max_examples=50)
hypothesis_settings.load_profile("untimed")

PIPELINES = Path(__file__).parent / "triggers" / "pipelines"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> BySystem:
    return BySystem(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    with compiled_once(session.config):
        yield


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_long(items)
    longest_first(items)


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureStandin]:
    if real := chosen():
        yield cast(AzureStandin, real)
        return
    with run_standin(tmp_path_factory.mktemp("azure")) as running:
        ready, url = running.ready, running.ready["url"]
        # For as long as the process lives: credentials are kept for good, and one that finds these gone would look
        # for an identity elsewhere.
        os.environ |= {"IDENTITY_ENDPOINT": ready["msi_endpoint"], "IDENTITY_HEADER": ready["msi_header"]}
        settings = Settings(
            tables_endpoint=f"{url}/tables",
            blobs_endpoint=f"{url}/blob",
            arm_endpoint=url,
            vault=url,
            app_configuration=url,
            registry_endpoint=f"{url}/registry/{{registry}}",
            github_endpoint=f"{url}/github",
            azure_devops_endpoint=f"{url}/azure-devops",
            ca_file=Path(ready["ca"]),
            site_scheme="http",
        )
        yield AzureStandin(settings, url, ready)


@pytest.fixture(scope="session")
def broker(azure: AzureStandin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with run_broker(tmp_path_factory.mktemp("broker"), azure.ready["cert"]) as running:
        yield Bus(running.ready)


@pytest.fixture(autouse=True)
def _no_fault_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "azure" in request.fixturenames:
        request.getfixturevalue("azure").forget_faults()
        BUCKETS.forget()
        GATES.forget()


@pytest.fixture(scope="module")
def app() -> Iterator[AppHost]:
    """Our functions, to be called; with `configured` they use the stand-in and the broker."""
    with AppHost() as host:
        yield host


@pytest.fixture
def configured(azure: AzureStandin, broker: Bus, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The app's settings as it reads them itself, from the environment."""
    given = {
        "SLIPWAY_PIPELINES": PIPELINES,
        "SLIPWAY_PEOPLE": PEOPLE,
        "SLIPWAY_TABLES_ENDPOINT": azure.settings.tables_endpoint,
        "SLIPWAY_BLOBS_ENDPOINT": azure.settings.blobs_endpoint,
        "SLIPWAY_ARM_ENDPOINT": azure.url,
        "SLIPWAY_METRICS_ENDPOINT": azure.url,
        "SLIPWAY_REGISTRY_ENDPOINT": azure.settings.registry_endpoint,
        "SLIPWAY_GITHUB_ENDPOINT": azure.settings.github_endpoint,
        "SLIPWAY_AZURE_DEVOPS_ENDPOINT": azure.settings.azure_devops_endpoint,
        "SLIPWAY_APP_CONFIGURATION": azure.url,
        "SLIPWAY_AUDIT_KEY": f"{azure.url}/keys/slipway-audit",
        "SLIPWAY_CA_FILE": azure.settings.ca_file,
        "SLIPWAY_SITE_SCHEME": "http",
        "SERVICEBUS__fullyQualifiedNamespace": "localhost",
        "SERVICEBUS__customEndpointAddress": f"sb://localhost:{broker.ready['tls_port']}",
        "WEBSITE_AUTH_ENABLED": "True",
        "SLIPWAY_TENANT": TENANT,
        "SLIPWAY_AUDIENCE": AUDIENCE,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("FUNCTIONS_NOW", raising=False)  # of a host in virtual time that a test before had killed
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()
