"""The situations that are recorded: the workflow's own stories, each from a fresh world, in virtual time.

Stories of a stage's transitions, of ramps, rings, groups, commands and the watch. None of them asserts anything here:
whether it goes as it should is the business of `tests/workflow`.
"""

import inspect
import json
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType

from slipway.promotion.plan import StagePlan
from tests.promotion.builders import a_build, a_policy, a_stage
from tests.workflow import (
    test_blue_green,
    test_commands,
    test_flag_comparison,
    test_flag_ramp,
    test_front_door,
    test_gates,
    test_groups,
    test_jobs,
    test_lost_watch,
    test_migrations,
    test_pins,
    test_promotion,
    test_ramp,
    test_ramp_people,
    test_ramp_routers,
    test_releases,
    test_rings,
    test_states,
    test_watch,
)
from tests.workflow.flag_world import FlagWorld
from tests.workflow.front_door_world import FrontDoorWorld
from tests.workflow.gate_world import GateWorld
from tests.workflow.groups import a_world
from tests.workflow.job_world import JobWorld
from tests.workflow.model import Model
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.release_world import ReleaseWorld
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

Over = Callable[[], None]
Situation = Callable[[Over], Awaitable[None]]
SITES = ("checkout-dev", "checkout-test", "checkout-staging", "weu", "neu")
OF_STAGES = (test_promotion, test_commands, test_pins)
OF_RAMPS = (test_ramp, test_ramp_people, test_ramp_routers, test_watch, test_lost_watch, test_blue_green)

OF_FLAGS = (test_flag_ramp, test_flag_comparison)


def situations() -> Iterator[tuple[str, Situation]]:
    """Each with its name; it is given what is to be called when it is over, while its engine still runs."""
    for story, _ in test_states.STORIES:
        yield f"states: {story.__name__}", _told(story)
    for module in OF_STAGES:
        yield from _stories(module, SITES)
    for module in OF_RAMPS:
        yield from _stories(module, test_ramp.SITES)
    for module in OF_FLAGS:
        yield from _stories(module, test_flag_ramp.SITES, FlagWorld)
    yield from _stories(test_releases, (*test_releases.SITES, "checkout-dev"), ReleaseWorld)
    yield from _stories(test_jobs, test_jobs.SITES, JobWorld)
    yield from _stories(test_migrations, (), lambda _: test_migrations.a_world())
    yield from _stories(test_gates, ("weu",), GateWorld)
    yield from _stories(test_rings, test_rings.SITES)
    yield from _stories(test_groups, (), lambda _: a_world())
    yield "a ramp through a front door", _through_a_front_door(test_front_door.with_testers(), harm=1.0)
    yield "harm behind a front door", _through_a_front_door(test_front_door.with_testers(), harm=200.0)
    yield "an abort that was accepted late", _in_a_flow(an_abort_that_was_accepted_late, SITES)


async def an_abort_that_was_accepted_late(flow: Workflow) -> None:
    """The trigger could not wait for the entity, and left the rest to an orchestration."""
    id = await flow.promote(a_build(), a_stage("dev", approval=a_policy()))
    await flow.abort_at_this_moment(id)
    await flow.post(f"orchestrators/abort/abort:{id}", json.dumps({"promotion": id, "operations": [f"{id}:dev"]}))
    await flow.until_ended(id)


def _told(story: Callable[[Model], Awaitable[None]]) -> Situation:
    async def situation(over: Over) -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with Model(str(Path(folder) / "hub.sqlite")) as model:
                await story(model)
                over()
                await model.wait(3 * 86_400)
                over()

    return situation


def _stories(
    module: ModuleType, sites: tuple[str, ...], world: Callable[[dict[str, Sides]], World] = RampingWorld
) -> Iterator[tuple[str, Situation]]:
    for name, story in vars(module).items():
        if name.startswith("test_") and [*inspect.signature(story).parameters] == ["flow"]:
            yield f"{module.__name__.rpartition('.')[2]}: {name}", _in_a_flow(story, sites, world)


def _through_a_front_door(stage: StagePlan, harm: float) -> Situation:
    async def situation(over: Over) -> None:
        world = FrontDoorWorld({"weu": Sides()}, harm={"2.0.0": harm})
        async with Workflow(world) as flow:
            world.now = flow.clock.now
            await flow.until_ended(await flow.promote(a_build("2.0.0"), stage))
            over()

    return situation


def _in_a_flow(
    story: Callable[[Workflow], Awaitable[None]],
    sites: tuple[str, ...],
    world: Callable[[dict[str, Sides]], World] = RampingWorld,
) -> Situation:
    async def situation(over: Over) -> None:
        async with Workflow(world({name: Sides() for name in sites})) as flow:
            await story(flow)
            over()

    return situation
