"""40 targets deploy in the time of the slowest: two environments with 20 targets each, side by side, on the real clock.

The app's real orchestrators and engine; a deployment takes what its target takes (1 to 8 s), and is asked for every
half second. A stage has 20 targets at most (docs/rings.md).
"""

import asyncio
import tempfile
import time
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figure import Figure
from bench.thousand_builds import started
from slipway.local.functions.clock import WallClock
from slipway.local.functions.durable.engine import DurableEngine
from slipway.promotion.outcomes import Answer, running
from slipway.promotion.plan import StagePlan, Target
from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import WorldFunctions, a_run
from tests.workflow.world import Order, Sides, World

TARGETS, SLOWEST_S, POLL_S = 20, 8.0, 0.5
ENVIRONMENTS = ("europe", "america")


class Deploying(World):
    """Deployments that take their time, and when the first one began and the last one ended."""

    def __init__(self, took_s: dict[str, float]) -> None:
        super().__init__({name: Sides() for name in took_s}, polls=0)
        self.took_s = took_s
        self.begun_at: dict[str, float] = {}
        self.done_at: dict[str, float] = {}

    def _deploy(self, order: Order) -> Answer:
        name, now = order["target"]["name"], time.perf_counter()
        left_s = self.begun_at.setdefault(name, now) + self.took_s[name] - now
        if left_s > 0:
            return running({"kind": "deployment"}, min(left_s, POLL_S))
        self.done_at.setdefault(name, now)
        return super()._deploy(order)


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's, about nudges that nobody waits for
        world = asyncio.run(_deploy_all(Path(folder)))
    seconds = max(world.done_at.values()) - min(world.begun_at.values())
    name = f"{len(world.done_at)} targets deploy; peer: the slowest alone (s)"
    yield Figure(name, seconds, SLOWEST_S, "ratio <= 1.1", seconds <= 1.1 * SLOWEST_S and len(world.done_at) == 40)


async def _deploy_all(folder: Path) -> Deploying:
    names = [f"{environment}-{n}" for environment in ENVIRONMENTS for n in range(TARGETS)]
    world = Deploying({name: 1.0 + (SLOWEST_S - 1.0) * n / (len(names) - 1) for n, name in enumerate(names)})
    functions = WorldFunctions(world)
    functions.engine = engine = DurableEngine(functions, folder / "hub.sqlite", WallClock())
    await engine.start()
    run = a_run(a_build("2.0.0"), *map(_stage, ENVIRONMENTS), received_at=datetime.now(UTC))
    world.of(run.id)
    await started(engine, run)
    while not world.latest.ended:
        await asyncio.sleep(0.1)
    await engine.stop(grace_s=5)
    return world


def _stage(environment: str) -> StagePlan:
    targets: Any = tuple(
        Target(f"{environment}-{n}", "app-service", f"/sites/{environment}-{n}", "staging") for n in range(TARGETS)
    )
    return a_stage(environment, targets=targets)
