"""What the model found in canary ramps, each as the shortest story that shows it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.model import Model
from tests.workflow.must_hold import MustHold, check_the_end


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[Model]:
    async with Model(str(tmp_path / "hub.sqlite")) as made:
        yield made


async def ramping(model: Model, version: str = "1.1.0", **more: Any) -> str:
    """A build whose release has its first share of production's traffic."""
    build = await model.submit(version, ["production"], at_least=0, **{"ramp": "quick", **more})
    await model.until(build, "ramping", "production")
    while not any(model.world.shares.values()):
        await model.wait(5)
    return build


def told(model: Model, build: str) -> list[str]:
    """The actions of a build's ramp, in order."""
    records = [each for each in model.world.records if each.get("promotion") == build]
    return [each["action"] for each in records if each["action"].startswith("ramp.")]


def ended(model: Model, build: str) -> tuple[str, str]:
    row = model.world.of(build).rows["stage:production"]["doc"]
    return row["state"], row["code"]


async def test_a_ramp_that_waits_for_telemetry_says_until_when(model: Model) -> None:
    model.world.no_telemetry = True
    await model.submit("1.1.0", ["production"], ramp="quick", at_least=0)
    await model.wait(60)
    await MustHold(model).when_all_is_quiet()
    await check_the_end(model)


async def test_a_retry_of_a_version_that_did_harm_is_told_that_it_is_rejected(model: Model) -> None:
    build = await ramping(model, flaw="harmful")
    await model.until(build, "failed", "production")
    await model.settle()
    assert await model.tell(build, "retry") == 200
    await check_the_end(model)
    assert ended(model, build) == ("cancelled", "VERSION_REJECTED")


async def test_a_ramp_that_takes_hours_is_left_to_itself(model: Model) -> None:
    """Its stage rests as long as the ramp goes on, and the ramp looks at its routers every 15 s."""
    build = await ramping(model, ramp="long")
    for hours in (3, 0.1, 0.1):
        await model.flow.move_to(model.now + timedelta(hours=hours))
        await model.janitor()
        await model.settle()
    assert model.states(build) == ["ramping"]
    assert await model.tell(build, "promote") == 200
    await check_the_end(model)
    assert model.states(build) == ["passed"]


async def test_a_ramp_that_stays_at_its_deadline_waits_for_a_person_and_does_what_that_one_says(model: Model) -> None:
    build = await ramping(model, ramp="held and stays")
    await model.wait(1900)
    assert "ramp.ramp-time-over" in told(model, build)
    looks = sum(each == "look_at_ramp" for each in model.world.calls)
    await model.wait(600)
    assert sum(each == "look_at_ramp" for each in model.world.calls) - looks < 60
    assert await model.tell(build, "advance") == 200
    await model.wait(60)
    assert set(model.world.shares.values()) == {0.5}
    assert await model.tell(build, "promote") == 200
    await check_the_end(model)
    assert model.states(build) == ["passed"]


@pytest.mark.parametrize("how", ["terminate", "purge"])
async def test_a_ramp_whose_stage_is_lost_ends_with_it_and_accuses_nobody(model: Model, how: str) -> None:
    build = await ramping(model, ramp="held")
    await getattr(model, how)(f"{build}:production")
    for _ in range(4):
        await model.wait(400)
        await model.janitor()
    await model.wait(60)
    assert not model.running("canary_ramp")
    assert "ramp.router-changed" not in told(model, build)
    await check_the_end(model)


async def test_a_release_that_is_taken_back_while_the_audit_is_away_stays_taken_back(model: Model) -> None:
    """Its probe fails, the routers are told, the record is not taken for five minutes, and the probe is well again."""
    build = await ramping(model, ramp="held")
    model.world.flaws["1.1.0"] = "sick while ramping"
    model.world.away["record"] = 40
    await model.wait(30)
    assert not any(model.world.shares.values())
    model.world.flaws.clear()
    await check_the_end(model)
    assert ended(model, build) == ("failed", "PROBE_FAILED")


async def test_a_person_who_takes_a_release_back_is_heard_before_it_has_its_first_share(model: Model) -> None:
    model.world.refused_splits = 6
    build = await model.submit("1.1.0", ["production"], ramp="quick", at_least=0)
    await model.until(build, "ramping", "production")
    await model.wait(60)
    assert await model.tell(build, "rollback") == 200
    await model.wait(60)
    assert not model.world.given
    await check_the_end(model)
    assert ended(model, build) == ("failed", "TAKEN_BACK")
