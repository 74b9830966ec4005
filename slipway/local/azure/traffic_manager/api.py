"""Resource Manager for Traffic Manager (Microsoft.Network/trafficManagerProfiles, api-version 2026-09-01): profiles
with their endpoints, to be read and changed. A change is in effect when it is answered."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from slipway.local.azure.arm import ArmError, lies_in, not_implemented, parsed, resource_not_found
from slipway.local.azure.config import StandinConfig, TrafficManagerConfig, TrafficManagerEndpointConfig
from slipway.local.azure.traffic_manager.health import CHECKING, DEGRADED, DISABLED, ONLINE, Health
from slipway.local.azure.traffic_manager.store import Document, ProfileStore

PROFILE = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network/trafficManagerProfiles/(?P<profile>[^/]+)"
    r"(?:/(?P<kind>[^/]+)/(?P<endpoint>[^/]+))?",
    re.IGNORECASE,
)
OnOff = Literal["Enabled", "Disabled"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EndpointProperties(_Part):
    weight: Annotated[int, Field(ge=1, le=1000)] | None = None
    endpointStatus: OnOff | None = None


class EndpointChange(_Part):
    properties: EndpointProperties


class DnsConfig(_Part):
    ttl: Annotated[int, Field(ge=0, le=2_147_483_647)]


class ProfileProperties(_Part):
    dnsConfig: DnsConfig | None = None
    trafficRoutingMethod: Literal["Weighted", "Priority", "Performance", "Geographic"] | None = None
    profileStatus: OnOff | None = None


class ProfileChange(_Part):
    properties: ProfileProperties


class TrafficManagerApi:
    """`leads`: the ports behind endpoints, by the names of profile and endpoint."""

    def __init__(
        self,
        config: StandinConfig,
        store: ProfileStore,
        health: Mapping[str, Health],
        ports: Mapping[str, int],
        leads: Mapping[tuple[str, str], int],
    ) -> None:
        self._config = config
        self._profiles = {each.name.lower(): each for each in config.traffic_managers}
        self._store = store
        self._health = health
        self._ports = ports
        self._leads = leads

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.Network's Traffic Manager; as `arm.Provider` has it."""
        found = PROFILE.fullmatch(rest)
        if found is None:
            return None
        profile = self._profiles.get(found["profile"].lower())
        if profile is None or not lies_in(request, self._config.group):
            raise resource_not_found(f"Microsoft.Network/trafficManagerProfiles/{found['profile']}", found["group"])
        if found["endpoint"] is None:
            return await self._of_profile(request, profile)
        endpoint = next((each for each in profile.endpoints if each.name.lower() == found["endpoint"].lower()), None)
        if endpoint is None or endpoint.kind.lower() != found["kind"].lower():
            message = f"The endpoint '{found['endpoint']}' of '{profile.name}' could not be found."
            raise ArmError(404, "NotFound", message)
        return await self._of_endpoint(request, profile, endpoint)

    async def _of_profile(self, request: web.Request, profile: TrafficManagerConfig) -> web.Response:
        if request.method == "PATCH":
            asked = _asked(ProfileChange, await request.read()).properties
            told = {"method": asked.trafficRoutingMethod, "status": asked.profileStatus}
            told |= {"ttl": asked.dnsConfig.ttl} if asked.dnsConfig else {}
            self._store.change_profile(profile.name, {key: value for key, value in told.items() if value is not None})
        elif request.method != "GET":
            raise not_implemented(request)
        kept = self._store.profile(profile.name)
        endpoints = [await self._shown(profile, each, look=request.method == "GET") for each in profile.endpoints]
        return web.json_response(
            {
                "id": self._id(profile),
                "name": profile.name,
                "type": "Microsoft.Network/trafficManagerProfiles",
                "location": "global",
                "tags": {},
                "properties": {
                    "profileStatus": kept["status"],
                    "trafficRoutingMethod": kept["method"],
                    "dnsConfig": {
                        "relativeName": profile.name,
                        "fqdn": f"localhost:{self._ports[profile.name]}",
                        "ttl": kept["ttl"],
                    },
                    "monitorConfig": {
                        "profileMonitorStatus": _of_all(endpoints, kept["status"]),
                        "protocol": "HTTP",
                        "port": 80,
                        "path": profile.probe_path,
                        "intervalInSeconds": max(10, round(profile.probe_interval_s)),
                        "timeoutInSeconds": 9,
                        "toleratedNumberOfFailures": profile.tolerated_failures,
                    },
                    "endpoints": endpoints,
                    "trafficViewEnrollmentStatus": "Disabled",
                },
            }
        )

    async def _of_endpoint(
        self, request: web.Request, profile: TrafficManagerConfig, endpoint: TrafficManagerEndpointConfig
    ) -> web.Response:
        if request.method == "PATCH":
            asked = _asked(EndpointChange, await request.read()).properties
            told = {"weight": asked.weight, "status": asked.endpointStatus}
            changed = {key: value for key, value in told.items() if value is not None}
            self._store.change_endpoint(profile.name, endpoint.name, changed)
        elif request.method != "GET":
            raise not_implemented(request)
        return web.json_response(await self._shown(profile, endpoint, look=request.method == "GET"))

    async def _shown(
        self, profile: TrafficManagerConfig, endpoint: TrafficManagerEndpointConfig, look: bool
    ) -> Document:
        kept, port = self._store.endpoint(profile.name, endpoint.name), self._leads[profile.name, endpoint.name]
        health, enabled = self._health[profile.name], kept["status"] == "Enabled"
        status = await health.status(endpoint.name, port, enabled) if look else health.last(endpoint.name, enabled)
        return {
            "id": f"{self._id(profile)}/{endpoint.kind}/{endpoint.name}",
            "name": endpoint.name,
            "type": f"Microsoft.Network/trafficManagerProfiles/{endpoint.kind}",
            "properties": {
                "endpointStatus": kept["status"],
                "endpointMonitorStatus": status,
                "target": f"localhost:{port}",
                "weight": kept["weight"],
                "priority": 1,
                "endpointLocation": "West Europe",
                "alwaysServe": "Disabled",
            },
        }

    def _id(self, profile: TrafficManagerConfig) -> str:
        return f"{self._config.group}/providers/Microsoft.Network/trafficManagerProfiles/{profile.name}"


def _of_all(endpoints: list[Document], status: str) -> str:
    found = {each["properties"]["endpointMonitorStatus"] for each in endpoints}
    if status == DISABLED:
        return DISABLED
    if found <= {DISABLED}:
        return "Inactive"
    if DEGRADED in found:
        return DEGRADED
    return ONLINE if ONLINE in found else f"{CHECKING}s"


def _asked(model: type[Any], body: bytes) -> Any:
    try:
        return parsed(model, body)
    except ValueError as error:
        raise ArmError(400, "BadRequest", str(error)) from error
