"""Application Insights' envelopes, as its SDKs post them, and the workspace's rows that they become.

Names and types of the columns are the workspace's own (Azure Monitor tables AppRequests, AppDependencies, AppTraces,
AppExceptions, AppMetrics, AppEvents); of each table those that a query is likely to ask for.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

EVERY = {
    "TimeGenerated": "TIMESTAMP",
    "OperationId": "VARCHAR",
    "OperationName": "VARCHAR",
    "ParentId": "VARCHAR",
    "AppRoleName": "VARCHAR",
    "AppRoleInstance": "VARCHAR",
    "AppVersion": "VARCHAR",
    "SDKVersion": "VARCHAR",
    "IKey": "VARCHAR",
    "Properties": "JSON",
    "Measurements": "JSON",
    "ItemCount": "INTEGER",
}
_CALL = {"Id": "VARCHAR", "Name": "VARCHAR", "Success": "BOOLEAN", "ResultCode": "VARCHAR", "DurationMs": "DOUBLE"}
TABLES: dict[str, dict[str, str]] = {
    "AppRequests": {**EVERY, **_CALL, "Url": "VARCHAR", "Source": "VARCHAR", "UserId": "VARCHAR"},
    "AppEvents": {**EVERY, "Name": "VARCHAR", "UserId": "VARCHAR"},
    "AppDependencies": {**EVERY, **_CALL, "DependencyType": "VARCHAR", "Target": "VARCHAR", "Data": "VARCHAR"},
    "AppTraces": {**EVERY, "Message": "VARCHAR", "SeverityLevel": "INTEGER"},
    "AppExceptions": {
        **EVERY,
        "ExceptionType": "VARCHAR",
        "OuterMessage": "VARCHAR",
        "SeverityLevel": "INTEGER",
        "Details": "JSON",
    },
    "AppMetrics": {**EVERY, "Name": "VARCHAR", "Sum": "DOUBLE", "Min": "DOUBLE", "Max": "DOUBLE"},
}
_DURATION = re.compile(r"(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)")
Row = dict[str, Any]


class EnvelopeRefused(Exception):
    """Why an envelope is no telemetry, as the service says it."""


@dataclass(frozen=True)
class Told:
    """A row of `table`."""

    table: str
    at: datetime
    row: Row


def told_by(envelope: Any) -> Told | None:
    """The row of an envelope; None for a kind that is kept in no table here. Raises EnvelopeRefused."""
    try:
        data, tags = envelope["data"], envelope.get("tags") or {}
        kind, base = data["baseType"], data["baseData"]
        at = datetime.fromisoformat(str(envelope["time"])).astimezone(UTC)
        if kind not in _KINDS:
            return None
        table, read = _KINDS[kind]
        row = {**_of_every(envelope, tags, base), **read(base)}
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise EnvelopeRefused(f"Field missing or of the wrong type: {error}") from error
    return Told(table, at, row)


def _of_every(envelope: Mapping[str, Any], tags: Mapping[str, str], base: Mapping[str, Any]) -> Row:
    return {
        "OperationId": tags.get("ai.operation.id", ""),
        "OperationName": tags.get("ai.operation.name", ""),
        "ParentId": tags.get("ai.operation.parentId", ""),
        "AppRoleName": tags.get("ai.cloud.role", ""),
        "AppRoleInstance": tags.get("ai.cloud.roleInstance", ""),
        "AppVersion": tags.get("ai.application.ver", ""),
        "SDKVersion": tags.get("ai.internal.sdkVersion", ""),
        "UserId": tags.get("ai.user.id", ""),
        "IKey": envelope["iKey"],
        "Properties": base.get("properties") or {},
        "Measurements": base.get("measurements") or {},
        "ItemCount": round(100 / float(envelope.get("sampleRate") or 100)),
    }


def _call(base: Mapping[str, Any]) -> Row:
    return {
        "Id": base["id"],
        "Name": base.get("name") or "",
        "Success": bool(base.get("success", True)),
        "DurationMs": _milliseconds(base["duration"]),
    }


def _request(base: Mapping[str, Any]) -> Row:
    more = {"ResultCode": base["responseCode"], "Url": base.get("url") or "", "Source": base.get("source") or ""}
    return {**_call(base), **more}


def _dependency(base: Mapping[str, Any]) -> Row:
    more = {
        "DependencyType": base.get("type") or "",
        "Target": base.get("target") or "",
        "Data": base.get("data") or "",
    }
    return {**_call(base), **more, "ResultCode": base.get("resultCode") or ""}


def _trace(base: Mapping[str, Any]) -> Row:
    return {"Message": base["message"], "SeverityLevel": _severity(base)}


def _exception(base: Mapping[str, Any]) -> Row:
    outer = base["exceptions"][0]
    details = {"Details": base["exceptions"], "SeverityLevel": _severity(base)}
    return {"ExceptionType": outer["typeName"], "OuterMessage": outer["message"], **details}


def _event(base: Mapping[str, Any]) -> Row:
    return {"Name": base["name"]}


def _metric(base: Mapping[str, Any]) -> Row:
    point = base["metrics"][0]
    value = float(point["value"])
    least, most = point.get("min"), point.get("max")
    numbers = {"Sum": value, "Min": value if least is None else least, "Max": value if most is None else most}
    return {"Name": point["name"], **numbers, "ItemCount": point.get("count") or 1}


def _severity(base: Mapping[str, Any]) -> int:
    levels = ("Verbose", "Information", "Warning", "Error", "Critical")
    said = base.get("severityLevel") or 0
    return levels.index(said) if isinstance(said, str) else int(said)


def _milliseconds(duration: str) -> float:
    """Of `[d.]hh:mm:ss[.fff]`."""
    found = _DURATION.fullmatch(duration)
    if not found:
        raise ValueError(f"{duration!r} is no duration")
    days, hours, minutes, seconds = found.groups()
    return ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60_000 + float(seconds) * 1000


_KINDS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Row]]] = {
    "RequestData": ("AppRequests", _request),
    "RemoteDependencyData": ("AppDependencies", _dependency),
    "MessageData": ("AppTraces", _trace),
    "ExceptionData": ("AppExceptions", _exception),
    "MetricData": ("AppMetrics", _metric),
    "EventData": ("AppEvents", _event),
}
