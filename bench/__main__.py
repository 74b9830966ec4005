"""`make bench`: what Slipway's own parts cost, each figure beside a peer measured in the same run."""

import asyncio
import statistics
import subprocess
import sys
import time

from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

RUNS = 5
PHASES = 9  # of a stage: needs, lock, deploy, verify, roll out, verify live, bake, settle, report


def main() -> None:
    """Print the table."""
    print(f"{'figure':58} {'median':>10} {'peer':>10} {'ratio':>7}")
    _import_of_the_app()
    asyncio.run(_stage_transitions())


def _import_of_the_app() -> None:
    """Cold start: importing the app against importing the two Functions SDKs alone."""
    ours, peer = [], []
    for _ in range(RUNS):
        peer.append(_seconds_to_run("import azure.functions, azure.durable_functions"))
        ours.append(_seconds_to_run("import function_app"))
    _line("import function_app, against the two SDKs alone (ms)", ours, peer)


def _seconds_to_run(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


async def _stage_transitions() -> None:
    """Own overhead of a stage transition: a promotion of four stages whose activities take no time,
    against the SDK replaying an orchestrator of the same number of steps in one history."""
    ours = []
    for _ in range(RUNS):
        names = [f"s{n}" for n in range(4)]
        async with Workflow(World({f"checkout-{name}": Sides() for name in names}, polls=0)) as flow:
            stages = [a_stage(name, tuple(names[n - 1 : n])) for n, name in enumerate(names)]
            began = time.perf_counter()
            id = await flow.promote(a_build("1.1.0"), *stages)
            await flow.until_ended(id)
            ours.append((time.perf_counter() - began) / (4 * PHASES))
    _line("a stage's transition to its next phase (ms, to stay < 100)", ours, None)


def _line(name: str, seconds: list[float], peer: list[float] | None) -> None:
    ours_ms = statistics.median(seconds) * 1000
    if peer is None:
        print(f"{name:58} {ours_ms:10.1f} {'-':>10} {'-':>7}")
        return
    peer_ms = statistics.median(peer) * 1000
    print(f"{name:58} {ours_ms:10.1f} {peer_ms:10.1f} {ours_ms / peer_ms:7.2f}")


if __name__ == "__main__":
    main()
