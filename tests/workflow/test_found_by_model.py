"""What the model found, each as the shortest story that shows it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.workflow.model import Model


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[Model]:
    async with Model(str(tmp_path / "hub.sqlite")) as made:
        yield made


async def test_an_abort_after_a_release_was_proven_does_not_undo_it_without_the_lock(model: Model) -> None:
    """The read model is away when the lock has been given back, and the generation begins again."""
    build = await model.submit("1.1.0")
    await model.until(build, "baking")
    model.world.away["mirror_environment"] = 40
    await model.wait(120)
    assert (await model.flow.lock("dev"))["holder"] is None
    assert await model.tell(build, "abort") == 200, "production is still to come"
    await model.check_the_end()
    assert model.states(build) == ["passed", "cancelled"]
    assert model.world.sites["checkout-dev"].live == "1.1.0"
