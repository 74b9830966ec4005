"""The plant behind the sites: which release runs in which slot."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import aiohttp

from slipway.local.azure.config import StandinConfig
from slipway.local.azure.crew import Crew, instance_names
from slipway.local.azure.process import StartFailed, Worker
from slipway.local.azure.sites.packages import Packages
from slipway.local.azure.sites.store import SiteStore, SlotName

WARM_UP_PATH = "/healthz"
WARM_UP_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class Plant:
    """Crews by slot. Changing one is a plain assignment: a request sees the one before or the one after. `on_change`
    hears of the site. What a slot holds when the plant starts runs at once, or, of a site that is not `always_on` and
    where nobody sends requests (`quiet`), when the first one comes."""

    def __init__(
        self, store: SiteStore, packages: Packages, http: aiohttp.ClientSession, config: StandinConfig, quiet: bool
    ) -> None:
        self._store = store
        self._packages = packages
        self._http = http
        self._instances = config.instances
        self._regions = {site.name: site.location for site in config.sites}
        self._on_demand = {site.name for site in config.sites if quiet or not site.always_on}
        self.on_change: Callable[[str], None] = lambda _: None
        self._crews: dict[SlotName, Crew] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def crew(self, name: SlotName) -> Crew | None:
        """None: nothing is deployed there, it is stopped, or it could not start."""
        return self._crews.get(name)

    async def launch(self, release: str, site: str) -> Crew:
        """Runs a release whose package is there, in no slot of the site yet. Raises StartFailed."""
        return await Crew.start(*self._manned(release, site))

    def _manned(self, release: str, site: str) -> tuple[Path, list[str], str]:
        return self._packages.at(release), instance_names(release, self._instances), self._regions[site]

    async def start(self, name: SlotName) -> None:
        """Runs what the slot holds; a release that cannot start leaves the slot dark, as it was before."""
        slot = self._store.slot(name)
        if slot.state != "Running" or slot.release is None or name in self._crews:
            return
        try:
            self._crews[name] = crew = Crew.asleep(*self._manned(slot.release, name.site))
            if name.site not in self._on_demand:
                await crew.wake()
        except StartFailed as failure:
            log.warning("%s stays dark: %s", name, failure)
            del self._crews[name]
        self.on_change(name.site)

    async def stop(self, name: SlotName) -> None:
        crew = self._crews.pop(name, None)
        self.on_change(name.site)
        if crew is not None:
            await crew.stop()

    async def wake(self, crew: Crew) -> None:
        """Back when it runs, if it can."""
        try:
            await crew.wake()
        except StartFailed as failure:
            log.warning("%s %s stays dark: %s", crew.played.service, crew.played.version, failure)

    async def warm(self, crew: Crew) -> bool:
        """Whether every instance answers at all: as on App Service, any status counts."""
        await self.wake(crew)
        return all(await asyncio.gather(*(self._warm(worker) for worker in crew.workers)))

    async def _warm(self, worker: Worker) -> bool:
        deadline = asyncio.get_running_loop().time() + WARM_UP_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline:
            if worker.door is not None:
                try:
                    url = f"http://127.0.0.1:{worker.door.port}{WARM_UP_PATH}"
                    async with self._http.get(url, timeout=aiohttp.ClientTimeout(total=WARM_UP_TIMEOUT_S)):
                        return True
                except (aiohttp.ClientError, TimeoutError) as error:
                    log.info("%s does not answer yet: %s", url, error)
            await asyncio.sleep(0.1)
        return False

    def replace(self, name: SlotName, crew: Crew | None, former_release: str | None) -> None:
        """Puts the crew into the slot; the former one ends when its requests have, and its package goes."""
        former = self._crews.pop(name, None)
        if crew is not None:
            self._crews[name] = crew
        self.on_change(name.site)
        task = asyncio.create_task(self._retire(former, former_release))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def exchange(self, one: SlotName, other: SlotName) -> None:
        moving, replaced = self._crews.pop(one, None), self._crews.pop(other, None)
        if moving is not None:
            self._crews[other] = moving
        if replaced is not None:
            self._crews[one] = replaced
        self.on_change(one.site)

    async def close(self) -> None:
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await asyncio.gather(*(crew.stop() for crew in self._crews.values()))

    async def _retire(self, crew: Crew | None, release: str | None) -> None:
        if crew is not None:
            await crew.stop()
        if release is not None:
            self._packages.remove(release)
