from collections.abc import Iterator

import pytest

from tests.end_to_end.system import System, start


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for every test that does not kill it."""
    with start(tmp_path_factory.mktemp("system")) as laptop:
        yield System(laptop)
