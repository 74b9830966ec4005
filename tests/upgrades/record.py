"""`python -m tests.upgrades.record` records the histories of today's orchestrators as those of their version.

To be run when that version is new, and until it is released; from then on its files stay as they are. It takes some
minutes.
"""

import asyncio
import logging
import sys
import warnings

from slipway.promotion.orchestration_version import ORCHESTRATIONS
from tests.upgrades.collecting import Collector
from tests.upgrades.situations import situations
from tests.upgrades.stored import FOLDER, store
from tests.workflow import virtual


async def record() -> None:
    collector = Collector()
    virtual.watchers.append(collector)
    for name, situation in situations():
        collector.situation = name
        try:
            await situation(collector.ends)
        except AssertionError as problem:
            print(f"{name}: {problem}", file=sys.stderr)
        collector.ends()
        virtual.stepped_into.clear()
    histories, batches = collector.histories(), collector.batches()
    store(FOLDER / ORCHESTRATIONS, histories, batches)
    print(f"{ORCHESTRATIONS}: {len(histories)} histories, {len(batches)} batches")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable()
    asyncio.run(record())
