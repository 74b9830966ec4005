import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.alerts.workspace import Workspace
from tests.azure_standin.standin import StandinProcess, running

START = datetime(2026, 11, 30, tzinfo=UTC)
_weeks = itertools.count()


@pytest.fixture(scope="package")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    with running(tmp_path_factory.mktemp("alerts")) as started:
        yield started


@pytest.fixture
def new_workspace(standin: StandinProcess) -> Callable[[], Workspace]:
    """Each at a time of its own, of which nothing was told so far."""
    return lambda: Workspace(standin, START + timedelta(weeks=next(_weeks)))


@pytest.fixture
def workspace(new_workspace: Callable[[], Workspace]) -> Workspace:
    return new_workspace()
