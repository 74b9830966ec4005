"""The durable HTTP API: what the SDK's client calls under `rpcBaseUrl`, and the webhooks in the same way.

Routes, codes and bodies: `HttpApiHandler` of the Durable extension. Errors are JSON, or have no body.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from slipway.local.functions.durable.binding import management_uris
from slipway.local.functions.durable.contract import Functions, RpcRequest, RpcResponse
from slipway.local.functions.durable.hub import AlreadyExists, Gone, Hub, NoSuchInstance, WrongState
from slipway.local.functions.durable.model import Selection, Status
from slipway.local.functions.durable.replay import Refused, require
from slipway.local.functions.durable.status import history_json, status_json

_PAGE = 100
_MAX_ID_LENGTH = 256
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_BAD_ARGUMENT = "One or more of the arguments submitted is incorrect"
_PAGE_HEADER = "x-ms-continuation-token"


class BadRequest(Exception):
    pass


def _answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> RpcResponse:
    return RpcResponse(
        status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body, ensure_ascii=False).encode()
    )


def _empty(status: int) -> RpcResponse:
    return RpcResponse(status, {})


def _error(status: int, message: str, problem: Exception) -> RpcResponse:
    said = {"Message": message, "ExceptionMessage": str(problem), "ExceptionType": type(problem).__name__}
    return _answer(status, {**said, "StackTrace": None})


class Rpc:
    def __init__(self, functions: Functions, hub: Hub) -> None:
        self._functions, self._hub = functions, hub
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., RpcResponse]]] = [
            ("POST", re.compile(r"orchestrators/([^/]+)(?:/([^/]+))?"), self._start),
            ("GET", re.compile(r"instances"), self._list),
            ("DELETE", re.compile(r"instances"), self._purge_selected),
            ("GET", re.compile(r"instances/([^/]+)"), self._status),
            ("DELETE", re.compile(r"instances/([^/]+)"), self._purge),
            ("POST", re.compile(r"instances/([^/]+)/raiseEvent/([^/]+)", re.IGNORECASE), self._raise_event),
            ("POST", re.compile(r"instances/([^/]+)/terminate", re.IGNORECASE), self._terminate),
            ("POST", re.compile(r"instances/([^/]+)/suspend", re.IGNORECASE), self._suspend),
            ("POST", re.compile(r"instances/([^/]+)/resume", re.IGNORECASE), self._resume),
            ("POST", re.compile(r"instances/([^/]+)/(rewind|restart)", re.IGNORECASE), self._not_yet),
            ("GET", re.compile(r"entities(?:/([^/]+))?"), self._list_entities),
            ("GET", re.compile(r"entities/([^/]+)/([^/]+)"), self._read_entity),
            ("POST", re.compile(r"entities/([^/]+)/([^/]+)"), self._signal),
            ("DELETE", re.compile(r"entities/([^/]+)/([^/]+)"), self._signal),
        ]

    def handle(self, request: RpcRequest) -> RpcResponse:
        path = request.path.strip("/")
        for method, pattern, handler in self._routes:
            if method == request.method and (match := pattern.fullmatch(path)):
                return self._call(handler, request, match.groups())
        return _empty(404)

    def _call(
        self, handler: Callable[..., RpcResponse], request: RpcRequest, values: tuple[str | None, ...]
    ) -> RpcResponse:
        try:
            return handler(request, *values)
        except NoSuchInstance:
            return _empty(404)
        except Gone:
            return _empty(410)
        except (BadRequest, Refused) as problem:
            return _error(400, _BAD_ARGUMENT, problem)
        except AlreadyExists as problem:
            return _error(409, str(problem), problem)
        except WrongState as problem:
            return _error(500, "Something went wrong while processing your request", problem)

    # orchestrations

    def _start(self, request: RpcRequest, name: str, given: str | None) -> RpcResponse:
        require(self._functions, name, "orchestrator")
        instance_id = given or uuid4().hex
        if instance_id.startswith("@"):
            raise BadRequest("Orchestration instance ids must not start with @.")
        if _FORBIDDEN.search(instance_id):
            raise BadRequest("Orchestration instance ids must not contain /, \\, #, ?, or control characters.")
        if len(instance_id) > _MAX_ID_LENGTH:
            raise BadRequest(f"Instance ID lengths must not exceed {_MAX_ID_LENGTH} characters.")
        self._hub.create(name, instance_id, _json_body(request), request.query.get("version"))
        uris = management_uris(request.root, instance_id, _query_suffix(request))
        return _answer(202, uris, {"Location": uris["statusQueryGetUri"], "Retry-After": "10"})

    def _status(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        instance = self._hub.store.instance(instance_id)
        if instance is None:
            raise NoSuchInstance(instance_id)
        show_input = _flag(request, "showInput", default=True)
        body = status_json(instance, show_input)
        if _flag(request, "showHistory"):
            events = [event for episode in self._hub.store.history(instance_id) for event in episode]
            show_output = _flag(request, "showHistoryOutput")
            body["historyEvents"] = history_json(instance, events, show_input, show_output)
        if not instance.status.ended:
            location = f"{request.root}/instances/{instance_id}?{urlencode(request.query)}"
            return _answer(202, body, {"Location": location, "Retry-After": "5"})
        failed = instance.status is Status.FAILED and _flag(request, "returnInternalServerErrorOnFailure")
        return _answer(500 if failed else 200, body)

    def _list(self, request: RpcRequest) -> RpcResponse:
        """A page of `top` instances; where more follow, a header has the token for the next."""
        top = int(request.query["top"]) if request.query.get("top", "").isdigit() else _PAGE
        after = _header(request, _PAGE_HEADER)
        found = self._hub.store.select(_selection(request), after, top + 1)
        show_input = _flag(request, "showInput", default=True)
        more = {_PAGE_HEADER: found[top - 1].id} if 0 < top < len(found) else {}
        return _answer(200, [status_json(instance, show_input) for instance in found[:top]], more)

    def _purge(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        return self._purged(self._hub.purge(instance_id))

    def _purge_selected(self, request: RpcRequest) -> RpcResponse:
        which = _selection(request)
        if which.created_from is None:
            return _answer(400, "Please provide value for 'createdTimeFrom' parameter.")
        return self._purged(self._hub.purge(which))

    def _purged(self, count: int) -> RpcResponse:
        return _answer(200, {"instancesDeleted": count}) if count else _empty(404)

    def _raise_event(self, request: RpcRequest, instance_id: str, name: str) -> RpcResponse:
        if not _header(request, "content-type").lower().startswith("application/json"):
            raise BadRequest("Only application/json request content is supported")
        self._hub.raise_event(instance_id, name, _json_body(request) or "null")
        return _empty(202)

    def _terminate(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        self._hub.terminate(instance_id, request.query.get("reason", ""))
        return _empty(202)

    def _suspend(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        self._hub.suspend(instance_id)
        return _empty(202)

    def _resume(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        self._hub.resume(instance_id)
        return _empty(202)

    def _not_yet(self, request: RpcRequest, instance_id: str, operation: str) -> RpcResponse:
        return _answer(501, f"This host does not support '{operation}' of an orchestration instance.")

    # entities

    def _list_entities(self, request: RpcRequest, name: str | None) -> RpcResponse:
        fetch = _flag(request, "fetchState")
        return _answer(
            200,
            [
                {
                    "entityId": dict(zip(("name", "key"), entity[1:].split("@", 1), strict=True)),
                    "lastOperationTime": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
                    "state": json.loads(state) if fetch else None,
                }
                for entity, state, updated in self._hub.store.entities(name)
            ],
        )

    def _read_entity(self, request: RpcRequest, name: str, key: str) -> RpcResponse:
        state = self._hub.store.entity_state(f"@{name.lower()}@{key}")
        return _empty(404) if state is None else RpcResponse(200, {"Content-Type": "application/json"}, state.encode())

    def _signal(self, request: RpcRequest, name: str, key: str) -> RpcResponse:
        require(self._functions, name, "entity")
        if _FORBIDDEN.search(key):
            raise BadRequest("Entity keys must not contain /, \\, #, ?, or control characters.")
        operation = "delete" if request.method == "DELETE" else request.query.get("op", "")
        self._hub.signal(f"@{name.lower()}@{key}", operation, _json_body(request))
        return _empty(202)


def _json_body(request: RpcRequest) -> str | None:
    """The body as JSON text without needless space; None when there is none."""
    if not request.body.strip():
        return None
    try:
        return json.dumps(json.loads(request.body), ensure_ascii=False)
    except ValueError as problem:
        raise BadRequest(f"Invalid JSON content: {problem}") from problem


def _query_suffix(request: RpcRequest) -> str:
    return urlencode({key: value for key, value in request.query.items() if key in ("taskHub", "connection", "code")})


def _header(request: RpcRequest, name: str) -> str:
    return next((value for key, value in request.headers.items() if key.lower() == name), "")


def _flag(request: RpcRequest, name: str, default: bool = False) -> bool:
    return {"true": True, "false": False}.get(request.query.get(name, "").lower(), default)


def _selection(request: RpcRequest) -> Selection:
    query = request.query
    statuses = query.get("runtimeStatus")
    return Selection(
        prefix=query.get("instanceIdPrefix"),
        statuses=frozenset(statuses.split(",")) if statuses else None,
        created_from=_time(query.get("createdTimeFrom")),
        created_to=_time(query.get("createdTimeTo")),
    )


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as problem:
        raise BadRequest(str(problem)) from problem
    return at if at.tzinfo else at.replace(tzinfo=UTC)
