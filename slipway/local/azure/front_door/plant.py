"""Puts the Front Doors of the stand-in together: from their configuration, and what is kept of them."""

import asyncio
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

import aiohttp

from slipway.local.azure.clock import Now
from slipway.local.azure.config import FrontDoorConfig, StandinConfig
from slipway.local.azure.faults import Faults
from slipway.local.azure.front_door.api import FrontDoorApi
from slipway.local.azure.front_door.changes import Changes, times_of
from slipway.local.azure.front_door.control import FrontDoorControl
from slipway.local.azure.front_door.edge import Edge, Looks, Origin
from slipway.local.azure.front_door.front_end import EndpointFrontEnd
from slipway.local.azure.front_door.history import EdgeHistory
from slipway.local.azure.front_door.probes import Probes
from slipway.local.azure.front_door.resources import configured
from slipway.local.azure.front_door.store import FrontDoorStore
from slipway.local.azure.front_door.told import ToldHealth
from slipway.local.azure.listening import serve_bare
from slipway.local.azure.logs.edge_log import EdgeServed, Endpoint
from slipway.local.azure.servings import Servings, Stretch


class FrontDoors:
    """`ports` are those of all front ends, by their names in the ready line; `servings` says who served behind them.
    In virtual time nobody is probed: what probes would have found is worked out."""

    def __init__(
        self,
        config: StandinConfig,
        database: sqlite3.Connection,
        now: Now,
        ports: Mapping[str, int],
        servings: Servings,
        virtual_time: bool,
    ) -> None:
        self._config = config
        self._now = now
        self._servings = servings
        self._virtual_time = virtual_time
        self._store = FrontDoorStore(database, now)
        self._told = ToldHealth(database)
        times = {each.name: times_of(each, config.pace, virtual_time) for each in config.front_doors}
        self._changes = Changes(self._store, times, now)
        self._hosts = {name: f"localhost:{port}" for name, port in ports.items()}
        self._edges: dict[str, tuple[int, Edge]] = {}
        self._looks: dict[str, Looks] = {}
        self._histories: dict[str, EdgeHistory] = {}
        self.endpoints = {
            each.name: Endpoint(self._hosts[each.name], self._id(door))
            for door in config.front_doors
            for each in door.endpoints
        }
        names = {host: name for name, host in self._hosts.items()}
        for door in config.front_doors:
            self._store.install(door.name, configured(door, self._hosts, self._id(door)))
            history = EdgeHistory(
                door.name,
                self._store,
                self._told,
                servings,
                lambda origin: names.get(origin.host, origin.host),
                partial(self.edge, door.name),
            )
            self._histories |= {endpoint.name: history for endpoint in door.endpoints}
            self._looks[door.name] = history.looks(now)

    async def start(
        self,
        exit: AsyncExitStack,
        sockets: Mapping[str, socket.socket],
        faults: Faults,
        http: aiohttp.ClientSession,
        told: Callable[[EdgeServed], None],
    ) -> None:
        """Every endpoint on its socket, and the probes of the edge."""
        for profile in self._config.front_doors:
            if not self._virtual_time:
                self._looks[profile.name] = await self._probed(exit, profile, http)
            for each in profile.endpoints:
                front_end = EndpointFrontEnd(
                    each.name,
                    self.endpoints[each.name],
                    partial(self.edge, profile.name),
                    self._looks[profile.name],
                    told,
                    self._now,
                )
                exit.callback(front_end.close)
                await serve_bare(exit, faults.before(front_end.handle, each.name), sockets[each.name])

    def served_between(self, site: str, begins: datetime, ends: datetime) -> list[Stretch]:
        """Who served a site's or an endpoint's users; of virtual time."""
        history = self._histories.get(site)
        return history.between(site, begins, ends) if history else self._servings.between(site, begins, ends)

    def provider(self, base: str) -> FrontDoorApi:
        """What answers for them in Resource Manager; `base` is its address."""
        return FrontDoorApi(self._config, self._store, self._changes, base)

    def control(self) -> FrontDoorControl:
        return FrontDoorControl(
            self._store, self._changes, self._told, self.edge, lambda profile: self._looks[profile], self._now
        )

    def edge(self, profile: str, at: datetime) -> Edge:
        """What the edge knows then. Kept while it stays the same: every request asks."""
        version = self._store.edge_version(profile, at)
        known = self._edges.get(profile)
        if known is None or known[0] != version:
            self._edges[profile] = known = version, Edge.load(self._store.at_edge(profile, at))
        return known[1]

    async def _probed(self, exit: AsyncExitStack, profile: FrontDoorConfig, http: aiohttp.ClientSession) -> Probes:
        """By an edge that looks after its origins until the end."""
        probes = Probes(http, partial(self._edge_now, profile.name), partial(self._told_now, profile.name))
        exit.push_async_callback(_ended, asyncio.create_task(probes.run()))
        return probes

    def _edge_now(self, profile: str) -> Edge:
        return self.edge(profile, self._now())

    def _told_now(self, profile: str, origin: Origin) -> bool | None:
        return self._told.at(profile, origin.path, self._now())

    def _id(self, profile: FrontDoorConfig) -> str:
        group = f"/subscriptions/{self._config.subscription}/resourceGroups/{self._config.resource_group}"
        return f"{group}/providers/Microsoft.Cdn/profiles/{profile.name}"


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
