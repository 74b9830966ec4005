"""The shipped pipeline of a SaaS vendor with its real durations, in virtual time: a good build and a harmful one."""

import asyncio
import time
import warnings
from collections.abc import Iterable

from bench.figure import Figure
from tests.promotion.builders import ALICE, a_build
from tests.workflow.test_tenanthub import CONTOSO, FABRIKAM, SITES, STAGES, approved, tenanthubs_world
from tests.workflow.virtual import Workflow, stage_state

MOST_S = 20.0


def figures() -> Iterable[Figure]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's, about nudges that nobody waits for
        for what, story in (("a good build reaches five rings", _good()), ("harm in the third ring", _bad())):
            seconds, rings = asyncio.run(story)
            name = f"tenanthub's pipeline, {what} ({rings} ramps; s)"
            yield Figure(name, seconds, None, f"< {MOST_S:g} s", seconds < MOST_S)


async def _good() -> tuple[float, int]:
    """Seconds, and how many rings were ramped."""
    began = time.perf_counter()
    async with Workflow(tenanthubs_world()) as flow:
        id = await flow.promote(a_build("2.0.0"), *STAGES)
        for ring, person in (("north-europe", ALICE), ("contoso", CONTOSO), ("fabrikam", FABRIKAM)):
            await approved(flow, id, ring, person)
        output = await flow.until_ended(id)
        assert output["outcome"] == "passed", output
        assert {site.live for site in flow.world.sites.values()} == {"2.0.0"} and len(SITES) == len(flow.world.sites)
        return time.perf_counter() - began, _ramps(flow)


async def _bad() -> tuple[float, int]:
    """As above."""
    began = time.perf_counter()
    world = tenanthubs_world()
    async with Workflow(world) as flow:
        id = await flow.promote(a_build("2.0.0"), *STAGES)
        await approved(flow, id, "north-europe", ALICE)
        await flow.until(lambda: stage_state(world, "production-west-europe") == "ramping")
        world.harm["2.0.0"] = 5.0
        output = await flow.until_ended(id)
        assert output["code"] == "HARM_PROVEN", output
        return time.perf_counter() - began, _ramps(flow)


def _ramps(flow: Workflow) -> int:
    return sum(each["action"] == "ramp.begins" for each in flow.world.records)
