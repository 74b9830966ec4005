"""What Front Door's access log (category FrontDoorAccessLog) tells of a request, and the two tables in which it can be:
`AFDAccessLog` where the profile's diagnostic setting asks for a table of its own, else `AzureDiagnostics`.

Here it is in both. Names are those of the access log's fields; in AzureDiagnostics they bear their types. Times are in
seconds, `OriginName` is the origin's host name, and the status is 0 when the origin did not answer in time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

AFD, DIAGNOSTICS = "AFDAccessLog", "AzureDiagnostics"
CATEGORY, OPERATION = "FrontDoorAccessLog", "Microsoft.Cdn/Profiles/AccessLog/Write"
POP = "AMS"  # there is one
NOBODY = "N/A"  # no origin was asked

COLUMNS = {
    "TimeGenerated": "TIMESTAMP",
    "TrackingReference": "VARCHAR",
    "HttpMethod": "VARCHAR",
    "HttpVersion": "VARCHAR",
    "RequestUri": "VARCHAR",
    "HostName": "VARCHAR",
    "RequestBytes": "BIGINT",
    "ResponseBytes": "BIGINT",
    "UserAgent": "VARCHAR",
    "ClientIp": "VARCHAR",
    "TimeTaken": "DOUBLE",
    "TimeToFirstByte": "DOUBLE",
    "RequestProtocol": "VARCHAR",
    "Endpoint": "VARCHAR",
    "HttpStatusCode": "INTEGER",
    "Pop": "VARCHAR",
    "CacheStatus": "VARCHAR",
    "MatchedRulesSetName": "VARCHAR",
    "RouteName": "VARCHAR",
    "ErrorInfo": "VARCHAR",
    "OriginUrl": "VARCHAR",
    "OriginIp": "VARCHAR",
    "OriginName": "VARCHAR",
    "_ResourceId": "VARCHAR",
}
# In AzureDiagnostics everything is text, as in the log itself; the status is also there as a number.
_TEXT = {f"{name[0].lower()}{name[1:]}_s": name for name in COLUMNS if name[0].isupper() and name != "TimeGenerated"}
_CONSTANT = {
    "Category": f"'{CATEGORY}'",
    "OperationName": f"'{OPERATION}'",
    "ResourceProvider": "'MICROSOFT.CDN'",
    "ResourceType": "'PROFILES'",
    "ResourceId": "upper(_ResourceId)",
    "Resource": "upper(regexp_extract(_ResourceId, '[^/]+$'))",
}
DIAGNOSTICS_COLUMNS = {
    "TimeGenerated": "TIMESTAMP",
    **dict.fromkeys(_CONSTANT, "VARCHAR"),
    "_ResourceId": "VARCHAR",
    **dict.fromkeys(_TEXT, "VARCHAR"),
    "httpStatusCode_d": "DOUBLE",
}
EDGE_TABLES = {AFD: COLUMNS, DIAGNOSTICS: DIAGNOSTICS_COLUMNS}


@dataclass(frozen=True)
class Endpoint:
    """`host` is its host name, `resource` the profile's id."""

    host: str
    resource: str


@dataclass(frozen=True)
class EdgeServed:
    """`origin_name` is a host name. `took_s` in seconds."""

    at: datetime
    endpoint: Endpoint
    method: str
    path: str
    host: str
    status: int
    took_s: float
    origin_name: str = NOBODY
    route: str = ""
    rules: str = ""
    error: str = "NoError"
    user_agent: str = ""
    request_bytes: int = 0
    response_bytes: int = 0
    reference: str = ""

    def row(self) -> dict[str, Any]:
        """Of AFDAccessLog."""
        answered = self.origin_name != NOBODY
        return {
            "TrackingReference": self.reference,
            "HttpMethod": self.method,
            "HttpVersion": "1.1",
            "RequestUri": f"http://{self.host}{self.path}",
            "HostName": self.host,
            "RequestBytes": self.request_bytes,
            "ResponseBytes": self.response_bytes,
            "UserAgent": self.user_agent,
            "ClientIp": "127.0.0.1",
            "TimeTaken": round(self.took_s, 6),
            "TimeToFirstByte": round(self.took_s, 6),
            "RequestProtocol": "HTTP",
            "Endpoint": self.endpoint.host,
            "HttpStatusCode": self.status,
            "Pop": POP,
            "CacheStatus": "CACHE_NOCONFIG",
            "MatchedRulesSetName": self.rules,
            "RouteName": self.route,
            "ErrorInfo": self.error,
            "OriginUrl": f"http://{self.origin_name}{self.path}" if answered else NOBODY,
            "OriginIp": "127.0.0.1" if answered else NOBODY,
            "OriginName": self.origin_name,
            "_ResourceId": self.endpoint.resource,
        }


def as_diagnostics(rows: str) -> str:
    """SQL for AzureDiagnostics' rows of the SQL for those of AFDAccessLog."""
    columns = ["TimeGenerated", "_ResourceId", "HttpStatusCode::DOUBLE AS httpStatusCode_d"]
    columns += [f"{sql} AS {name}" for name, sql in _CONSTANT.items()]
    columns += [f"{source}::VARCHAR AS {name}" for name, source in _TEXT.items()]
    return f"SELECT {', '.join(columns)} FROM ({rows})"
