"""The host is killed at seeded points of a group's switch and of its way back: the end is the same. Its orchestration
is terminated at seeded operations of its locks: the janitor comes, every lock is free again, and the members agree.

GROUP_KILLS says how many for each story (`make chaos` has hundreds), GROUP_SEED which.
"""

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from slipway.adapters.watched import Watched
from slipway.local.functions.durable.engine import DurableEngine, RpcRequest
from slipway.promotion.audit import AuditRecord
from slipway.promotion.plan import StagePlan
from tests.promotion.builders import NOON, a_build, later
from tests.workflow import virtual
from tests.workflow.groups import (
    AFTER,
    BEFORE,
    PRODUCTION,
    a_group,
    a_group_stage,
    a_member_stage,
    a_world,
    check_free,
    live,
    locks,
)
from tests.workflow.janitor_at_work import EngineRuntime
from tests.workflow.kills import Killer, Mortal, same_end_after, to_the_second
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Order, Sides
from triggers.looking_after import Janitor
from triggers.rebuilding import Rows

KILLS = int(os.environ.get("GROUP_KILLS", "5"))
SEED = os.environ.get("GROUP_SEED") or "2033"
KEPT = ("holder", "queue", "announced", "broken", "live", "rejected", "watch")


def turns_bad(flow: Workflow, version: str) -> Any:
    """`version` fails once the stage bakes."""

    async def meanwhile(activity: str, order: Order) -> None:
        if activity == "look_at_live" and stage_state(flow.world, PRODUCTION) == "baking":
            flow.world.sick_live.add(version)

    return meanwhile


async def lived(state: Path, killer: Killer, bad: str, own: bool) -> dict[str, Any]:
    """What is left of a group that is well, or of which a member turns bad in the bake; `own`: a member's own release
    is under way when it comes."""
    sides = {name: Sides(live=version) for name, version in BEFORE.items()}
    world = RampingWorld(sides, keeps_receipts=True)
    async with Mortal(world, str(state), killer) as flow:
        before = await flow.begin(a_build("3.0.5", service="web"), a_member_stage("web", bake_s=300)) if own else ""
        id = await flow.begin(a_group(finished_at=later(hours=1)), a_group_stage(bake_s=60, watch_s=0))
        world.meanwhile = turns_bad(flow, bad) if bad else None
        await flow.over_all_kills(lambda: world.of(id).ended and (not before or world.of(before).ended))
        found, output = await locks(flow), (await flow.status(id))["output"]
    told = {each["id"]: (each.get("stage", ""), each["action"], each["words"]) for each in world.records}
    end = {
        "live": {name: (site.live, site.idle) for name, site in world.sites.items()},
        "told": sorted(each for each in told.values() if each[1] != "stage.waiting-for-the-lock"),
        "locks": {service: {name: lock[name] for name in KEPT} for service, lock in found.items()},
        "output": output,
        "effects": sorted(each for each in world.effects.items() if ":stop-idle:" not in each[0]),  # safe to repeat
    }
    return {name: to_the_second(each) for name, each in end.items()}


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize(
    ("story", "bad", "own"), [("a good group", "", False), ("one of which a member turns bad", AFTER["worker"], False)]
)
async def test_a_kill_anywhere_changes_nothing_of_the_end(tmp_path: Path, story: str, bad: str, own: bool) -> None:
    end = await same_end_after(KILLS, lambda state, killer: lived(state, killer, bad, own), tmp_path, story, SEED)
    assert end["output"]["outcome"] == ("failed" if bad else "passed")
    assert {times for _, times in end["effects"]} == {1}


@pytest.mark.timeout(60 + 10 * KILLS)
async def test_a_kill_while_a_group_waits_for_a_member_or_holds_it_loses_no_lock(tmp_path: Path) -> None:
    """Who comes first may differ, by a kill; who is there in the end may not."""
    calm = Killer(at=-1)
    expected = await lived(tmp_path / "calm.sqlite", calm, "", own=True)
    random = Random(f"{SEED}:waits")
    for number in range(KILLS):
        killer = Killer(random.randint(1, len(calm.seen)), random.random() < 0.5)
        end = await lived(tmp_path / f"{number}.sqlite", killer, "", own=True)
        assert killer.struck.is_set()
        for what in ("live", "output"):
            assert end[what] == expected[what], f"killed at {killer.at} (seed {SEED})"
        for lock in end["locks"].values():
            assert not any(lock[name] for name in ("holder", "queue", "announced", "broken"))
            assert lock["live"]["proven"]


# -- the janitor


class Tables:
    """What the janitor reads: the promotion's rows, and copies of the locks."""

    def __init__(self, flow: Workflow, id: str, stage: StagePlan) -> None:
        self._flow, self._id = flow, id
        self._row = virtual.a_run(a_group(), stage).row()
        self._watched = [Watched(id, id, NOON, a_group().dump())]

    async def watched(self, after: str | None, top: int) -> list[Watched]:
        return [each for each in self._watched if not after]

    async def rows(self, promotion: str) -> Rows:
        kept = self._flow.world.of(promotion)
        intake = {"state": "ended" if kept.ended else "running", "token": kept.token, "received_at": ""}
        return {"intake": intake, "promotion": self._row, **{key: row["doc"] for key, row in kept.rows.items()}}

    async def locks(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [(PRODUCTION, service, lock) for service, lock in (await locks(self._flow)).items() if lock]

    async def behind(self) -> bool:
        return False

    async def unwatch(self, instance: str) -> None:
        self._watched = []

    async def audit(self, promotion: str, record: AuditRecord) -> None: ...


class Runtime(EngineRuntime):
    async def nudge(self, waiters: list[str]) -> None:
        for waiter in waiters:
            await virtual.raise_nudge(self._flow.engine, waiter)


class AtALock:
    """Ends `instance` from outside at the operation of a lock with that number; counts them."""

    def __init__(self, at: int, instance: str) -> None:
        self.at, self.instance, self.seen, self.operations = at, instance, 0, list[list[str]]()
        self._tasks = set[asyncio.Task[Any]]()
        self._engine: DurableEngine | None = None

    def sees_episode(self, engine: DurableEngine, body: str) -> None:
        self._engine = engine

    def sees_batch(self, entity: str, body: str) -> None:
        if entity != "environment" or self._engine is None:
            return
        self.seen += 1
        self.operations.append([each["name"] for each in json.loads(body)["batch"]])
        if self.seen == self.at:
            path = f"instances/{self.instance}/terminate"
            asked = RpcRequest("POST", path, {"reason": "by hand"}, {})
            self._tasks.add(asyncio.get_running_loop().create_task(self._engine.handle(asked)))


async def over(flow: Workflow, id: str) -> bool:
    held = any(lock.get("holder") for lock in (await locks(flow)).values())
    return flow.world.of(id).ended and not flow.engine._store.live_instances() and not held


async def swept(at: int, bad: str, heir_at: int = 0) -> tuple[list[list[str]], dict[str, str], dict[str, Any]]:
    """The operations of locks, batch by batch, what is live in the end, and the locks. With `heir_at` who stands in its
    place is ended, too, so many operations later."""
    stage = a_group_stage(bake_s=60)
    async with Workflow(a_world(keeps_receipts=True)) as flow:
        flow.world.meanwhile = turns_bad(flow, bad) if bad else None
        id = a_group().promotion
        ender = AtALock(at, f"{id}:{PRODUCTION}")
        heirs = AtALock(at + heir_at if heir_at else 0, f"{id}:{PRODUCTION}:sweep")
        virtual.watchers.extend([ender, heirs])
        try:
            await flow.begin(a_group(), stage)
            janitor = Janitor(Runtime(flow, set()), Tables(flow, id, stage))
            for _ in range(400):
                await flow.engine.until_idle()
                if await over(flow, id):
                    break
                soon = flow.clock.now() + timedelta(minutes=1)
                flow.clock.advance_to(min(soon, flow.engine.next_due() or soon))
                await flow.engine.until_idle()
                if at:
                    await janitor.look(flow.clock.now())
            assert flow.world.of(id).ended, f"never over: {flow.engine._store.live_instances()}"
        finally:
            virtual.watchers.remove(ender)
            virtual.watchers.remove(heirs)
        await check_free(flow)
        virtual.stepped_into.clear()  # an orchestration that is ended from outside leaves what it began
        return ender.operations, live(flow.world), await locks(flow)


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize("bad", ["", AFTER["worker"]])
async def test_wherever_a_group_is_ended_from_outside_its_locks_come_free_and_its_members_agree(bad: str) -> None:
    seen, expected, _ = await swept(0, bad)
    count = len(seen)
    assert expected == (BEFORE if bad else AFTER)
    points = Random(f"{SEED}:{bad}").sample(range(1, count + 1), min(count, max(KILLS, 5)))
    for at in points:
        _, served, found = await swept(at, bad)
        assert served in (BEFORE, AFTER), f"ended at operation {at} of {count}: {served}"
        for service, lock in found.items():
            said = lock["live"]["version"] if lock.get("live") else ""
            version = {**AFTER, "suite": "2026.48"}[service] if served == AFTER else ""
            assert said == version, f"ended at operation {at} of {count}: the ledger of {service} says {said}"


async def test_a_group_that_is_ended_while_it_gives_its_locks_back_stays_what_it_had_come_to() -> None:
    """Its own lock comes first: who does not hold it any more is over, and the rest is given back as that was."""
    seen, _, _ = await swept(0, "")
    first, *more = [number for number, names in enumerate(seen, 1) if "release" in names]
    assert len(more) == len(AFTER)
    for at in more:
        _, served, found = await swept(at, "")
        assert served == AFTER, f"ended at operation {at}, after {first}"
        assert all(lock["live"]["proven"] for lock in found.values())


@pytest.mark.timeout(60 + 10 * KILLS)
async def test_an_heir_that_is_ended_while_it_takes_the_locks_over_has_an_heir_of_its_own() -> None:
    count = len((await swept(0, ""))[0])
    random = Random(f"{SEED}:heirs")
    for _ in range(max(KILLS, 5)):
        at, heir_at = random.randint(2, count), random.randint(1, 6)
        _, served, _ = await swept(at, "", heir_at)
        assert served in (BEFORE, AFTER), f"ended at {at} and {heir_at} later: {served}"
