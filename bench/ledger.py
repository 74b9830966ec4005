"""`make bench-ledger MESSAGES=10000`: a burst of build messages over fifty services, with host and broker killed.

A fifth of the messages are duplicates, a twentieth is poison. Every service supersedes: while a build waits, a
newer one takes its place, as in any real burst. The ledger must balance to the message.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from itertools import islice, repeat
from pathlib import Path
from random import Random

from slipway.cli.laptop.supervisor import FUNCTIONS, SERVICEBUS
from tests.chaos.chronicle import Chronicle
from tests.chaos.ci import Ci
from tests.chaos.evidence import Evidence, promotions
from tests.chaos.ledger_of_letters import Sent, balance
from tests.chaos.letters import BUILD, Letter, letters
from tests.chaos.quiet import until_quiet
from tests.chaos.run import audited, left_on_queues
from tests.chaos.shop import Service, Stage, shop_in
from tests.chaos.world import World

SERVICES, COPIES, POISON, KILLS = 50, 0.2, 0.05, 20
PROGRESS_EVERY_S = 15.0


class Reaper(threading.Thread):
    """Kills host and broker in turns, at even shares of the builds that have ended."""

    def __init__(self, world: World, builds: int, kills: int) -> None:
        super().__init__(name="reaper")
        self._world, self._builds, self._kills = world, builds, kills

    def run(self) -> None:
        for number in range(self._kills):
            due = self._builds * (number + 0.5) / self._kills
            while promotions(self._world.layout.state)[0] < due:
                if self._world.stopped.wait(0.5):
                    return
            part = (FUNCTIONS, SERVICEBUS)[number % 2]
            self._world.up(part, within_s=30)
            self._world.kill((part,), 0.0, f"after {due:.0f} builds")


def main() -> int:
    """0 when the ledger balances and every other promise of the chaos kit holds."""
    arguments = _arguments()
    shop = [Service(f"s{n:02}", (Stage("production", (f"s{n:02}-prod",)),), "supersede") for n in range(SERVICES)]
    random = Random(arguments.seed)
    post = list(islice(letters(random, shop, copies=COPIES, poison=POISON, unwanted=0.0), arguments.messages))
    print(f"{len(post)} messages over {SERVICES} services, {arguments.kills} kills, seed {arguments.seed}", flush=True)
    state = Path(tempfile.mkdtemp(prefix="slipway-ledger-"))
    broken = _burst(state, shop, post, arguments.kills)
    if broken:
        print("\n".join(broken[:50]), f"the state is kept in {state}", sep="\n")
        return 1
    shutil.rmtree(state)
    print("the ledger balances, and every other promise held")
    return 0


def _burst(state: Path, shop: list[Service], post: list[Letter], kills: int) -> list[str]:
    builds = sum(letter.kind == BUILD for letter in post)
    with World(shop_in(state, shop, pace=0.0), Chronicle()) as world:
        began = time.monotonic()
        ci = Ci(world, post, repeat(0.0))
        reaper = Reaper(world, builds, kills)
        ci.start()
        reaper.start()
        progress_at = 0.0
        while ci.is_alive() or reaper.is_alive():
            time.sleep(0.5)
            if time.monotonic() > progress_at:
                progress_at = time.monotonic() + PROGRESS_EVERY_S
                done = f"{world.chronicle.count('letter')} sent, {promotions(state)[0]} of {builds} builds ended"
                print(f"{time.monotonic() - began:6.0f} s  {done}, {world.chronicle.count('kill')} kills", flush=True)
        busy = until_quiet(world, lambda: None, within_s=600)
        took_s = time.monotonic() - began
        leavings = left_on_queues(world)
    evidence, sent = Evidence(state, *leavings), Sent(ci.sent, ci.tried, ci.taken)
    print(balance(evidence, sent))
    docs = [row["doc"] for (_, key), row in evidence.rows("promotions").items() if key == "promotion"]
    ends = [doc["code"] or doc["state"] for doc in docs]
    print("builds ended: " + ", ".join(f"{end} {ends.count(end)}" for end in sorted(set(ends))))
    print(f"{took_s:.0f} s: {len(post) / took_s:.1f} messages/s, {builds / took_s:.1f} promotions/s")
    return [*busy, *map(str, audited(world, evidence, sent, ()))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
