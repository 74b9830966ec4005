from collections.abc import Iterator

import pytest

from slipway.adapters.packages import KEY, PARTITION, newest_package
from slipway.adapters.rows import Rows
from slipway.adapters.watched import TABLE
from tests.app_host import AppHost
from triggers.version import orchestrations_version

pytestmark = pytest.mark.usefixtures("configured")


@pytest.fixture
def _a_newer_package_has_worked_here(configured: None) -> Iterator[None]:
    newest_package("99.0.0")
    yield
    Rows(TABLE).delete(PARTITION, KEY)


def test_a_package_that_is_as_new_as_any_is_well(app: AppHost) -> None:
    answer = app.http("GET", "/api/health")
    assert (answer.status, answer.json["checks"]["package"]) == (200, "ok")


@pytest.mark.usefixtures("_a_newer_package_has_worked_here")
def test_a_package_that_was_rolled_back_says_that_the_newer_ones_orchestrations_wait(app: AppHost) -> None:
    answer = app.http("GET", "/api/health")
    assert (answer.status, answer.json["status"]) == (503, "ill")
    assert (
        f"orchestrations of 99.0.0 wait: this package runs those up to {orchestrations_version()}"
        in answer.json["checks"]["package"]
    )
