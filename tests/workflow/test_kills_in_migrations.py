"""The host is killed anywhere while a database is expanded and contracted, and the end is the same."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.kills import Killer, Mortal, same_end_after
from tests.workflow.test_migrations import NEW, OLD, a_world, build, production

KILLS = int(os.environ.get("MIGRATION_KILLS", "4"))
SEED = os.environ.get("MIGRATION_SEED") or "2036"


async def lived(state: Path, killer: Killer) -> dict[str, Any]:
    """What is left of a release whose database was expanded and contracted."""
    there = a_world(keeps_receipts=True)
    async with Mortal(there, str(state), killer) as flow:
        for built in (build("1.0.0", OLD), build("2.0.0", NEW, 1)):
            id = await flow.begin(built, production())
            await flow.over_all_kills(lambda id=id: there.of(id).ended)
        await flow.over_all_kills(lambda: "watch.contracted" in [each["action"] for each in there.records])
        await flow.engine.until_idle()
        lock = await flow.lock("production")
    told = sorted((record.get("stage", ""), record["action"], record["words"]) for record in there.records)
    kept = {name: lock[name] for name in ("holder", "queue", "broken", "watch", "releases", "schema")}
    end = {"told": told, "lock": kept, "ran": [(name, run.env["SLIPWAY_SCHEMA_TO"]) for name, run, _ in there.ran]}
    timeless: dict[str, Any] = json.loads(re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+Z", "then", json.dumps(end)))
    return timeless


@pytest.mark.timeout(60 + 10 * KILLS)
async def test_a_host_killed_anywhere_migrates_once_and_comes_to_the_same_end(tmp_path: Path) -> None:
    end = await same_end_after(KILLS, lived, tmp_path, "a database expanded and contracted", SEED)
    assert end["ran"] == [["expand", "13"], ["contract", "14"]] and end["lock"]["schema"]["version"] == 14
