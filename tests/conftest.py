"""The stand-in and the broker as real processes: one of each, for all tests of a process that ask for them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.settings import Settings
from tests.laptop import AzureStandin, Bus, run_broker, run_standin


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureStandin]:
    with run_standin(tmp_path_factory.mktemp("azure")) as running:
        ready, url = running.ready, running.ready["url"]
        # For as long as the process lives: credentials are kept for good, and one that finds these gone would look
        # for an identity elsewhere.
        os.environ |= {"IDENTITY_ENDPOINT": ready["msi_endpoint"], "IDENTITY_HEADER": ready["msi_header"]}
        settings = Settings(
            tables_endpoint=f"{url}/tables",
            blobs_endpoint=f"{url}/blob",
            arm_endpoint=url,
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
