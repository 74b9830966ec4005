"""Puts the container apps of the stand-in together: from their configuration, and what is kept of them."""

import asyncio
import socket
import sqlite3
from contextlib import AsyncExitStack
from functools import partial

from slipway.local.azure.config import ContainerAppConfig, StandinConfig
from slipway.local.azure.container_apps.api import ContainerAppsApi
from slipway.local.azure.container_apps.fleet import Fleet
from slipway.local.azure.container_apps.store import AppStore, Document
from slipway.local.azure.container_apps.updates import Updates, weights_of
from slipway.local.azure.faults import Faults
from slipway.local.azure.listening import Listeners, port_of, serve_bare
from slipway.local.azure.registry.images import Images
from slipway.local.azure.servings import Servings
from slipway.local.azure.sites.packages import Packages
from slipway.local.azure.watching import Watching


class ContainerApps:
    """In virtual time an update takes none of its own, and new weights are in effect at once."""

    def __init__(
        self,
        config: StandinConfig,
        database: sqlite3.Connection,
        packages: Packages,
        images: Images,
        listeners: Listeners,
        watching: Watching,
        virtual_time: bool,
    ) -> None:
        delay_s, pace = (0.0, 0.0) if virtual_time else (config.router_delay_s, config.pace)
        self._config = config
        self._virtual_time = virtual_time
        self._store = AppStore(database, watching.now)
        self._fleet = Fleet(self._store, packages, images, listeners, watching, config.instances, delay_s)
        self._updates = Updates(self._store, self._fleet, pace)

    async def start(
        self, exit: AsyncExitStack, sockets: dict[str, socket.socket], faults: Faults, servings: Servings
    ) -> None:
        """Every configured app, with its live release when it is seen for the first time; all active revisions."""
        exit.push_async_callback(self._fleet.close)
        exit.push_async_callback(self._updates.close)
        apps = [app.name for app in self._config.container_apps]
        for each in self._config.container_apps:
            self._install(each)
        revisions = [revision for app in apps for revision in self._store.revisions(app)]
        await asyncio.gather(*(self._fleet.open(revision) for revision in revisions))
        self._fleet.on_change = lambda app: servings.note(app, self._fleet.shares(app))
        for app in apps:
            self._fleet.follow(app, weights_of(self._store.app(app)), at_once=True)
            await serve_bare(exit, faults.before(partial(self._fleet.handle, app), app), sockets[app])

    def resume(self) -> None:
        """Goes on with what was under way when the stand-in ended."""
        self._updates.resume()

    def provider(self, base: str, sockets: dict[str, socket.socket]) -> ContainerAppsApi:
        """What answers for them in Resource Manager; `base` is its address."""
        ports = {app: port_of(listener) for app, listener in sockets.items()}
        return ContainerAppsApi(self._config, self._store, self._fleet, self._updates, base, ports, self._virtual_time)

    def _install(self, app: ContainerAppConfig) -> None:
        image = f"{self._config.repository_of(app.live.service)}:{app.live.version}"
        suffix = app.suffix or f"v{app.live.version.replace('.', '-')}"
        replicas = self._config.instances
        template: Document = {
            "revisionSuffix": suffix,
            "containers": [{"name": app.live.service, "image": image, "resources": {"cpu": 0.25, "memory": "0.5Gi"}}],
            "scale": {"minReplicas": replicas, "maxReplicas": replicas},
        }
        name = f"{app.name}--{suffix}"
        ingress = {"external": True, "targetPort": 8080, "traffic": [{"revisionName": name, "weight": 100}]}
        configuration = {"activeRevisionsMode": app.mode, "ingress": ingress}
        self._store.add_app(app.name, {"configuration": configuration, "template": template})
        if self._store.app(app.name).latest is None:
            self._store.add_revision(app.name, name, template)
