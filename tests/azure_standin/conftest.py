from collections.abc import Iterator

import pytest

from tests.azure_standin.standin import Arm, StandinProcess, running


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    with running(tmp_path_factory.mktemp("azure")) as standin:
        yield standin


@pytest.fixture(scope="package")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    """One for all files that change none of its sites, nor what another file wrote."""
    with running(tmp_path_factory.mktemp("untouched")) as standin:
        yield standin


@pytest.fixture(scope="module")
def arm(standin: StandinProcess) -> Iterator[Arm]:
    with standin.web() as client:
        yield Arm(client)
