"""The durable HTTP API: what the SDK's client calls under `rpcBaseUrl`, and the webhooks in the same way.

Routes, codes and bodies: `HttpApiHandler` of the Durable extension. Errors are JSON, or have no body.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from slipway.local.functions.durable.backend import Backend, OverLimit
from slipway.local.functions.durable.binding import management_uris
from slipway.local.functions.durable.contract import Functions, Limits, RpcRequest, RpcResponse
from slipway.local.functions.durable.hub import AlreadyExists, Gone, Hub, NoSuchInstance, WrongState
from slipway.local.functions.durable.model import Instance, Status
from slipway.local.functions.durable.replay import Refused, require
from slipway.local.functions.durable.rpc_request import (
    BadRequest,
    flag,
    header,
    json_body,
    moment,
    number,
    query_suffix,
    selection,
)
from slipway.local.functions.durable.status import history_json, json_or_text, status_json
from slipway.local.functions.durable.versions import Versioning

_PAGE = 100
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
_BAD_ARGUMENT = "One or more of the arguments submitted is incorrect"
_PAGE_HEADER = "x-ms-continuation-token"
_LONGEST_WAIT_SECONDS = 230.0  # after which Azure's front end ends a request
_LOOK_SECONDS = 0.05


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
    def __init__(
        self, functions: Functions, hub: Hub, limits: Limits, backend: Backend, versioning: Versioning
    ) -> None:
        self._functions, self._hub, self._limits, self._backend = functions, hub, limits, backend
        self._default_version = versioning.default
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
            ("POST", re.compile(r"instances/([^/]+)/restart", re.IGNORECASE), self._restart),
            ("POST", re.compile(r"instances/([^/]+)/rewind", re.IGNORECASE), self._rewind),
            ("GET", re.compile(r"entities(?:/([^/]+))?"), self._list_entities),
            ("GET", re.compile(r"entities/([^/]+)/([^/]+)"), self._read_entity),
            ("POST", re.compile(r"entities/([^/]+)/([^/]+)"), self._signal),
            ("DELETE", re.compile(r"entities/([^/]+)/([^/]+)"), self._signal),
        ]

    async def handle(self, request: RpcRequest) -> RpcResponse:
        path = request.path.strip("/")
        for method, pattern, handler in self._routes:
            if method == request.method and (match := pattern.fullmatch(path)):
                answer = self._call(handler, request, match.groups())
                if answer.status == 202 and handler in (self._start, self._restart):
                    return await self._ended(request, answer)
                return answer
        return _empty(404)

    async def _ended(self, request: RpcRequest, started: RpcResponse) -> RpcResponse:
        """Where the query has `timeout` and `pollingInterval` (seconds of real time): waits for the end, so long."""
        seconds, interval = number(request, "timeout"), number(request, "pollingInterval")
        if seconds is None or interval is None:
            return started
        instance_id: str = json.loads(started.body)["id"]
        deadline = time.monotonic() + min(seconds, _LONGEST_WAIT_SECONDS)
        while True:
            instance = self._hub.store.instance(instance_id)
            if instance is not None and instance.status is Status.COMPLETED:
                return _answer(200, json_or_text(instance.output))
            if instance is not None and instance.status.ended:
                return self._described(request, instance)
            if (left := deadline - time.monotonic()) <= 0:
                return started
            await asyncio.sleep(min(left, _LOOK_SECONDS))

    def _call(
        self, handler: Callable[..., RpcResponse], request: RpcRequest, values: tuple[str | None, ...]
    ) -> RpcResponse:
        try:
            return handler(request, *values)
        except NoSuchInstance:
            return _empty(404)
        except Gone:
            return _empty(410)
        except (BadRequest, Refused, OverLimit) as problem:
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
        self._backend.check_id(instance_id)
        self._check_timeout(request)
        version = request.query.get("version") or self._default_version
        return self._created(request, name, instance_id, self._body(request, "input"), version)

    def _restart(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        """The same function with the same input, under a new id unless the query wants the old one: a new start, so
        of this host's version."""
        before = self._hub.store.instance(instance_id)
        if before is None:
            problem = BadRequest(f"An orchestration with the instanceId {instance_id} was not found.")
            return _error(400, "InstanceId does not match a valid orchestration instance.", problem)
        require(self._functions, before.name, "orchestrator")
        self._check_timeout(request)
        new_id = uuid4().hex if flag(request, "restartWithNewInstanceId", default=True) else instance_id
        return self._created(request, before.name, new_id, before.input, self._default_version)

    def _check_timeout(self, request: RpcRequest) -> None:
        seconds, interval = number(request, "timeout"), number(request, "pollingInterval")
        if seconds is not None and interval is not None and interval > seconds:
            raise BadRequest(f"Total timeout {seconds:g} should be bigger than retry timeout {interval:g}")

    def _body(self, request: RpcRequest, what: str) -> str | None:
        text = json_body(request)
        self._backend.check_payload(what, text)
        return text

    def _created(
        self, request: RpcRequest, name: str, instance_id: str, input_json: str | None, version: str | None
    ) -> RpcResponse:
        self._hub.create(name, instance_id, input_json, version, override=self._limits.override_running)
        uris = management_uris(request.root, instance_id, query_suffix(request))
        return _answer(202, uris, {"Location": uris["statusQueryGetUri"], "Retry-After": "10"})

    def _status(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        instance = self._hub.store.instance(instance_id)
        if instance is None:
            raise NoSuchInstance(instance_id)
        show_input = flag(request, "showInput", default=True)
        body = status_json(instance, show_input)
        if flag(request, "showHistory"):
            events = [event for episode in self._hub.store.history(instance_id) for event in episode]
            show_output = flag(request, "showHistoryOutput")
            body["historyEvents"] = history_json(instance, events, show_input, show_output)
        return self._described(request, instance, body)

    def _described(self, request: RpcRequest, instance: Instance, body: Any = None) -> RpcResponse:
        body = body or status_json(instance)
        if not instance.status.ended:
            location = f"{request.root}/instances/{instance.id}?{urlencode(request.query)}"
            return _answer(202, body, {"Location": location, "Retry-After": "5"})
        failed = instance.status is Status.FAILED and flag(request, "returnInternalServerErrorOnFailure")
        return _answer(500 if failed else 200, body)

    def _list(self, request: RpcRequest) -> RpcResponse:
        """A page of `top` instances; where more follow, a header has the token for the next."""
        top = _top(request)
        after = header(request, _PAGE_HEADER)
        found = self._hub.store.select(selection(request), after, top + 1)
        show_input = flag(request, "showInput", default=True)
        more = {_PAGE_HEADER: found[top - 1].id} if 0 < top < len(found) else {}
        return _answer(200, [status_json(instance, show_input) for instance in found[:top]], more)

    def _purge(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        return self._purged(self._hub.purge(instance_id))

    def _purge_selected(self, request: RpcRequest) -> RpcResponse:
        which = selection(request)
        if which.created_from is None:
            return _answer(400, "Please provide value for 'createdTimeFrom' parameter.")
        return self._purged(self._hub.purge(which))

    def _purged(self, count: int) -> RpcResponse:
        return _answer(200, {"instancesDeleted": count}) if count else _empty(404)

    def _raise_event(self, request: RpcRequest, instance_id: str, name: str) -> RpcResponse:
        if not header(request, "content-type").lower().startswith("application/json"):
            raise BadRequest("Only application/json request content is supported")
        self._hub.raise_event(instance_id, name, self._body(request, "event's data") or "null")
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

    def _rewind(self, request: RpcRequest, instance_id: str) -> RpcResponse:
        self._hub.rewind(instance_id, request.query.get("reason", ""))
        return _empty(202)

    # entities

    def _list_entities(self, request: RpcRequest, name: str | None) -> RpcResponse:
        """Paged as the instances are; the times in the query are those of the last operation."""
        fetch, top, after = flag(request, "fetchState"), _top(request), header(request, _PAGE_HEADER)
        since, until = moment(request, "lastOperationTimeFrom"), moment(request, "lastOperationTimeTo")
        found = [
            (entity, state, updated)
            for entity, state, updated in self._hub.store.entities(name)
            if entity > after and (since is None or updated >= since) and (until is None or updated <= until)
        ]
        shown = [
            {
                "entityId": dict(zip(("name", "key"), entity[1:].split("@", 1), strict=True)),
                "lastOperationTime": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
                "state": json.loads(state) if fetch else None,
            }
            for entity, state, updated in found[:top]
        ]
        return _answer(200, shown, {_PAGE_HEADER: found[top - 1][0]} if 0 < top < len(found) else {})

    def _read_entity(self, request: RpcRequest, name: str, key: str) -> RpcResponse:
        state = self._hub.store.entity_state(f"@{name.lower()}@{key}")
        return _empty(404) if state is None else RpcResponse(200, {"Content-Type": "application/json"}, state.encode())

    def _signal(self, request: RpcRequest, name: str, key: str) -> RpcResponse:
        require(self._functions, name, "entity")
        if _FORBIDDEN.search(key):
            raise BadRequest("Entity keys must not contain /, \\, #, ?, or control characters.")
        self._backend.check_id(f"@{name.lower()}@{key}")
        operation = "delete" if request.method == "DELETE" else request.query.get("op", "")
        self._hub.signal(f"@{name.lower()}@{key}", operation, self._body(request, "input"))
        return _empty(202)


def _top(request: RpcRequest) -> int:
    return int(request.query["top"]) if request.query.get("top", "").isdecimal() else _PAGE
