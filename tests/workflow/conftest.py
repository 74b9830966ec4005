from collections.abc import Iterator

import pytest

from tests.workflow import virtual


@pytest.fixture(autouse=True)
def _no_orchestrator_steps_into_a_trap() -> Iterator[None]:
    """Whatever a test drives: what would hang, spin or fail in Azure fails here."""
    virtual.stepped_into.clear()
    yield
    assert not virtual.stepped_into, f"{len(virtual.stepped_into)}: {virtual.stepped_into[0]}"
