from collections.abc import Iterator

import httpx
import pytest

from tests.functions_host.processes import Process, a_host
from tests.plain_http import plain_client


@pytest.fixture(scope="session")
def shop_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The app `shop`, without authentication, for all tests that leave it running."""
    host = a_host("shop", tmp_path_factory.mktemp("shop"))
    host.start()
    yield host
    host.end()


@pytest.fixture
def shop(shop_host: Process) -> Iterator[httpx.Client]:
    with plain_client(base_url=shop_host.ready["url"]) as client:
        yield client
