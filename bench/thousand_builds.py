"""1,000 builds at once over 50 services, through the app's real orchestrators and entities, on the real clock.

Twenty builds of each service queue for one environment (`on_newer_build: queue`) and go through one after the
other: lock, deploy, verify, swap, verify live, settle. Activities answer from memory, so the time is Slipway's own.

"First" and "last" hundred are those that *ended* first and last. A build's work is the time from its deployment,
when it has just got the lock, to its end; the wait in the queue before is not counted. All services work at
the same time, so it says how long the machine takes for a build among fifty, early and late.
"""

import asyncio
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.figure import Figure
from slipway.local.functions.clock import WallClock
from slipway.local.functions.durable.engine import DurableEngine, RpcRequest
from slipway.promotion.outcomes import Answer, iso, passed
from slipway.promotion.plan import PromotionPlan, Target
from slipway.promotion.promotion_run import PromotionRun
from tests.promotion.builders import NOON, a_build, a_stage
from tests.workflow.virtual import WorldFunctions
from tests.workflow.world import Order, Sides, World

SERVICES, BUILDS = 50, 20
COUNTED = 100
LONGEST_S = 900.0


class Ledger(World):
    """A world that notes when each build was first deployed and when it ended, and that keeps no long lists."""

    def __init__(self, sites: dict[str, Sides]) -> None:
        super().__init__(sites, polls=0)
        self.deployed: dict[str, float] = {}
        self.ended_at: dict[str, float] = {}
        self.recorded: set[str] = set()
        self.rejected: list[str] = []

    def answer(self, activity: str, order: Order) -> Answer:
        if activity == "deploy":
            self.deployed.setdefault(order["promotion"], time.perf_counter())
        if activity == "record" and order["action"] in ("promotion.failed", "promotion.cancelled", "promotion.broken"):
            self.rejected.append(order["promotion"])
        answer = super().answer(activity, order)
        if activity == "end_promotion":
            self.ended_at[order["promotion"]] = time.perf_counter()
        return answer

    def _record(self, order: Order) -> Answer:
        self.recorded.add(order["id"])
        return passed()

    def _mirror_environment(self, order: Order) -> Answer:
        return passed()


def figures() -> Iterable[Figure]:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's, about nudges that nobody waits for
        ledger = asyncio.run(_promote_all(Path(folder)))
    total, ended = SERVICES * BUILDS, sorted(ledger.ended_at, key=ledger.ended_at.__getitem__)
    unfinished = total - len(ended) + len(ledger.rejected)
    work = [(ledger.ended_at[id] - ledger.deployed[id]) * 1000 for id in ended]
    first, last = statistics.median(work[:COUNTED]), statistics.median(work[-COUNTED:])
    name = f"{total:,} builds over {SERVICES} services"
    yield Figure(f"{name}: lost, stuck or rejected", unfinished, None, "0", unfinished == 0)
    yield Figure(
        f"{name}: work of the last 100; peer: of the first (ms)", last, first, "ratio <= 1.5", last <= 1.5 * first
    )
    times = [ledger.ended_at[id] - began for id in ended]
    early, late = COUNTED / times[COUNTED - 1], COUNTED / (times[-1] - times[-COUNTED - 1])
    good = late >= early / 1.5
    yield Figure(f"{name}: last 100; peer: first 100 (builds/s)", late, early, "ratio >= 0.67", good)
    yield Figure("  for information: seconds for all of them", times[-1])


async def _promote_all(folder: Path) -> Ledger:
    services = [f"service-{number}" for number in range(SERVICES)]
    ledger = Ledger({service: Sides() for service in services})
    functions = WorldFunctions(ledger)
    functions.engine = engine = DurableEngine(functions, folder / "hub.sqlite", WallClock())
    await engine.start()
    for number in range(BUILDS):
        for service in services:
            await _start(engine, ledger, service, f"2.{number}.0")
    deadline = time.perf_counter() + LONGEST_S
    while len(ledger.ended_at) < SERVICES * BUILDS and time.perf_counter() < deadline:
        await asyncio.sleep(0.2)
    await engine.stop(grace_s=5)
    return ledger


async def _start(engine: DurableEngine, ledger: Ledger, service: str, version: str) -> None:
    """All builds of a service finished at the same moment: the order of intake is theirs."""
    build = a_build(version, service=service, finished_at=NOON)
    stage = a_stage("dev", targets=(Target(service, "app-service", f"/sites/{service}", "staging"),))
    plan = PromotionPlan(service, "team", "sha256:0", "https://artifacts/{version}.zip", (stage,))
    run = PromotionRun(build.promotion, "t1", build, plan, iso(NOON))
    ledger.of(run.id)
    await started(engine, run)


async def started(engine: DurableEngine, run: PromotionRun) -> None:
    """The promotion is begun."""
    body: Any = json.dumps(json.dumps(run.dump())).encode()
    headers = {"content-type": "application/json"}
    answer = await engine.handle(RpcRequest("POST", f"orchestrators/promotion/{run.id}", {}, headers, body))
    assert answer.status == 202, answer
