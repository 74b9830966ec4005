"""Azure Monitor's metrics for several resources: `POST /subscriptions/{id}/metrics:getBatch` (api-version 2024-02-01).

Readings are somebody else's: the front ends count. Only minutes are told, and nothing of a minute that is not over.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from slipway.local.azure.tokens import TokenRefused, Tokens

AUDIENCES = ("https://metrics.monitor.azure.com",)
MINUTE = timedelta(minutes=1)
_UNITS = {"CpuTime": "Seconds", "MemoryWorkingSet": "Bytes", "WorkingSetBytes": "Bytes", "UsageNanoCores": "NanoCores"}
_moment = TypeAdapter(AwareDatetime)


@dataclass(frozen=True)
class Reading:
    """What one source (an instance, a revision's replica) counted in a minute, by metric."""

    values: Mapping[str, float]
    dimensions: Mapping[str, str] = field(default_factory=dict)


# The readings of the resource with that id (in small letters) in that minute; None: there is no such resource.
ReadingsAt: TypeAlias = Callable[[str, datetime], Sequence[Reading] | None]


class Told(BaseModel):
    """Readings by hand, for tests of what nothing here counts."""

    resource: str
    minute: AwareDatetime
    values: dict[str, float]
    dimensions: dict[str, str] = {}


class Resources(BaseModel):
    resourceids: list[str] = Field(min_length=1, max_length=50)


_told = TypeAdapter(list[Told])


class MetricsApi:
    """`POST /standin/readings` adds readings by hand to those of `readings_at`."""

    TOLD_PATH = "/standin/readings"

    def __init__(
        self, readings_at: ReadingsAt, tokens: Tokens, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._counted_at = readings_at
        self._told: dict[str, dict[datetime, list[Reading]]] = {}
        self._tokens = tokens
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/subscriptions/{subscription}/metrics:getBatch", self.batch),
            web.post(self.TOLD_PATH, self.tell),
        ]

    async def tell(self, request: web.Request) -> web.Response:
        try:
            told = _told.validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        for each in told:
            minutes = self._told.setdefault(each.resource.lower(), {})
            minutes.setdefault(each.minute.astimezone(UTC), []).append(Reading(each.values, each.dimensions))
        return web.json_response({"readings": len(told)}, status=201)

    def _readings_at(self, resource: str, minute: datetime) -> Sequence[Reading] | None:
        counted, told = self._counted_at(resource, minute), self._told.get(resource)
        return None if counted is None and told is None else [*(counted or ()), *(told or {}).get(minute, ())]

    async def batch(self, request: web.Request) -> web.Response:
        try:
            self._tokens.check(request.headers.get("Authorization"), AUDIENCES)
            asked = Resources.model_validate_json(await request.read()).resourceids
            begins = _moment.validate_python(request.query["starttime"])
            ends = min(_moment.validate_python(request.query["endtime"]), self._now())
        except TokenRefused as refusal:
            return _error(401, "InvalidAuthenticationToken", f"The access token is invalid: {refusal}")
        except (ValidationError, KeyError) as error:
            return _error(400, "BadRequest", str(error))
        if request.query.get("interval") != "PT1M":
            return _error(501, "NotImplemented", "Only readings by the minute are in this stand-in.")
        values = []
        for resource in asked:
            if (readings := self._minutes(resource, begins, ends)) is None:
                return _error(404, "ResourceNotFound", f"The Resource '{resource}' was not found.")
            values.append(_result(resource, request.query, begins, ends, readings))
        return web.json_response({"values": values})

    def _minutes(self, resource: str, begins: datetime, ends: datetime) -> dict[datetime, Sequence[Reading]] | None:
        """The full minutes from the one in which it begins; None when there is no such resource."""
        found: dict[datetime, Sequence[Reading]] = {}
        minute = begins.astimezone(UTC).replace(second=0, microsecond=0)
        while minute + MINUTE <= ends:
            if (readings := self._readings_at(resource.lower(), minute)) is None:
                return None
            found[minute] = readings
            minute += MINUTE
        return found


def _result(
    resource: str,
    query: Mapping[str, str],
    begins: datetime,
    ends: datetime,
    minutes: Mapping[datetime, Sequence[Reading]],
) -> dict[str, Any]:
    dimensions = [part.split(" ")[0] for part in query["filter"].split(" and ")] if query.get("filter") else []
    return {
        "starttime": _text(begins),
        "endtime": _text(ends),
        "interval": "PT1M",
        "namespace": query.get("metricnamespace", ""),
        "resourceregion": "westeurope",
        "resourceid": resource,
        "value": [
            {
                "id": f"{resource}/providers/Microsoft.Insights/metrics/{name}",
                "type": "Microsoft.Insights/metrics",
                "name": {"value": name, "localizedValue": name},
                "unit": _UNITS.get(name, "Count"),
                "timeseries": _series(name, dimensions, minutes),
                "errorCode": "Success",
            }
            for name in query.get("metricnames", "").split(",")
        ],
    }


def _series(
    name: str, dimensions: Sequence[str], minutes: Mapping[datetime, Sequence[Reading]]
) -> list[dict[str, Any]]:
    """A series for each combination of the dimensions' values; one of all readings without dimensions."""
    by_place: dict[tuple[str, ...], dict[datetime, list[float]]] = defaultdict(dict)
    for minute, readings in minutes.items():
        for reading in readings:
            if name in reading.values:
                place = tuple(reading.dimensions.get(dimension, "") for dimension in dimensions)
                by_place[place].setdefault(minute, []).append(reading.values[name])
    return [
        {
            "metadatavalues": [
                {"name": {"value": dimension.lower(), "localizedValue": dimension.lower()}, "value": value}
                for dimension, value in zip(dimensions, place, strict=True)
            ],
            "data": [_point(minute, values.get(minute, ())) for minute in minutes],
        }
        for place, values in by_place.items()
    ]


def _point(minute: datetime, values: Iterable[float]) -> dict[str, Any]:
    values = list(values)
    if not values:
        return {"timeStamp": _text(minute)}
    return {"timeStamp": _text(minute), "total": sum(values), "average": sum(values) / len(values)}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
