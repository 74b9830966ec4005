"""`make bench`: what Slipway's own parts cost, each figure beside a peer's of the same run."""

import asyncio
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from bench.one_history import replay_chain
from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

RUNS = 5
STAGES = 4
PHASES = 9  # of a stage: needs, lock, deploy, verify, roll out, verify live, bake, settle, report


def main() -> None:
    """Print the table."""
    print(f"{'figure':62} {'ours':>8} {'peer':>8} {'ratio':>7}")
    _import_of_the_app()
    _promotion()


def _import_of_the_app() -> None:
    """Cold start: importing the app against importing the two Functions SDKs alone."""
    ours, peer = [], []
    for _ in range(RUNS):
        peer.append(_ms(lambda: _python("import azure.functions, azure.durable_functions")))
        ours.append(_ms(lambda: _python("import function_app")))
    _line("import function_app; peer: the two SDKs alone (ms)", ours, peer)


def _promotion() -> None:
    """A promotion of four stages whose activities take no time, on the laptop's durable engine; the peer is the
    SDK replaying one orchestrator that calls as many activities, without any store."""
    steps = asyncio.run(_promote())
    ours, peer = [], []
    for _ in range(RUNS):
        ours.append(_ms(lambda: asyncio.run(_promote())) / (STAGES * PHASES))
        peer.append(_ms(lambda: replay_chain(steps)) / (STAGES * PHASES))
    _line("a stage's transition to its next phase (ms, to stay < 100)", ours, peer)
    memory = _peak_mb(lambda: asyncio.run(_promote())), _peak_mb(lambda: replay_chain(steps))
    _line("peak memory of that promotion (MB)", [memory[0]], [memory[1]])
    print(f"peer of the last two: the SDK replaying one history with the promotion's {steps} activities")


async def _promote() -> int:
    """Take a build through all stages. How many activities that took."""
    names = [f"s{number}" for number in range(STAGES)]
    calls = 0

    async def count(name: str, order: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1

    world = World({f"checkout-{name}": Sides() for name in names}, polls=0, meanwhile=count)
    async with Workflow(world) as flow:
        stages = [a_stage(name, tuple(names[number - 1 : number])) for number, name in enumerate(names)]
        await flow.until_ended(await flow.promote(a_build("1.1.0"), *stages))
    return calls


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _peak_mb(work: Callable[[], object]) -> float:
    """What `work` allocates at most at a time, beyond what was there before it."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak / 1e6


def _line(name: str, ours: list[float], peer: list[float]) -> None:
    """One row: medians and their ratio."""
    mine, other = statistics.median(ours), statistics.median(peer)
    print(f"{name:62} {mine:8.1f} {other:8.1f} {mine / other:7.2f}")


if __name__ == "__main__":
    main()
