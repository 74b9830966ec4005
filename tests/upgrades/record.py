"""`python -m tests.upgrades.record` records the histories of today's orchestrators as those of their version.

To be run when that version is new, and until it is released; from then on its files stay as they are. It takes some
minutes.
"""

import asyncio
import logging
import sys
import warnings

from tests.upgrades.collecting import Collector
from tests.upgrades.situations import situations
from tests.upgrades.stored import FOLDER, store
from tests.workflow import virtual
from triggers.version import orchestrations_version


async def record() -> None:
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
        sys.exit("\n".join(["not recorded, because these stories went wrong:", *failed]))
    histories, batches = collector.histories(), collector.batches()
    store(FOLDER / orchestrations_version(), histories, batches)
    print(f"{orchestrations_version()}: {len(histories)} histories, {len(batches)} batches")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable()
    asyncio.run(record())
