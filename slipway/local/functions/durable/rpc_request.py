"""Reads the query, headers and body of a request to the durable HTTP API."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from slipway.local.functions.durable.contract import RpcRequest
from slipway.local.functions.durable.model import Selection


class BadRequest(Exception):
    """What was asked makes no sense; answered with 400."""


def json_body(request: RpcRequest) -> str | None:
    """The body as JSON text without needless space; None when there is none."""
    if not request.body.strip():
        return None
    try:
        return json.dumps(json.loads(request.body), ensure_ascii=False)
    except ValueError as problem:
        raise BadRequest(f"Invalid JSON content: {problem}") from problem


def query_suffix(request: RpcRequest) -> str:
    return urlencode({key: value for key, value in request.query.items() if key in ("taskHub", "connection", "code")})


def header(request: RpcRequest, name: str) -> str:
    return next((value for key, value in request.headers.items() if key.lower() == name), "")


def flag(request: RpcRequest, name: str, default: bool = False) -> bool:
    return {"true": True, "false": False}.get(request.query.get(name, "").lower(), default)


def selection(request: RpcRequest) -> Selection:
    query = request.query
    statuses = query.get("runtimeStatus")
    return Selection(
        prefix=query.get("instanceIdPrefix"),
        statuses=frozenset(statuses.split(",")) if statuses else None,
        created_from=moment(request, "createdTimeFrom"),
        created_to=moment(request, "createdTimeTo"),
    )


def moment(request: RpcRequest, name: str) -> datetime | None:
    """A time in the query; one without an offset is in UTC."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as problem:
        raise BadRequest(str(problem)) from problem
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def number(request: RpcRequest, name: str) -> float | None:
    """A number of at least 0 in the query; None when it is missing or none such."""
    try:
        value = float(request.query[name])
    except (KeyError, ValueError):
        return None
    return value if value >= 0 else None
