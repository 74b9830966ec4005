"""Our real promotion, four stages whose activities take no time, on the durable engine.

The peer is the SDK alone replaying one orchestrator that calls as many activities (`sdk_replay`), without any store.
"""

import asyncio
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from bench.figure import Figure, ms
from bench.sdk_replay import replay_chain
from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

RUNS = 5
STAGES = 4
PHASES = 9  # of a stage: needs, lock, deploy, verify, roll out, verify live, bake, settle, report
LONGEST_MS = 100.0


def figures() -> Iterable[Figure]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's, about nudges that nobody waits for
        steps = asyncio.run(_promote())
        pairs = [(ms(lambda: asyncio.run(_promote())), _sdk_alone(steps)) for _ in range(RUNS)]
        ours, peer = (sorted(each)[RUNS // 2] for each in zip(*pairs, strict=True))
        memory = _peak_mb(lambda: asyncio.run(_promote())), _peak_mb(lambda: replay_chain(steps))
    yield Figure(f"our promotion of 4 stages; peer: SDK, one history, {steps} activities (ms)", ours, peer)
    each, limit = ours / (STAGES * PHASES), f"< {LONGEST_MS:g}"
    yield Figure("  a stage's transition to its next phase (ms)", each, None, limit, each < LONGEST_MS)
    yield Figure("  peak memory of that promotion (MB)", *memory)


async def _promote() -> int:
    """Take a build through all stages. How many activities that took."""
    names = [f"s{number}" for number in range(STAGES)]
    calls = 0

    async def count(name: str, order: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1

    world = World({f"checkout-{name}": Sides() for name in names}, polls=0, meanwhile=count)
    async with Workflow(world, threads=True) as flow:
        stages = [a_stage(name, tuple(names[number - 1 : number])) for number, name in enumerate(names)]
        await flow.until_ended(await flow.promote(a_build("1.1.0"), *stages))
    return calls


def _sdk_alone(steps: int) -> float:
    """In a process of its own: the host, which is in this one, remembers timestamps for the SDK."""
    command = [sys.executable, "-m", "bench.sdk_replay", str(steps)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _peak_mb(work: Callable[[], object]) -> float:
    """What `work` allocates at most at a time, beyond what was there before it."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak / 1e6
