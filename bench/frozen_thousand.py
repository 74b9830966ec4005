"""A thousand builds of one service while production is frozen: which go when it thaws, and what the wait costs.

In virtual time, through the app's real orchestrators and entities. With `latest` each newer build takes the place of
the one before; every build is asked of the lock a fixed number of times, however many there are.
"""

import asyncio
import time
import warnings
from collections.abc import Iterable
from datetime import timedelta

from bench.figure import Figure
from slipway.promotion.calendar.windows import Calendar, Freeze
from tests.promotion.builders import NOON, a_build, a_stage, later
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

BUILDS, AT_ONCE = 1000, 50


def figures() -> Iterable[Figure]:
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's, about nudges that nobody waits for
        went, revisions = asyncio.run(_thawed())
    name = f"{BUILDS:,} builds of a frozen service"
    yield Figure(f"{name}: another than the newest went", sum(each != f"2.{BUILDS - 1}" for each in went), None, "0",
                 went == [f"2.{BUILDS - 1}"])  # fmt: skip
    most = 3.0
    yield Figure(
        f"{name}: changes of the lock a build", revisions / BUILDS, None, f"<= {most:g}", revisions <= most * BUILDS
    )
    yield Figure("  for information: seconds of CPU for all of them", time.process_time() - began)


async def _thawed() -> tuple[list[str], int]:
    """The versions that went live, and how often the lock's state has changed."""
    frozen = Freeze("launch", "2026-11-24T00:00", "2026-11-25T00:00")
    stage = a_stage("dev", on_newer_build="latest", calendar=Calendar((frozen,)), lock_within_s=7 * 86_400)
    async with Workflow(World({"checkout-dev": Sides()})) as flow:
        ids = []
        for n in range(BUILDS):
            build = a_build(f"2.{n}", finished_at=later(seconds=n))
            ids.append(await flow.begin(build, stage, token=f"t{n}", received_at=NOON))
            if n % AT_ONCE == 0:
                await flow.engine.until_idle()
        assert flow.clock.now() < NOON + timedelta(hours=1)
        for id in ids:
            await flow.until_ended(id)
        lock = await flow.lock("dev")
        return [each["version"] for each in lock["releases"]], int(lock["rev"])
