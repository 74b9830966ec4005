"""Puts the Traffic Manager profiles of the stand-in together, and answers as their name servers do."""

import random
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

import aiohttp

from slipway.local.azure.clock import Now
from slipway.local.azure.config import StandinConfig, TrafficManagerConfig
from slipway.local.azure.faults import Faults
from slipway.local.azure.following import Following
from slipway.local.azure.listening import serve_bare
from slipway.local.azure.resolving import NameFrontEnd, Resolved
from slipway.local.azure.traffic_manager.api import TrafficManagerApi
from slipway.local.azure.traffic_manager.health import DEGRADED, Health
from slipway.local.azure.traffic_manager.store import ProfileStore


class TrafficManagers:
    """`ports` are those of all front ends, by their names in the ready line. Raises KeyError for an endpoint that leads
    to none of them."""

    def __init__(
        self,
        config: StandinConfig,
        database: sqlite3.Connection,
        now: Now,
        ports: Mapping[str, int],
        http: aiohttp.ClientSession,
    ) -> None:
        self._config = config
        self._now = now
        self._ports = ports
        self._store = ProfileStore(database)
        self._health = {
            each.name: Health(http, each.probe_path, each.probe_interval_s, each.tolerated_failures, now)
            for each in config.traffic_managers
        }
        self._leads = {
            (profile.name, each.name): ports[each.to]
            for profile in config.traffic_managers
            for each in profile.endpoints
        }
        for profile in config.traffic_managers:
            properties = {"ttl": profile.ttl_s, "method": profile.method, "status": "Enabled"}
            endpoints = {
                each.name: {"weight": each.weight, "status": "Enabled" if each.enabled else "Disabled"}
                for each in profile.endpoints
            }
            self._store.install(profile.name, properties, endpoints)

    async def start(
        self, exit: AsyncExitStack, sockets: Mapping[str, socket.socket], faults: Faults, following: Following
    ) -> None:
        """Every profile's name on its socket."""
        self._store.on_change = following.note
        for profile in self._config.traffic_managers:
            following.follow(profile.name, partial(self._shares, profile))
            front_end = NameFrontEnd(profile.name, partial(self.answer, profile.name), profile.resolvers, self._now)
            exit.callback(front_end.close)
            await serve_bare(exit, faults.before(front_end.handle, profile.name), sockets[profile.name])

    async def answer(self, name: str) -> Resolved:
        """What the name servers of a profile say now: one of the endpoints that are well, by weight; of all where none
        is."""
        profile = next(each for each in self._config.traffic_managers if each.name == name)
        kept = self._store.profile(name)
        weights, well = {}, {}
        for each in profile.endpoints:
            endpoint, port = self._store.endpoint(name, each.name), self._leads[name, each.name]
            if kept["status"] != "Enabled" or endpoint["status"] != "Enabled":
                continue
            weights[port] = endpoint["weight"]
            if await self._health[name].status(each.name, port, enabled=True) != DEGRADED:
                well[port] = endpoint["weight"]
        drawn = well or weights
        leads_to = random.choices(list(drawn), list(drawn.values()))[0] if drawn else None
        return Resolved(leads_to, kept["ttl"])

    def _shares(self, profile: TrafficManagerConfig) -> dict[str, float]:
        """What its weights give each front end, by its name; whoever is known to be ill has nothing."""
        kept = {each: self._store.endpoint(profile.name, each.name) for each in profile.endpoints}
        on = {each: found["weight"] for each, found in kept.items() if found["status"] == "Enabled"}
        health = self._health[profile.name]
        well = {each: weight for each, weight in on.items() if health.last(each.name, True) != DEGRADED} or on
        shares = dict.fromkeys((each.to for each in profile.endpoints), 0.0)
        for each, weight in well.items():
            shares[each.to] += weight / sum(well.values())
        return shares

    def provider(self) -> TrafficManagerApi:
        """What answers for them in Resource Manager."""
        return TrafficManagerApi(self._config, self._store, self._health, self._ports, self._leads)
