"""Endpoints of a Traffic Manager profile as Resource Manager shows them (azure-mgmt-trafficmanager, api 2026-09-01).

A PATCH of an endpoint answers 200 at once, and the name servers have it then; there is no etag. Whoever asked before
keeps the old answer for the profile's TTL. Everything here raises AzureProblem for what Azure says.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import FaultKind, explained, unreadable
from slipway.adapters.credentials import management_client
from slipway.adapters.once import once_per_process
from slipway.adapters.sides import (
    BLUE,
    GREEN,
    address_of,
    invalid,
    other_side,
    resource_of,
    section_of,
    version_path_of,
)
from slipway.adapters.traffic_manager.weights import Pair, Weight
from slipway.promotion.plan import Target
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.mgmt.trafficmanager import TrafficManagerManagementClient

SECTION = "traffic-manager"
REFUSED = {FaultKind.DENIED, FaultKind.MISSING, FaultKind.INVALID}
_READS: dict[str, Any] = {"retry_total": 2, "retry_status": 0}  # lost connections are tried again, refusals are not
_ILL = ("Degraded", "Stopped", "Inactive")
_UNSURE = ("CheckingEndpoint", "Disabled")


@dataclass(frozen=True)
class Place:
    """A profile, and the endpoint of each side by name."""

    subscription: str
    group: str
    profile: str
    endpoints: dict[str, str]
    section: dict[str, Any] = field(default_factory=dict)

    @property
    def version_path(self) -> str:
        """Where a release says which version it is."""
        return version_path_of(self.section)


@dataclass(frozen=True)
class Endpoint:
    """`kind` as an address has it, such as ExternalEndpoints; `health` is what probes found."""

    name: str
    kind: str
    target: str
    weight: Weight
    health: str

    @property
    def ill(self) -> bool:
        """Whether Traffic Manager keeps it out of its answers, as long as others are well."""
        return self.health in _ILL

    @property
    def unsure(self) -> bool:
        """Whether it was not probed yet."""
        return self.health in _UNSURE


@dataclass(frozen=True)
class Shown:
    """A profile as it is now: `sides` are our endpoints, `others` the names of further ones that are on."""

    host: str
    ttl_s: float
    method: str
    enabled: bool
    sides: dict[str, Endpoint]
    others: tuple[str, ...]

    def pair(self, side: str) -> Pair:
        """The weights as they were set."""
        return Pair(self.sides[side].weight, self.sides[other_side(side)].weight)

    def met(self, side: str) -> float:
        """The share (0..1) of a side in what is answered now: an ill endpoint has none while the other one is well."""
        return self._answered(side).share

    @property
    def most(self) -> str:
        """The side that most users are sent to; "" when both are off."""
        if not any(each.weight.enabled for each in self.sides.values()):
            return ""
        return BLUE if self.met(BLUE) >= 0.5 else GREEN

    @property
    def warning(self) -> str:
        """What probes found that people should know, or ""."""
        on = [each for each in self.sides.values() if each.weight.enabled]
        ill = [each for each in on if each.ill]
        if on and len(ill) == len(on):
            return f"every endpoint that is on is {ill[0].health}, so Traffic Manager answers with all of them"
        return "; ".join(f"{each.name} is {each.health}, its users are sent to the other side" for each in ill)

    def _answered(self, side: str) -> Pair:
        mine, other = self.sides[side], self.sides[other_side(side)]
        if mine.ill and other.weight.enabled and not other.ill:
            return Pair(Weight(1, False), other.weight)
        if other.ill and mine.weight.enabled and not mine.ill:
            return Pair(mine.weight, Weight(1, False))
        return Pair(mine.weight, other.weight)


def place_of(target: Target) -> Place:
    """The place that the target's section names. Raises AzureProblem."""
    section = section_of(target, SECTION)
    found = resource_of(target, str(section.get("profile", "")), "trafficManagerProfiles")
    endpoints = {side: str(section.get(side, "")) for side in (BLUE, GREEN)}
    return Place(found.subscription, found.group, found.path[1], endpoints, section)


class Profile:
    """Small reads and writes of one profile."""

    def __init__(self, settings_: Settings, place: Place) -> None:
        self._settings, self._place = settings_, place

    @property
    def client(self) -> "TrafficManagerManagementClient":
        return _client(self._settings, self._place.subscription)

    def show(self) -> Shown:
        """The profile now. Raises AzureProblem, also for one that does not divide by weights or is off."""
        place = self._place
        with explained():
            found = self.client.profiles.get(place.group, place.profile, **_READS)
        if not hasattr(found, "as_dict"):
            raise unreadable("Profile")
        properties = dict(found.as_dict().get("properties") or {})
        dns = properties.get("dnsConfig") or {}
        endpoints = {each.name.lower(): each for each in map(_endpoint, properties.get("endpoints") or ())}
        ours = {name.lower() for name in place.endpoints.values()}
        shown = Shown(
            host=str(dns.get("fqdn") or ""),
            ttl_s=float(dns.get("ttl") or 0),
            method=str(properties.get("trafficRoutingMethod") or ""),
            enabled=str(properties.get("profileStatus") or "Enabled") == "Enabled",
            sides={side: self._of(endpoints, name) for side, name in place.endpoints.items()},
            others=tuple(each.name for name, each in endpoints.items() if name not in ours and each.weight.enabled),
        )
        if shown.method != "Weighted":
            words = (
                f"the profile {place.profile} routes by {shown.method or 'nothing'}, and only Weighted knows weights"
            )
            raise invalid(words, "RoutingMethod")
        if not shown.enabled:
            raise invalid(f"the profile {place.profile} is disabled: nobody is answered", "ProfileDisabled")
        return shown

    def write(self, endpoint: Endpoint, weight: Weight) -> None:
        """One PATCH, tried once: it may have been taken, and whoever asks again looks first."""
        body: Any = {
            "properties": {"weight": weight.value, "endpointStatus": "Enabled" if weight.enabled else "Disabled"}
        }
        place = self._place
        with explained():
            self.client.endpoints.update(place.group, place.profile, endpoint.kind, endpoint.name, body, retry_total=0)

    def address(self, name: str, host: str) -> str:
        return address_of(self._place.section, name, host, self._settings)

    def _of(self, found: dict[str, Endpoint], name: str) -> Endpoint:
        if name.lower() in found:
            return found[name.lower()]
        raise invalid(f"the profile {self._place.profile} has no endpoint {name}", "EndpointMissing")


def _endpoint(found: dict[str, Any]) -> Endpoint:
    properties = dict(found.get("properties") or {})
    kind = str(found.get("type") or "").rpartition("/")[2]
    on = str(properties.get("endpointStatus") or "Enabled") == "Enabled"
    return Endpoint(
        name=str(found.get("name") or ""),
        kind=kind[:1].upper() + kind[1:],
        target=str(properties.get("target") or ""),
        weight=Weight(int(properties.get("weight") or 1), on),
        health=str(properties.get("endpointMonitorStatus") or ""),
    )


@once_per_process
def _client(settings_: Settings, subscription: str) -> "TrafficManagerManagementClient":
    from azure.mgmt.trafficmanager import TrafficManagerManagementClient

    return management_client(TrafficManagerManagementClient, settings_, subscription)
