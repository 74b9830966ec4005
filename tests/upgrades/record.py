"""`make histories` (`python -m tests.upgrades.record`) records what today's orchestrators do, as that of their version.

To be run when that version is new, and until it is released; from then on its files stay as they are. It takes a
minute. With `--check` nothing is written: it says which calls of today's orchestrators no stored history has.
"""

import asyncio
import logging
import sys
import warnings

from tests.upgrades.collecting import Collector, shape_of
from tests.upgrades.situations import situations
from tests.upgrades.stored import FOLDER, History, histories, store
from tests.workflow import virtual
from triggers.version import orchestrations_version


async def collected() -> Collector:
    """What runs in all situations. Ends the program when one of them goes wrong."""
    collector, failed = Collector(), []
    virtual.watchers.append(collector)
    for name, situation in situations():
        collector.situation = name
        try:
            await situation(collector.ends)
        except AssertionError as problem:
            failed.append(f"{name}: {problem}")
        collector.ends()
        virtual.stepped_into.clear()
    if failed:
        sys.exit("\n".join(["these stories went wrong, so nothing is recorded:", *failed]))
    return collector


def not_stored(found: list[History]) -> list[str]:
    """Where today's orchestrators do what no stored history of their version shows, in words."""
    mine = [each for each in histories() if each.version == orchestrations_version()]
    known = {(*shape[:2], shape[2][:n]) for shape in map(shape_of, mine) for n in range(1, len(shape[2]) + 1)}
    return [f"{each.orchestrator}, in {each.situation}" for each in found if shape_of(each) not in known]


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable()
    collector = asyncio.run(collected())
    found, version = collector.histories(), orchestrations_version()
    if sys.argv[1:] == ["--check"]:
        if missing := not_stored(found):
            sys.exit("\n".join([f"no stored history of {version} shows this (docs/upgrade.md):", *missing]))
        return
    store(FOLDER / version, found, collector.batches())
    print(f"{version}: {len(found)} histories, {len(collector.batches())} batches")


if __name__ == "__main__":
    main()
