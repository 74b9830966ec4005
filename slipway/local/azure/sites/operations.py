"""Deployments and swaps: what takes time, one at a time per slot, and never forgotten over a restart."""

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

from slipway.local.azure.crew import Crew
from slipway.local.azure.process import StartFailed
from slipway.local.azure.sites.packages import PackageRefused, Packages
from slipway.local.azure.sites.plant import Plant
from slipway.local.azure.sites.store import Deployment, Operation, SiteStore, SlotName
from slipway.local.azure.unwritable import is_unwritable

# How long each phase takes at least, in seconds; Azure needs minutes.
BUILD_S, START_S, SWAP_S = 0.5, 1.0, 1.0
TRY_AGAIN_S = 0.5  # what the disk did not take

log = logging.getLogger(__name__)
T = TypeVar("T")


class Busy(Exception):
    """Another operation is under way on the slot."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(f"{operation.kind} {operation.id} is under way")
        self.operation = operation


class Operations:
    """`pace` stretches the phases: 1 as above, 0 as fast as the machine can.

    With `looks` an operation is over when it has been looked at so many times, and not before: whoever asks in virtual
    time may let hours pass between two looks, of which none passes here, and what he sees must not depend on how fast
    the machine was.
    """

    def __init__(
        self, store: SiteStore, plant: Plant, packages: Packages, pace: float, looks: int | None = None
    ) -> None:
        self._store = store
        self._plant = plant
        self._packages = packages
        self._pace = pace
        self._looks = looks
        self._looked: dict[str, int] = {}
        self._ripe: dict[str, asyncio.Event] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def deploy(self, name: SlotName, package_uri: str, tag: str | None) -> str:
        """Starts a deployment and answers its id; raises Busy."""
        self.refuse_second(name)
        # Named by place and number: a site that lives the same life again has the same instances again.
        id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/deployments/{len(self._store.deployments(name)) + 1}"))
        self._store.begin_deployment(id, name, package_uri, tag)
        self._carry_out(id)
        return id

    def swap(self, source: SlotName, target: SlotName) -> str:
        """Starts a swap and answers its operation's id; raises Busy."""
        self.refuse_second(source)
        self.refuse_second(target)
        id = str(uuid.uuid4())
        self._store.begin_swap(id, source, target)
        self._carry_out(id)
        return id

    async def stop_slot(self, name: SlotName) -> None:
        """Raises Busy."""
        self.refuse_second(name)
        self._store.set_state(name, "Stopped")
        await self._plant.stop(name)

    async def start_slot(self, name: SlotName) -> None:
        """Raises Busy."""
        self.refuse_second(name)
        self._store.set_state(name, "Running")
        await self._plant.start(name)

    def resume(self) -> None:
        """Carries out again what was under way when the stand-in ended: each step may be done twice."""
        for operation in self._store.in_progress():
            log.info("%s of %s goes on", operation.kind, operation.slot)
            self._carry_out(operation.id)

    async def looked_at(self, name: SlotName) -> None:
        """Somebody is about to hear of the slot; the last of `looks` hears of the end of what is under way there."""
        operation = self._store.in_progress_on(name)
        if operation is not None and self._is_ripe(operation.id) and (task := self._running.get(operation.id)):
            await asyncio.wait([task])

    async def close(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def refuse_second(self, name: SlotName) -> None:
        """Raises Busy when something is under way on the slot."""
        busy = self._store.in_progress_on(name)
        if busy is not None:
            self._is_ripe(busy.id)  # whoever is refused has looked as well
            raise Busy(busy)

    def _is_ripe(self, id: str) -> bool:
        """One look more: whether it was the last that there must be."""
        if self._looks is None or id not in self._ripe:
            return False
        self._looked[id] = self._looked.get(id, 0) + 1
        if self._looked[id] >= self._looks:
            self._ripe[id].set()
        return self._ripe[id].is_set()

    async def _looked_at_enough(self, id: str) -> None:
        if self._looks is not None:
            await self._ripe[id].wait()

    def _carry_out(self, id: str) -> None:
        self._ripe[id] = asyncio.Event()
        self._running[id] = task = asyncio.create_task(self._run(id))
        task.add_done_callback(lambda _: self._forget(id))

    def _forget(self, id: str) -> None:
        del self._running[id], self._ripe[id]
        self._looked.pop(id, None)

    async def _run(self, id: str) -> None:
        """Again from its beginning, as after a restart, for as long as the disk takes nothing."""
        operation = self._store.operation(id)
        assert operation is not None
        while True:
            try:
                return await self._carried_out(operation)
            except (sqlite3.OperationalError, OSError) as error:
                if not is_unwritable(error):
                    raise
                log.error("cannot write the state: %s (%s of %s)", error, operation.kind, operation.slot)
            await asyncio.sleep(TRY_AGAIN_S)

    async def _carried_out(self, operation: Operation) -> None:
        try:
            await (self._deploy(operation) if operation.kind == "deploy" else self._swap(operation))
        except Exception as error:
            if is_unwritable(error):
                raise
            log.exception("%s of %s broke", operation.kind, operation.slot)
            self._store.fail(operation.id, "InternalServerError", f"the stand-in could not carry it out: {error}")

    async def _deploy(self, operation: Operation) -> None:
        deployment = self._store.deployment(operation.id)
        assert deployment is not None
        self._store.advance_deployment(deployment.id, "BuildInProgress")
        try:
            await self._at_least(BUILD_S, lambda: self._packages.fetch(deployment.id, deployment.package_uri))
        except PackageRefused as refusal:
            await self._looked_at_enough(deployment.id)
            self._store.refuse_deployment(deployment.id, "BuildFailed", str(refusal))
            return
        self._store.advance_deployment(deployment.id, "RuntimeStarting")
        try:
            crew = await self._at_least(START_S, lambda: self._plant.launch(deployment.id, deployment.slot.site))
        except StartFailed as failure:
            await self._looked_at_enough(deployment.id)
            self._settle(deployment, None, f"the app did not start: {failure}\n{failure.log_tail}", failure.log_tail)
        else:
            try:
                await self._looked_at_enough(deployment.id)
            except asyncio.CancelledError:
                await crew.stop()
                raise
            self._settle(deployment, crew)

    def _settle(
        self,
        deployment: Deployment,
        crew: Crew | None,
        error: str | None = None,
        log_tail: str | None = None,
    ) -> None:
        former = self._store.slot(deployment.slot).release
        self._store.finish_deployment(deployment, error, log_tail)
        # After a restart in the middle the slot may hold this very release already.
        self._plant.replace(deployment.slot, crew, former if former != deployment.id else None)

    async def _swap(self, operation: Operation) -> None:
        """Exchanges the slots once the source is warm, whatever the target answers.

        App Service gives the target's settings to the source, which restarts, and pings every instance of it; if one
        does not come back, the swap is off. What was the target is restarted only after the exchange, so a release that
        is down does not keep the one before from coming back. By the documents: "What happens during a swap"
        (https://learn.microsoft.com/azure/app-service/deploy-staging-slots) and "Understanding site swaps"
        (https://github.com/projectkudu/kudu/wiki/Understanding-site-swaps). Neither restart is played.
        """
        source, target = operation.slot, operation.target
        assert target is not None
        warm = await self._at_least(SWAP_S, lambda: self._is_warm(source))
        await self._looked_at_enough(operation.id)
        if not warm:
            self._store.fail(
                operation.id,
                "Conflict",
                f"Cannot swap site slots for site '{source.site}' because the '{source.slot}' slot"
                " did not respond to http ping.",
            )
            return
        self._store.finish_swap(operation.id, source, target)
        self._plant.exchange(source, target)

    async def _is_warm(self, name: SlotName) -> bool:
        crew = self._plant.crew(name)
        return crew is not None and await self._plant.warm(crew)

    async def _at_least(self, seconds: float, step: Callable[[], Awaitable[T]]) -> T:
        """The step's answer or failure, not before `seconds` have gone by."""
        clock = asyncio.get_running_loop()
        earliest = clock.time() + seconds * self._pace
        try:
            return await step()
        finally:
            await asyncio.sleep(max(0.0, earliest - clock.time()))
