"""A canary by Traffic Manager's weights on the whole laptop system, in virtual time: drawn users are divided between
two Helm releases, one that does harm is taken back, a good one gets all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.system import System, a_message, start
from tests.end_to_end.test_aks import until
from tests.end_to_end.test_switches import HOLDS as NAMED
from tests.end_to_end.test_switches import PRODUCTION, met
from tests.end_to_end.test_virtual_ramp import START, clock

DIVIDED = Path(__file__).with_name("divided.yaml")
USERS = {"site": PRODUCTION, "service": "storefront", "version": "1.0.0", "hours": 1, "per_second": 50}
HOLDS: dict[str, Any] = {**NAMED, "instances": 2, "telemetry": {"traffic": [USERS]}}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    state = tmp_path_factory.mktemp("divided")
    with start(state, DIVIDED, virtual_time=True, starts_at=START, **HOLDS) as laptop:
        yield System(laptop)


def ended_with(system: System, version: str) -> dict[str, Any]:
    """How production ended for a build that has just been finished."""
    system.send(a_message(version, service="storefront", finished_at=clock(system).isoformat()))
    id = f"storefront--{version}"
    system.until(id, lambda _: True)
    return until(system, id, "production", "passed", "failed", "broken", minutes=400)


@pytest.mark.timeout(200)
def test_a_release_that_does_harm_is_taken_back_from_the_few_users_that_it_was_given(system: System) -> None:
    ended = ended_with(system, "2.1.0-subtle")
    assert (ended["state"], ended["code"]) == ("failed", "HARM_PROVEN"), ended
    assert met(system, PRODUCTION) == {"1.0.0": 30}


@pytest.mark.timeout(200)
def test_a_good_one_gets_more_and_more_users_then_all(system: System) -> None:
    ended = ended_with(system, "2.2.0")
    assert ended["state"] == "passed", ended
    assert met(system, PRODUCTION) == {"2.2.0": 30}
