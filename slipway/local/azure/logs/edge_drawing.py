"""The rows of AFDAccessLog in virtual time: of the same requests as those of AppRequests, seen from the edge."""

from collections.abc import Iterable
from datetime import datetime

from slipway.local.azure.logs.edge_log import COLUMNS, EdgeServed, Endpoint
from slipway.local.azure.logs.phases import Stretch
from slipway.local.azure.logs.store import naive

SEEN_HERE = {
    "TimeGenerated": "TimeGenerated",
    "TrackingReference": "Number::VARCHAR",
    "TimeTaken": "DurationMs / 1000",
    "TimeToFirstByte": "DurationMs / 1000",
    "HttpStatusCode": "ResultCode::INTEGER",
    "OriginName": "origin",
    "OriginUrl": "'http://' || origin || Url",
    "OriginIp": "'127.0.0.1'",
}


def as_edge_rows(rows: str, endpoint: Endpoint, served: Iterable[Stretch]) -> str:
    """SQL for them, of the SQL for the rows of AppRequests as they are stored. A row that stands for several requests
    (`ItemCount`) is as many here: the edge does not sample."""
    spans = [
        f"('{instance}', '{each.origin}', TIMESTAMP '{naive(stretch.begins)}', TIMESTAMP '{naive(stretch.ends)}')"
        for stretch in served
        for each in stretch.served
        for instance in each.instances
    ]
    if not spans:
        return f"SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in COLUMNS.items())} WHERE false"
    constant = EdgeServed(datetime.min, endpoint, "GET", "/", endpoint.host, 200, 0.0).row()
    columns = [f"{SEEN_HERE[name] if name in SEEN_HERE else _literal(constant[name])} AS {name}" for name in COLUMNS]
    return f"""
    SELECT {", ".join(columns)}
    FROM (SELECT *, unnest(range(ItemCount)) AS item FROM ({rows})) AS requests
    JOIN (VALUES {", ".join(spans)}) AS spans(instance, origin, begins, ends)
        ON AppRoleInstance = instance AND TimeGenerated >= begins AND TimeGenerated < ends
    """


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int | float) else f"'{value}'"
