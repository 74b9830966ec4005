"""A release's watch after its stage, ended from outside: it begins again, or a person hears that nobody watches."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.watched import Watched
from slipway.local.functions.durable.engine import RpcRequest
from slipway.promotion.audit import AuditRecord
from tests.promotion.builders import a_build
from tests.workflow.janitor_at_work import EngineRuntime
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_ramp import SITES, flow, live, production, world
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides
from triggers.looking_after import Janitor
from triggers.rebuilding import Rows
from triggers.version import orchestrations_version

__all__ = ["flow"]


class OneLock:
    """The tables as far as a watch is concerned: the copy of production's lock, and the audit."""

    def __init__(self, flow: Workflow) -> None:
        self._flow = flow
        self.audited: list[AuditRecord] = []
        self.newer_package = False

    async def watched(self, after: str | None, top: int) -> list[Watched]:
        return []

    async def rows(self, promotion: str) -> Rows:
        raise AssertionError("a watch is not rebuilt from rows")

    async def locks(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [("production", "checkout", await self._flow.lock("production"))]

    async def behind(self) -> bool:
        return self.newer_package

    async def unwatch(self, instance: str) -> None:
        raise AssertionError("a watch is known by its lock")

    async def audit(self, promotion: str, record: AuditRecord) -> None:
        self.audited.append(record)


@pytest.fixture
async def watch(flow: Workflow) -> str:
    """The id of the watch of 2.0.0, which has been live for an hour."""
    await flow.until_ended(await flow.promote(a_build("2.0.0"), production(watch_s=86_400)))
    proven = flow.clock.now()
    await flow.until(lambda: flow.clock.now() >= proven + timedelta(hours=1))
    return str((await flow.lock("production"))["watch"]["id"])


async def ended(flow: Workflow, instance: str, how: str) -> EngineRuntime:
    runtime = EngineRuntime(flow, set())
    await runtime.terminate(instance, "by hand")
    if how == "purge":
        await flow.engine.handle(RpcRequest("DELETE", f"instances/{instance}", {}, {}))
        assert await runtime.found(instance) is None
    return runtime


async def test_a_watch_that_was_terminated_begins_again_and_still_finds_harm(flow: Workflow, watch: str) -> None:
    runtime, records = await ended(flow, watch, "terminate"), OneLock(flow)
    await Janitor(runtime, records).look(flow.clock.now())
    world(flow).turns_bad = 5.0
    await flow.until(lambda: live(flow) == {"1.0.0"})
    assert records.audited == []


async def test_of_a_watch_that_was_purged_a_person_hears_once(flow: Workflow, watch: str) -> None:
    runtime, records = await ended(flow, watch, "purge"), OneLock(flow)
    janitor = Janitor(runtime, records)
    for minutes in (0, 4, 8, 12):
        await janitor.look(flow.clock.now() + timedelta(minutes=minutes))
    assert [(each.action, each.evidence["code"]) for each in records.audited] == [("watch.lost", "WATCH_LOST")]
    assert "nobody watches" in records.audited[0].words


async def test_a_watch_that_waits_for_a_newer_package_is_left_alone_and_goes_on_with_it(tmp_path: Path) -> None:
    """An older package was deployed: its runtime does not touch what a newer one began."""
    there = RampingWorld({name: Sides() for name in SITES})
    async with Workflow(there, str(tmp_path / "hub.sqlite")) as flow:
        await flow.until_ended(await flow.promote(a_build("2.0.0"), production(watch_s=86_400)))
        watch = str((await flow.lock("production"))["watch"]["id"])
        await flow.restart("0.0.1")
        runtime, records = EngineRuntime(flow, set()), OneLock(flow)
        records.newer_package, janitor = True, Janitor(runtime, records)
        for _ in range(5):
            flow.clock.advance_to(flow.clock.now() + timedelta(hours=1))
            await flow.engine.until_idle()
            await janitor.look(flow.clock.now())
        found = await runtime.found(watch)
        assert found and found.status == "Running" and records.audited == []
        await flow.restart(orchestrations_version())
        there.turns_bad = 5.0
        await flow.until(lambda: live(flow) == {"1.0.0"})


async def test_a_watch_that_goes_on_is_left_alone(flow: Workflow, watch: str) -> None:
    runtime, records = EngineRuntime(flow, set()), OneLock(flow)
    await Janitor(runtime, records).look(flow.clock.now())
    found = await runtime.found(watch)
    assert found and found.status == "Running" and records.audited == []
