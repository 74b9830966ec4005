"""Puts the clusters of the stand-in together: from their configuration, and what is kept of them."""

import asyncio
import hashlib
import socket
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.aks.api import ClustersApi
from slipway.local.azure.aks.commands import Commands
from slipway.local.azure.aks.documents import Documents
from slipway.local.azure.aks.helm import Helm
from slipway.local.azure.aks.kubectl import Kubectl
from slipway.local.azure.aks.kubernetes_api import KubernetesApi
from slipway.local.azure.aks.patches import Patches
from slipway.local.azure.aks.pods import INSTANCE, Pods
from slipway.local.azure.aks.store import ClusterStore, Deployment, Key, Record, Service
from slipway.local.azure.authority import Authority
from slipway.local.azure.clock import stamp
from slipway.local.azure.config import ClusterConfig, ReleaseConfig, StandinConfig
from slipway.local.azure.faults import Faults
from slipway.local.azure.listening import Listeners, port_of, serve, serve_bare
from slipway.local.azure.registry.images import Images
from slipway.local.azure.servings import Servings
from slipway.local.azure.sites.packages import Packages
from slipway.local.azure.tokens import Tokens
from slipway.local.azure.watching import Watching

SIDES = ("blue", "green")


@dataclass(frozen=True)
class ClusterSockets:
    """`servers` are the API servers' by cluster, `front_ends` those of users and of each side, by their names."""

    servers: dict[str, socket.socket]
    front_ends: dict[str, socket.socket]

    @classmethod
    def open(cls, config: StandinConfig, listeners: Listeners, any_ports: bool) -> "ClusterSockets":
        servers, front_ends = {}, {}
        for cluster in config.clusters:
            key = f"{cluster.name} API server"
            servers[cluster.name] = listeners.listen(key, 0 if any_ports else cluster.port, key)
            for name, port in cluster.front_ends.items():
                front_ends[name] = listeners.listen(name, 0 if any_ports else port, f"release {name}")
        return cls(servers, front_ends)


class Told(BaseModel):
    """What happens to a cluster: `unschedulable` of its next commands find no node, or all are `held`
    until it is told something else; the release's side is `pending`
    with that status since `age_s`, as Helm leaves it when its pod is killed, or all that Helm knows of it is
    `forgotten`; a Service's selector was `edited`."""

    model_config = ConfigDict(extra="forbid")
    cluster: str
    unschedulable: int = Field(default=0, ge=0)
    held: bool = False
    release: str = ""
    namespace: str = ""
    pending: str = ""
    age_s: float = 0.0
    edited: dict[str, str] = {}
    forgotten: bool = False


class Clusters:
    PATH = "/standin/clusters"

    def __init__(
        self,
        config: StandinConfig,
        database: sqlite3.Connection,
        packages: Packages,
        images: Images,
        watching: Watching,
        state: Path,
        registry: str,
        looks: int,
        tokens: Tokens,
    ) -> None:
        """`state` is the stand-in's folder. `looks`: in virtual time, after how many something that takes a while
        shows; else 0."""
        pace, delay_s = (0.0, 0.0) if looks else (config.pace, config.router_delay_s)
        self._config = config
        self._looks = looks
        self._now = watching.now
        self._store = ClusterStore(database, watching.now)
        self._pods = Pods(self._store, packages, images, watching, pace, delay_s, looks)
        self._helm = Helm(self._store, self._pods, config.charts, config.instances, registry, tokens)
        self._documents = Documents(self._store, self._pods, virtual=bool(looks))
        self._patches = Patches(self._store, self._pods)
        kubectl = Kubectl(self._documents, self._patches)
        digest = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"slipway-aks-{digest}"
        self._commands = Commands(self._store, self._helm, kubectl, folder)

    async def start(
        self,
        exit: AsyncExitStack,
        sockets: ClusterSockets,
        faults: Faults,
        tokens: Tokens,
        authority: Authority,
        servings: Servings,
    ) -> None:
        """Every configured release, with its live side when it is seen for the first time; all that ran before."""
        if not self._config.clusters:
            return
        exit.push_async_callback(self._pods.close)
        await self._commands.open(exit)
        self._pods.on_change = partial(self._note, servings)
        await asyncio.gather(*(self._pods.resume(key) for key in self._store.all(Deployment)))
        releases = [(cluster, each) for cluster in self._config.clusters for each in cluster.releases]
        await asyncio.gather(*(self._install(cluster, each) for cluster, each in releases))
        for cluster, each in releases:
            key = Key(cluster.name, each.namespace, each.name)
            self._note(servings, key)
            choices: dict[str, Callable[[], Key | None]] = {"": partial(self._pods.behind, key)}
            choices |= {f"-{side}": partial(_itself, key._replace(name=f"{key.name}-{side}")) for side in SIDES}
            for suffix, choose in choices.items():
                name = f"{key.cluster}-{key.name}{suffix}"
                handle = faults.before(partial(self._pods.handle, name, choose), name)
                await serve_bare(exit, handle, sockets.front_ends[name])
        for name, listener in sockets.servers.items():
            application = web.Application(middlewares=[faults.middleware])
            application.add_routes(KubernetesApi(name, self._documents, self._patches, tokens).routes())
            await serve(exit, application, listener, authority.server_context())

    def _note(self, servings: Servings, service: Key) -> None:
        """Who serves the users of a Service, and whoever is sent to one of its sides."""
        servings.note(f"{service.cluster}-{service.name}", self._pods.shares(service))
        for side in SIDES:
            of_side = service._replace(name=f"{service.name}-{side}")
            servings.note(f"{of_side.cluster}-{of_side.name}", self._pods.alone(of_side))

    def provider(self, base: str, tokens: Tokens, authority: Authority, sockets: ClusterSockets) -> ClustersApi:
        """What answers for them in Resource Manager; `base` is its address."""
        ports = {name: port_of(listener) for name, listener in sockets.servers.items()}
        parts = self._store, self._commands, tokens, base, ports
        return ClustersApi(self._config, *parts, authority.ca.read_bytes, self._looks)

    def routes(self) -> list[web.RouteDef]:
        return [web.post(self.PATH, self.tell)]

    async def tell(self, request: web.Request) -> web.Response:
        """400 for what cannot be understood."""
        try:
            told = Told.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        self._commands.unschedulable = told.unschedulable
        self._commands.hold(told.held)
        key = Key(told.cluster, told.namespace, told.release)
        if told.forgotten:
            self._store.forget_records(key)
        if told.pending:
            self._leave_pending(key, told)
        if told.edited and (before := self._store.service(key)) is not None:
            after = replace(before, selector={**before.selector, **told.edited}, version=before.version + 1)
            self._store.put(key, after)
            self._pods.follow(key, after)
        return web.Response(status=204)

    def _leave_pending(self, key: Key, told: Told) -> None:
        records = self._store.records(key)
        at = stamp(self._now().fromtimestamp(self._now().timestamp() - told.age_s, self._now().tzinfo))
        last = records[-1].revision if records else 0
        preparing = "Preparing upgrade" if records else "Initial install underway"
        chart = records[-1].chart if records else "chart"
        self._store.put_record(key, Record(last + 1, told.pending, preparing, at, chart, {}))

    async def _install(self, cluster: ClusterConfig, release: ReleaseConfig) -> None:
        service = Key(cluster.name, release.namespace, release.name)
        if self._store.service(service) is not None:
            return
        selector = {"app": release.name}
        if release.live is not None:
            side = service._replace(name=f"{release.name}-{release.side}")
            values = {"image": {"repository": self._config.repository_of(release.live.service)}}
            values["image"]["tag"] = release.live.version
            self._helm.install(side, f"{release.name}-{release.live.version}", values, "Install complete")
            await self._pods.rolled(side)
            if (deployed := self._store.deployment(side)) is not None:
                self._store.put(side, replace(deployed, looks=0))
            selector[INSTANCE] = side.name
        self._store.put(service, Service(selector, selector))


def _itself(key: Key) -> Key:
    return key
