"""The plant behind the sites: which worker runs in which slot."""

import asyncio
import logging

import aiohttp

from slipway.local.azure.sites.packages import Packages
from slipway.local.azure.sites.process import StartFailed, Worker
from slipway.local.azure.sites.store import SiteStore, SlotName

WARM_UP_PATH = "/healthz"
WARM_UP_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class Plant:
    """Workers by slot. Changing one is a plain assignment: a request sees the one before or the one after."""

    def __init__(self, store: SiteStore, packages: Packages, http: aiohttp.ClientSession) -> None:
        self._store = store
        self._packages = packages
        self._http = http
        self._workers: dict[SlotName, Worker] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def worker(self, name: SlotName) -> Worker | None:
        """None: nothing is deployed there, it is stopped, or it could not start."""
        return self._workers.get(name)

    async def start(self, name: SlotName) -> None:
        """Runs what the slot holds; a release that cannot start leaves the slot dark, as it was before."""
        slot = self._store.slot(name)
        if slot.state != "Running" or slot.release is None or name in self._workers:
            return
        try:
            self._workers[name] = await Worker.start(self._packages.at(slot.release))
        except StartFailed as failure:
            log.warning("%s stays dark: %s", name, failure)

    async def stop(self, name: SlotName) -> None:
        worker = self._workers.pop(name, None)
        if worker is not None:
            await worker.stop()

    async def warm(self, worker: Worker) -> bool:
        """Whether it answers at all: as on App Service, any status counts."""
        deadline = asyncio.get_running_loop().time() + WARM_UP_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline:
            if worker.port is not None:
                try:
                    url = f"http://127.0.0.1:{worker.port}{WARM_UP_PATH}"
                    async with self._http.get(url, timeout=aiohttp.ClientTimeout(total=WARM_UP_TIMEOUT_S)):
                        return True
                except (aiohttp.ClientError, TimeoutError) as error:
                    log.info("%s does not answer yet: %s", url, error)
            await asyncio.sleep(0.1)
        return False

    def replace(self, name: SlotName, worker: Worker | None, former_release: str | None) -> None:
        """Puts the worker into the slot; the former one ends when its requests have, and its package goes."""
        former = self._workers.pop(name, None)
        if worker is not None:
            self._workers[name] = worker
        task = asyncio.create_task(self._retire(former, former_release))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def exchange(self, one: SlotName, other: SlotName) -> None:
        moving, replaced = self._workers.pop(one, None), self._workers.pop(other, None)
        if moving is not None:
            self._workers[other] = moving
        if replaced is not None:
            self._workers[one] = replaced

    async def close(self) -> None:
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))

    async def _retire(self, worker: Worker | None, release: str | None) -> None:
        if worker is not None:
            await worker.stop()
        if release is not None:
            self._packages.remove(release)
