"""Puts the DNS zones of the stand-in together, and answers as their name servers do."""

import socket
import sqlite3
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

from slipway.local.azure.clock import Now
from slipway.local.azure.config import DnsRecordConfig, DnsZoneConfig, StandinConfig
from slipway.local.azure.dns.api import DnsApi
from slipway.local.azure.dns.store import Document, Key, RecordStore
from slipway.local.azure.faults import Faults
from slipway.local.azure.following import Following
from slipway.local.azure.listening import serve_bare
from slipway.local.azure.resolving import NameFrontEnd, Resolved

REAL_PROPAGATION_S, VIRTUAL_PROPAGATION_S = 0.5, 30.0


class DnsZones:
    """`ports` are those of all front ends, by their names in the ready line. Raises KeyError for an address that is
    none of theirs."""

    def __init__(
        self,
        config: StandinConfig,
        database: sqlite3.Connection,
        now: Now,
        ports: Mapping[str, int],
        virtual_time: bool,
    ) -> None:
        self._config = config
        self._now = now
        self._ports = ports
        usual_s = VIRTUAL_PROPAGATION_S if virtual_time else REAL_PROPAGATION_S
        propagation_s = {
            each.name.lower(): usual_s if each.propagation_s is None else each.propagation_s
            for each in config.dns_zones
        }
        self._store = RecordStore(database, now, propagation_s)
        self._leads = {
            zone.name: {_plain(name): to for name, to in zone.addresses.items()} for zone in config.dns_zones
        }
        for to in (each for leads in self._leads.values() for each in leads.values()):
            ports[to]  # or it would be found out when somebody asks
        self._hosts = {
            Key.of(zone.name, each.type, each.name): zone.host_of(each)
            for zone in config.dns_zones
            for each in zone.records
        }
        for zone in config.dns_zones:
            for record in zone.records:
                self._store.install(Key.of(zone.name, record.type, record.name), _properties(record))

    async def start(
        self, exit: AsyncExitStack, sockets: Mapping[str, socket.socket], faults: Faults, following: Following
    ) -> None:
        """Every record's name on its socket."""
        self._store.on_change = lambda key: following.note(self._hosts[key])
        for zone in self._config.dns_zones:
            for record in zone.records:
                host = zone.host_of(record)
                following.follow(host, partial(self._shares, zone, record))
                front_end = NameFrontEnd(host, partial(self.answer, zone, record), zone.resolvers, self._now)
                exit.callback(front_end.close)
                await serve_bare(exit, faults.before(front_end.handle, host), sockets[host])

    async def answer(self, zone: DnsZoneConfig, record: DnsRecordConfig) -> Resolved:
        """What the name servers of a zone say of a record now."""
        said = self._store.said(Key.of(zone.name, record.type, record.name))
        front_end = self._leads[zone.name].get(_named(said), "")
        return Resolved(self._ports.get(front_end), said["TTL"])

    def _shares(self, zone: DnsZoneConfig, record: DnsRecordConfig) -> dict[str, float]:
        kept, _ = self._store.record(Key.of(zone.name, record.type, record.name))
        front_end = self._leads[zone.name].get(_named(kept), "")
        return {each: float(each == front_end) for each in self._leads[zone.name].values()}

    def provider(self) -> DnsApi:
        """What answers for them in Resource Manager."""
        return DnsApi(self._config, self._store, self._ports)


def _named(said: Document) -> str:
    """What a record names."""
    alias, cname = said.get("targetResource") or {}, said.get("CNAMERecord") or {}
    return _plain(str(alias.get("id") or cname.get("cname") or ""))


def _plain(name: str) -> str:
    return name.lower().rstrip("./")


def _properties(record: DnsRecordConfig) -> Document:
    if record.points_at.startswith("/"):
        return {"TTL": record.ttl_s, "targetResource": {"id": record.points_at}}
    return {"TTL": record.ttl_s, "CNAMERecord": {"cname": record.points_at}}
