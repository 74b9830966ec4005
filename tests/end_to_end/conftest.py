from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.system import System, start


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `system` keeps its state."""
    return tmp_path_factory.mktemp("system")


@pytest.fixture(scope="session")
def system(state: Path) -> Iterator[System]:
    """One system for every test that does not kill it."""
    with start(state) as laptop:
        yield System(laptop)
