"""The sections `traffic-manager` and `dns` of a target: what sends its users to one of its two sides."""

import re
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema, model_validator

from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.target_section import TargetSection
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal
from slipway.promotion.pipeline.vocabulary import HttpPath, WebAddress

_GROUP = r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourceGroups/[-\w.()]{1,90}/providers/"
_PROFILE = re.compile(
    rf"{_GROUP}Microsoft\.Network/trafficManagerProfiles/[a-z0-9](?:[-a-z0-9]{{0,61}}[a-z0-9])?\Z",
    re.IGNORECASE | re.ASCII,
)
_RECORD = re.compile(
    rf"{_GROUP}Microsoft\.Network/dnsZones/[-a-z0-9.]{{1,253}}/(CNAME|A|AAAA)/(?:@|[-_*a-z0-9.]{{1,253}})\Z",
    re.IGNORECASE | re.ASCII,
)
_RESOURCE = re.compile(rf"{_GROUP}[a-z.]+(?:/[^/\s]+){{2,}}\Z", re.IGNORECASE | re.ASCII)
_ENDPOINT = "[A-Za-z0-9]([-_.A-Za-z0-9]{0,258}[A-Za-z0-9])?"
_HOST = re.compile(r"(?=.{3,253}\Z)(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}\.?\Z", re.IGNORECASE)


def _profile(text: str) -> str:
    if _PROFILE.match(text):
        return text
    form = "/subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Network/trafficManagerProfiles/<name>"
    raise refusal("INVALID_RESOURCE", f"{quoted(text)} is not the resource id of a Traffic Manager profile: {form}")


def _record(text: str) -> str:
    if _RECORD.match(text):
        return text
    form = "/subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Network/dnsZones/<zone>/CNAME/<name>"
    words = f"{quoted(text)} is not the resource id of a CNAME, A or AAAA record: {form}"
    raise refusal("INVALID_RESOURCE", words)


def _named(text: str) -> str:
    if is_id(text) and not _RESOURCE.match(text):
        raise refusal("INVALID_RESOURCE", f"{quoted(text)} is not a resource id")
    if not is_id(text) and not _HOST.match(text):
        words = f"{quoted(text)} is neither a name such as blue.shop.example nor the id of a resource"
        raise refusal("INVALID_NAME", words)
    return text


def is_id(text: str) -> bool:
    """Whether a record names a side by a resource, as an alias does."""
    return text.startswith("/")


ProfileId = Annotated[
    str,
    AfterValidator(_profile),
    WithJsonSchema({"type": "string", "pattern": "^/subscriptions/.+/traffic[Mm]anager[Pp]rofiles/[^/]+$"}),
]
RecordId = Annotated[
    str,
    AfterValidator(_record),
    WithJsonSchema({"type": "string", "pattern": "^/subscriptions/.+/dns[Zz]ones/[^/]+/[^/]+/[^/]+$"}),
]
EndpointName = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{_ENDPOINT}$"})]
SideName = Annotated[str, AfterValidator(_named), WithJsonSchema({"type": "string", "minLength": 3})]
Ttl = Annotated[float, BeforeValidator(between("1s", "1h")), DURATION_SCHEMA]


class Addresses(Section):
    """Where users and sides are reached, where the name that Azure knows is not the one to ask."""

    called: ClassVar[str] = "addresses"

    users: WebAddress | None = key("Web address of the users.", None)
    blue: WebAddress | None = key("Web address of the blue side, whoever has the users.", None)
    green: WebAddress | None = key("Web address of the green side, whoever has the users.", None)


class TrafficManager(TargetSection):
    """Two endpoints of a Traffic Manager profile, one for each side."""

    called: ClassVar[str] = "a traffic-manager section"

    profile: ProfileId = key("Resource id of the profile; it routes by weight.")
    blue: EndpointName = key("Name of the blue side's endpoint.")
    green: EndpointName = key("Name of the green side's endpoint.")
    addresses: Addresses | None = key("Where users and sides are reached; else as the profile says.", None)
    version_path: HttpPath = key("Path that answers the version that runs.", "/version")

    @model_validator(mode="after")
    def _are_two(self) -> Self:
        for name in (self.blue, self.green):
            if not re.fullmatch(_ENDPOINT, name, re.ASCII):
                raise refusal("INVALID_NAME", f"{quoted(name)} is not the name of an endpoint")
        _check_sides(self.blue, self.green, "two endpoints")
        return self


class Dns(TargetSection):
    """A record of Azure DNS that names one side: all users or none."""

    called: ClassVar[str] = "a dns section"

    record: RecordId = key("Resource id of the CNAME, A or AAAA record; the latter two are aliases.")
    blue: SideName = key("What the record says for the blue side: a name, or of an alias the id of a resource.")
    green: SideName = key("What the record says for the green side.")
    ttl: Ttl = key("How long resolvers may keep an answer; a longer TTL is brought down before a switch.", "30s")
    addresses: Addresses | None = key("Where users and sides are reached; an alias needs both sides'.", None)
    version_path: HttpPath = key("Path that answers the version that runs.", "/version")

    @model_validator(mode="after")
    def _fits_its_record(self) -> Self:
        _check_sides(self.blue, self.green, "two names or resources")
        alias = is_id(self.blue)
        if alias != is_id(self.green):
            words = "both sides are said by names, or both by ids of resources: a switch makes no alias of a name"
            raise refusal("CONFLICTING_KEYS", words)
        if not alias and "/CNAME/" not in self.record.upper():
            words = "an A or AAAA record says a side by the id of a resource, as an alias; names belong in a CNAME"
            raise refusal("CONFLICTING_KEYS", words)
        if alias and not (self.addresses and self.addresses.blue and self.addresses.green):
            words = 'sides that are said by ids of resources need "addresses" with blue and green'
            raise refusal("MISSING_KEY", words)
        return self


def _check_sides(blue: str, green: str, are: str) -> None:
    """Azure's names differ in more than the size of their letters."""
    if blue.lower().rstrip(".") == green.lower().rstrip("."):
        raise refusal("CONFLICTING_KEYS", f"blue and green are {are}")
