"""Resource Manager for record sets of Azure DNS (Microsoft.Network/dnsZones, api-version 2018-05-01). Its errors are
flat, `{"code", "message"}`; a write with an etag counts only when nobody wrote since."""

import re
from collections.abc import Mapping

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from slipway.local.azure.arm import ArmError, lies_in, not_implemented, parsed
from slipway.local.azure.config import DnsZoneConfig, StandinConfig
from slipway.local.azure.dns.store import Document, Key, RecordStore, Stale

RECORD = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network/dnsZones/(?P<zone>[^/]+)"
    r"/(?P<type>CNAME|A|AAAA)/(?P<name>[^/]+)",
    re.IGNORECASE,
)


class DnsError(ArmError):
    """DNS's own shape, flat."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.response = web.json_response({"code": code, "message": message}, status=status)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Cname(_Part):
    cname: str = Field(min_length=1, max_length=254)


class Resource(_Part):
    id: str | None = None


class Properties(_Part):
    TTL: int | None = Field(default=None, ge=1, le=2_147_483_647)
    CNAMERecord: Cname | None = None
    targetResource: Resource | None = None
    metadata: dict[str, str] | None = None


class RecordChange(_Part):
    properties: Properties


class DnsApi:
    """`ports` are those of the names' front ends."""

    def __init__(self, config: StandinConfig, store: RecordStore, ports: Mapping[str, int]) -> None:
        self._config = config
        self._zones = {each.name.lower(): each for each in config.dns_zones}
        self._store = store
        self._ports = ports

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.Network's DNS; as `arm.Provider` has it."""
        found = RECORD.fullmatch(rest)
        if found is None:
            return None
        zone = self._zones.get(found["zone"].lower())
        if zone is None or not lies_in(request, self._config.group):
            message = f"The Resource 'Microsoft.Network/dnszones/{found['zone']}' was not found."
            raise DnsError(404, "ResourceNotFound", message)
        key = Key.of(zone.name, found["type"], found["name"])
        try:
            if request.method == "PATCH":
                self._change(key, await request.read(), request.headers.get("If-Match"))
            elif request.method != "GET":
                raise not_implemented(request)
            return web.json_response(self._shown(zone, key))
        except KeyError as error:
            message = f"The resource record '{found['name']}' does not exist in resource group '{found['group']}'."
            raise DnsError(404, "NotFound", message) from error

    def _change(self, key: Key, body: bytes, if_match: str | None) -> None:
        kept, _ = self._store.record(key)
        try:
            asked = parsed(RecordChange, body).properties.model_dump(exclude_none=True)
        except ValueError as error:
            raise DnsError(400, "BadRequest", str(error)) from error
        alias = (asked.get("targetResource") or kept.get("targetResource") or {}).get("id")
        if "CNAMERecord" in asked and (alias or key.type != "CNAME"):
            message = f"The record '{key.name}' cannot have both a target resource and records of its own."
            raise DnsError(400, "BadRequest", message)
        if alias:
            kept.pop("CNAMERecord", None)
        try:
            self._store.change(key, {**kept, **asked}, if_match)
        except Stale as stale:
            message = f"The condition '{if_match}' in the If-Match header was not satisfied."
            message += f" The current was '{stale.etag}'."
            raise DnsError(412, "PreconditionFailed", message) from stale

    def _shown(self, zone: DnsZoneConfig, key: Key) -> Document:
        properties, etag = self._store.record(key)
        front_end = next(each for each in zone.records if Key.of(zone.name, each.type, each.name) == key)
        return {
            "id": f"{self._config.group}/providers/Microsoft.Network/dnszones/{zone.name}/{key.type}/{key.name}",
            "name": key.name,
            "type": f"Microsoft.Network/dnszones/{key.type}",
            "etag": etag,
            "properties": {
                "fqdn": f"localhost:{self._ports[zone.host_of(front_end)]}.",
                "targetResource": {},
                **properties,
                "provisioningState": "Succeeded",
            },
        }
