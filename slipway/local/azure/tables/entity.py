"""Entities as the Table service keeps them: named properties, each with its EDM type."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import quote

# Python forms of Edm.String and Guid, Int32 and Int64, Double, Boolean, DateTime, Binary.
Value: TypeAlias = str | int | float | bool | datetime | bytes
Json: TypeAlias = str | int | float | bool | None

TYPE = "@odata.type"
TYPES = frozenset(
    f"Edm.{name}" for name in ("String", "Int32", "Int64", "Double", "Boolean", "DateTime", "Guid", "Binary")
)
# What JSON itself tells apart needs no annotation (odata=minimalmetadata).
PLAIN = frozenset(("Edm.String", "Edm.Int32", "Edm.Boolean"))
SYSTEM = frozenset(("PartitionKey", "RowKey", "Timestamp"))

# Limits of the service ("Understanding the Table service data model").
MOST_PROPERTIES = 252
LARGEST_PROPERTY = 64 * 1024
LARGEST_ENTITY = 1024 * 1024
LARGEST_KEY = 1024
FORBIDDEN_IN_KEYS = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
TICKS = 10_000_000  # per second: times have seven digits


class EntityRefused(Exception):
    """The entity breaks a rule of the service."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Property:
    type: str
    json: Json  # as it came: an Int64 is text

    def value(self) -> Value | None:
        """For comparisons."""
        text = str(self.json)
        match self.type:
            case "Edm.Int64":
                return int(text)
            case "Edm.Double":
                return float(text)
            case "Edm.DateTime":
                return moment(text)
            case "Edm.Guid":
                return text.lower()
            case "Edm.Binary":
                return base64.b64decode(text)
        return self.json

    def size(self) -> int:
        """Bytes that count against the limits; text is UTF-16 there."""
        match self.json:
            case str() if self.type == "Edm.String":
                return len(self.json.encode("utf-16-le"))
            case str() if self.type == "Edm.Binary":
                return len(self.json) * 3 // 4
        return 16


@dataclass(frozen=True)
class Entity:
    """`ticks`: time of the last change in 100 ns since 1970, never the same twice for one entity."""

    partition_key: str
    row_key: str
    properties: Mapping[str, Property]
    ticks: int = 0

    @property
    def timestamp(self) -> str:
        seconds, ticks = divmod(self.ticks, TICKS)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ticks:07}Z"

    @property
    def etag(self) -> str:
        return f"W/\"datetime'{quote(self.timestamp)}'\""

    def values(self) -> dict[str, Value]:
        """Everything a filter can ask about."""
        values = {name: each.value() for name, each in self.properties.items()}
        known: dict[str, Value] = {name: value for name, value in values.items() if value is not None}
        keys: dict[str, Value] = {"PartitionKey": self.partition_key, "RowKey": self.row_key}
        return known | keys | {"Timestamp": moment(self.timestamp)}

    def merged_into(self, former: "Entity") -> "Entity":
        """MERGE: what is not named stays."""
        return Entity(self.partition_key, self.row_key, {**former.properties, **self.properties})


def load(body: Mapping[str, Json], keys: tuple[str, str] | None = None) -> Entity:
    """An entity from a request's JSON; `keys` are the address's, where it has some. Raises EntityRefused."""
    partition_key, row_key = keys or (body.get("PartitionKey"), body.get("RowKey"))
    if not isinstance(partition_key, str) or not isinstance(row_key, str):
        raise EntityRefused(
            400, "PropertiesNeedValue", "The values are not specified for all properties in the entity."
        )
    properties = {
        name: Property(_type(body.get(name + TYPE), json), json)
        for name, json in body.items()
        if not name.endswith(TYPE) and not name.startswith("odata.") and name not in SYSTEM and json is not None
    }
    entity = Entity(partition_key, row_key, properties)
    check_limits(entity)
    return entity


def check_limits(entity: Entity) -> None:
    """Raises EntityRefused."""
    for key in (entity.partition_key, entity.row_key):
        if FORBIDDEN_IN_KEYS.search(key):
            raise EntityRefused(400, "OutOfRangeInput", f"The key {key!r} holds a character that keys must not hold.")
        if len(key.encode("utf-16-le")) > LARGEST_KEY:
            raise EntityRefused(400, "KeyValueTooLarge", "The key is larger than 1 KiB.")
    if len(entity.properties) > MOST_PROPERTIES:
        raise EntityRefused(400, "TooManyProperties", "The entity contains more properties than allowed.")
    for name, each in entity.properties.items():
        if each.size() > LARGEST_PROPERTY:
            raise EntityRefused(400, "PropertyValueTooLarge", f"The property {name} is larger than 64 KiB.")
        try:
            each.value()
        except ValueError as error:
            raise EntityRefused(400, "InvalidInput", f"The property {name} is no {each.type}.") from error
    size = sum(len(name) * 2 + each.size() for name, each in entity.properties.items())
    if size + 2 * len(entity.partition_key + entity.row_key) > LARGEST_ENTITY:
        raise EntityRefused(400, "EntityTooLarge", "The entity is larger than allowed by the Table Service.")


def dump(entity: Entity, select: frozenset[str] | None = None) -> dict[str, Json]:
    """JSON with minimal metadata; `select` leaves out the properties it does not name."""
    every: dict[str, Property] = {
        "PartitionKey": Property("Edm.String", entity.partition_key),
        "RowKey": Property("Edm.String", entity.row_key),
        "Timestamp": Property("Edm.String", entity.timestamp),
        **entity.properties,
    }
    body: dict[str, Json] = {"odata.etag": entity.etag}
    for name, each in every.items():
        if select is None or name in select:
            if each.type not in PLAIN:
                body[name + TYPE] = each.type
            body[name] = each.json
    return body


def moment(text: str) -> datetime:
    """An Edm.DateTime; what is finer than a microsecond is cut off. Raises ValueError."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    parsed = datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}" if fraction else whole)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _type(told: Json, json: Json) -> str:
    if told is not None:
        if told not in TYPES:
            raise EntityRefused(400, "InvalidValueType", f"{told} is no type of the Table service.")
        return str(told)
    match json:
        case bool():
            return "Edm.Boolean"
        case int():
            return "Edm.Int32"
        case float():
            return "Edm.Double"
        case str():
            return "Edm.String"
    raise EntityRefused(400, "InvalidInput", "A property must be a text, a number or a boolean.")
