"""The revisions that run: a crew and a front end of its own for each, and who gets what share of the app's requests."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from aiohttp import web

from slipway.local.azure.container_apps.store import AppStore, Revision
from slipway.local.azure.crew import Crew, instance_names
from slipway.local.azure.listening import Listeners, serve_bare
from slipway.local.azure.passing import pass_on
from slipway.local.azure.process import StartFailed
from slipway.local.azure.registry.images import Images, ImageUnknown
from slipway.local.azure.servings import Serving
from slipway.local.azure.sites.packages import PackageRefused, Packages
from slipway.local.azure.sites.store import SlotName
from slipway.local.azure.watching import Watching

log = logging.getLogger(__name__)
NOT_FOUND = "<html><body><h1>Error 404 - This Container App is stopped or does not exist.</h1></body></html>"
UNAVAILABLE = "upstream connect error or disconnect/reset before headers"


class Fleet:
    """Front ends follow new weights after `delay_s`; `on_change` hears of the app."""

    def __init__(
        self,
        store: AppStore,
        packages: Packages,
        images: Images,
        listeners: Listeners,
        watching: Watching,
        replicas: int,
        delay_s: float,
    ) -> None:
        self._store = store
        self._packages = packages
        self._images = images
        self._listeners = listeners
        self._watching = watching
        self._replicas = replicas
        self._delay_s = delay_s
        self.on_change: Callable[[str], None] = lambda _: None
        self._crews: dict[str, Crew] = {}
        self._ports: dict[str, int] = {}
        self._weights: dict[str, list[tuple[int, str]]] = {}
        self._serving = AsyncExitStack()

    async def open(self, revision: Revision) -> None:
        """Give the revision its own address and, when it is active, run it."""
        if revision.name not in self._ports:
            listener = self._listeners.listen(revision.name, 0, f"revision {revision.name}")
            self._ports[revision.name] = listener.getsockname()[1]
            await serve_bare(self._serving, partial(self._answered, revision.app, revision.name), listener)
        if revision.active:
            await self.start(revision)

    async def start(self, revision: Revision) -> None:
        """Runs it, if it does not yet; how that ended is the revision's state."""
        if revision.name in self._crews:
            return
        try:
            package = self._pulled(revision)
            self._crews[revision.name] = await Crew.start(package, instance_names(revision.name, self._replicas))
            self._store.set_state(revision, "Provisioned")
        except PackageRefused as refusal:
            self._store.set_state(revision, "Failed", f"Failed to pull image '{revision.image}': {refusal}")
        except StartFailed as failure:
            words = f"Container crashing: {failure}\n{failure.log_tail}"
            self._store.set_state(revision, "Failed", words)
        self.on_change(revision.app)

    async def stop(self, revision: Revision) -> None:
        crew = self._crews.pop(revision.name, None)
        self.on_change(revision.app)
        if crew is not None:
            await crew.stop()

    def follow(self, app: str, weights: list[tuple[int, str]], at_once: bool = False) -> None:
        """Divide the app's requests by these weights (whole percent, and a revision's name)."""

        def apply() -> None:
            self._weights[app] = weights
            self.on_change(app)

        if self._delay_s and not at_once:
            asyncio.get_running_loop().call_later(self._delay_s, apply)
        else:
            apply()

    def port(self, revision: str) -> int:
        return self._ports[revision]

    def crew(self, revision: str) -> Crew | None:
        return self._crews.get(revision)

    def shares(self, app: str) -> list[Serving]:
        """Who serves what share of the app. A revision that does not run is left out."""
        return [
            Serving(crew.played.service, crew.played.version, weight / 100, crew.instances, crew.played.faults, name)
            for weight, name in self._weights.get(app, ())
            if weight and (crew := self._crews.get(name)) is not None
        ]

    async def handle(self, app: str, request: web.BaseRequest) -> web.StreamResponse:
        """A request to the app's address: drawn by weight, whoever sends it."""
        weighted = self._weights.get(app, [])
        if not weighted:
            return web.Response(status=404, text=NOT_FOUND, content_type="text/html")
        (name,) = random.choices([name for _, name in weighted], [weight for weight, _ in weighted])
        return await self._answered(app, name, request)

    async def close(self) -> None:
        await self._serving.aclose()
        await asyncio.gather(*(crew.stop() for crew in self._crews.values()))

    async def _answered(self, app: str, revision: str, request: web.BaseRequest) -> web.StreamResponse:
        where, crew = SlotName(app, revision), self._crews.get(revision)
        at, began = self._watching.now(), asyncio.get_running_loop().time()
        worker = crew.next() if crew else None
        if crew is None or worker is None:
            self._watching.found_nobody(where, 503, at)
            return web.Response(status=503, text=UNAVAILABLE)
        passed = await pass_on(request, worker)
        took_s = asyncio.get_running_loop().time() - began
        self._watching.served(where, crew.played, worker.instance, request.path, passed, at, took_s)
        return passed.response

    def _pulled(self, revision: Revision) -> Path:
        """The image's package. Raises PackageRefused."""
        try:
            content = self._images.package(revision.image)
        except ImageUnknown as unknown:
            raise PackageRefused("MANIFEST_UNKNOWN: manifest unknown") from unknown
        return self._packages.install(revision.name, content)
