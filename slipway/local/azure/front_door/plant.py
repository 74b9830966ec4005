"""Puts the Front Doors of the stand-in together: from their configuration, and what is kept of them."""

import sqlite3
from collections.abc import Mapping

from slipway.local.azure.clock import Now
from slipway.local.azure.config import StandinConfig
from slipway.local.azure.front_door.api import FrontDoorApi
from slipway.local.azure.front_door.changes import Changes, times_of
from slipway.local.azure.front_door.resources import configured
from slipway.local.azure.front_door.store import FrontDoorStore


class FrontDoors:
    """`ports` are those of all front ends, by their names in the ready line."""

    def __init__(
        self,
        config: StandinConfig,
        database: sqlite3.Connection,
        now: Now,
        ports: Mapping[str, int],
        virtual_time: bool,
    ) -> None:
        self._config = config
        self._store = FrontDoorStore(database, now)
        times = {each.name: times_of(each, config.pace, virtual_time) for each in config.front_doors}
        self._changes = Changes(self._store, times, now)
        hosts = {name: f"localhost:{port}" for name, port in ports.items()}
        group = f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}"
        for each in config.front_doors:
            id = f"{group}/providers/Microsoft.Cdn/profiles/{each.name}"
            self._store.install(each.name, configured(each, hosts, id))

    def provider(self, base: str) -> FrontDoorApi:
        """What answers for them in Resource Manager; `base` is its address."""
        return FrontDoorApi(self._config, self._store, self._changes, base)
