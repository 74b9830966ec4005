import math
from collections.abc import Iterator

import pytest

from slipway.promotion import ramp_run
from tests.workflow import virtual


@pytest.fixture(autouse=True)
def _ramps_look_once_a_tick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most looks of a ramp see what the one before saw, and cost as much: here there is one a tick of the judge, but
    where a test asks for `quick_looks`."""
    if "quick_looks" not in request.fixturenames:
        monkeypatch.setattr(ramp_run, "LOOK_EVERY_S", math.inf)


@pytest.fixture
def quick_looks() -> None:
    """Ramps look as often as they do in Azure."""


@pytest.fixture(autouse=True)
def _no_orchestrator_steps_into_a_trap() -> Iterator[None]:
    """Whatever a test drives: what would hang, spin or fail in Azure fails here."""
    virtual.stepped_into.clear()
    yield
    assert not virtual.stepped_into, f"{len(virtual.stepped_into)}: {virtual.stepped_into[0]}"
