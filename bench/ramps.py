"""Ramps through the app's real orchestrators, entities and SDK, judged by the real judge, in virtual time.

A ramp of 10,000 ticks (held at its first step) must cost as much a tick at the end as at the beginning, with a history
that stays small. And a virtual month: a release a day, each with ramp, bake and a day's watch, as fast as they go.
"""

import asyncio
import statistics
import time
import warnings
from collections.abc import Iterable
from datetime import timedelta

from bench.figure import Figure
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.judge.policy import Policy
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.telemetry import Source
from tests.promotion.builders import NOON, a_build, a_stage
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides

TICKS, COUNTED = 10_000, 1_000
DAYS = 30
DAY_S = 86_400.0
MOST_EVENTS = 200


def figures() -> Iterable[Figure]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's, about nudges that nobody waits for
        first, last, events = asyncio.run(_long_ramp())
        name = f"a ramp of {TICKS:,} ticks"
        yield Figure(
            f"{name}: a tick of the last 1,000; peer: first (ms)", last, first, "ratio <= 1.5", last <= 1.5 * first
        )
        yield Figure(f"{name}: events in its longest history", events, None, f"< {MOST_EVENTS}", events < MOST_EVENTS)
        seconds, live = asyncio.run(_month())
        month = f"{DAYS} ramps, one a day, with bake and watch"
        yield Figure(f"{month} (s)", seconds, None, "< 60 s", seconds < 60)
        yield Figure(f"{month}: releases that reached everybody", live, None, f"{DAYS}", live == DAYS)


def _production(plan: CanaryPlan, **more: float) -> StagePlan:
    target = Target("weu", "app-service", "/sites/weu", "staging")
    return a_stage("production", targets=(target,), canary=plan, rollout="canary", **more)


async def _long_ramp() -> tuple[float, float, float]:
    """Milliseconds of a tick among the first and the last thousand, and the longest history seen, in events."""
    plan = CanaryPlan(Policy(tick_s=15.0), Source("", "checkout"), hold_at=(0.05,), within_s=30 * DAY_S)
    world = RampingWorld({"weu": Sides()}, polls=0)
    times, events = list[float](), 0
    async with Workflow(world, threads=True) as flow:
        await flow.promote(a_build("2.0.0"), _production(plan))
        await flow.until(lambda: "ramp:production" in world.rows)
        instance = world.rows["ramp:production"]["doc"]["instance"]
        for tick in range(1, TICKS + 1):
            began = time.perf_counter()
            await flow.until(lambda tick=tick: len(world.judged) >= tick)  # type: ignore[misc]
            times.append((time.perf_counter() - began) * 1000)
            if tick % 50 == 0:
                events = max(events, len(flow.history(instance)))
    return statistics.median(times[:COUNTED]), statistics.median(times[-COUNTED:]), float(events)


async def _month() -> tuple[float, float]:
    """Seconds, and how many of the releases were live and proven in the end."""
    plan = CanaryPlan(Policy(), Source("", "checkout"))
    world = RampingWorld({"weu": Sides()}, polls=1)
    proven = 0
    began = time.perf_counter()
    async with Workflow(world, threads=True) as flow:
        for day in range(DAYS):
            build = a_build(f"2.{day}.0", finished_at=NOON + timedelta(days=day))
            id = await flow.promote(build, _production(plan, bake_s=1800.0, watch_s=DAY_S))
            output = await flow.until_ended(id)
            proven += output["outcome"] == "passed"
            next_day = NOON + timedelta(days=day + 1)
            await flow.until(lambda next_day=next_day: flow.clock.now() >= next_day)  # type: ignore[misc]
    return time.perf_counter() - began, float(proven)
