"""A record set of Azure DNS as Resource Manager shows it (azure-mgmt-dns, api 2018-05-01).

A PATCH answers 200 at once and counts only when nobody wrote since the etag; the name servers follow within a minute.
An alias names a resource instead of a name, and stays one. Everything here raises AzureProblem for what Azure says.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import explained
from slipway.adapters.credentials import management_client
from slipway.adapters.once import once_per_process
from slipway.adapters.sides import BLUE, GREEN, address_of, invalid, resource_of, section_of, version_path_of
from slipway.promotion.plan import Target
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.mgmt.dns import DnsManagementClient

SECTION = "dns"
OLD_TTL_UNTIL = "slipway-old-ttl-until"
_READS: dict[str, Any] = {"retry_total": 2, "retry_status": 0}  # lost connections are tried again, refusals are not
_TYPES = ("CNAME", "A", "AAAA")


@dataclass(frozen=True)
class Place:
    """A record set, and what it says for each side: a name, or the id of a resource. `ttl_s` is how long answers may
    live from before a switch on."""

    subscription: str
    group: str
    zone: str
    type: str
    name: str
    sides: dict[str, str]
    ttl_s: float
    section: dict[str, Any] = field(default_factory=dict)

    @property
    def version_path(self) -> str:
        """Where a release says which version it is."""
        return version_path_of(self.section)

    @property
    def called(self) -> str:
        return self.zone if self.name == "@" else f"{self.name}.{self.zone}"

    def side_at(self, points_at: str) -> str:
        """The side that the record names so; "" for neither."""
        return next((side for side, each in self.sides.items() if _same(each) == _same(points_at)), "")


@dataclass(frozen=True)
class Shown:
    """The record now. `points_at` is "" while it says nothing; of several plain addresses it is all of them.
    `old_ttl_until` is the moment until which resolvers may hold answers of a longer TTL, as whoever lowered it noted
    in `metadata`; "" for never."""

    etag: str
    ttl_s: float
    points_at: str
    alias: bool
    host: str
    in_progress: bool
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def old_ttl_until(self) -> str:
        return self.metadata.get(OLD_TTL_UNTIL, "")


def place_of(target: Target) -> Place:
    """The place that the target's section names. Raises AzureProblem."""
    section = section_of(target, SECTION)
    id = str(section.get("record", ""))
    type = "".join(id.upper().rstrip("/").split("/")[-2:-1])
    if type not in _TYPES:
        raise invalid(f"target {target.name}: {id} is not the resource id of a record of {', '.join(_TYPES)}")
    found = resource_of(target, id, "dnsZones", type)
    sides = {side: str(section.get(side, "")) for side in (BLUE, GREEN)}
    ttl_s = float(section.get("ttl") or 30)
    return Place(found.subscription, found.group, found.path[1], type, found.path[3], sides, ttl_s, section)


class Record:
    """Small reads and writes of one record set."""

    def __init__(self, settings_: Settings, place: Place) -> None:
        self._settings, self._place = settings_, place

    @property
    def client(self) -> "DnsManagementClient":
        return _client(self._settings, self._place.subscription)

    def show(self) -> Shown:
        place = self._place
        with explained():
            found = self.client.record_sets.get(place.group, place.zone, place.name, place.type, **_READS)
        alias = str(found.target_resource.id or "") if found.target_resource else ""
        named = str(found.cname_record.cname or "") if found.cname_record else ""
        addresses = [each.ipv4_address for each in found.a_records or ()]
        addresses += [each.ipv6_address for each in found.aaaa_records or ()]
        return Shown(
            etag=str(found.etag or ""),
            ttl_s=float(found.ttl or 0),
            points_at=alias or named or ", ".join(map(str, addresses)),
            alias=bool(alias),
            host=str(found.fqdn or "").rstrip("."),
            in_progress=str(found.provisioning_state or "Succeeded") not in ("Succeeded", "Failed"),
            metadata=dict(found.metadata or {}),
        )

    def write(self, shown: Shown, points_at: str = "", old_ttl_until: str = "") -> None:
        """One PATCH, tried once, of the record as it was shown: it names `points_at` ("" leaves that as it is), and
        answers live for no longer than the section's TTL. `old_ttl_until` is noted where it is given."""
        place = self._place
        properties: dict[str, Any] = {"TTL": int(min(shown.ttl_s, place.ttl_s))}
        if old_ttl_until:
            properties["metadata"] = {**shown.metadata, OLD_TTL_UNTIL: old_ttl_until}
        if points_at and is_id(points_at):
            properties["targetResource"] = {"id": points_at}
        elif points_at:
            properties["CNAMERecord"] = {"cname": points_at}
        body: Any = {"properties": properties}
        with explained():
            self.client.record_sets.update(
                place.group, place.zone, place.name, place.type, body, if_match=shown.etag, retry_total=0
            )

    def address(self, name: str, host: str) -> str:
        return address_of(self._place.section, name, "" if is_id(host) else host, self._settings)


def is_id(text: str) -> bool:
    """Whether a side is said by the id of a resource, so that its record is an alias."""
    return text.startswith("/")


def _same(named: str) -> str:
    """Names and ids do not differ by the size of letters, nor names by a dot at their end."""
    return named.lower().rstrip("./")


@once_per_process
def _client(settings_: Settings, subscription: str) -> "DnsManagementClient":
    from azure.mgmt.dns import DnsManagementClient

    return management_client(DnsManagementClient, settings_, subscription)
