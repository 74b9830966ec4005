"""Resource Manager for deployment stacks of a resource group (Microsoft.Resources, api 2025-07-01): `GET` and `PUT` of
a stack, `validate`, what-ifs; and the resources that stacks made, as JSON.

There is nothing behind a resource but what its template says of it. One with the tag `standin: fails` cannot be made.
`PUT /standin/resources` changes or takes away one as somebody else does, behind every stack's back. `PUT` and `GET
/documents/…` keep templates. Whatever takes a while is over when it has been looked at LOOKS times.
"""

import json
import re
import uuid
from typing import Any

from aiohttp import web

from slipway.local.azure.arm import POLL_AGAIN, ArmError, resource_not_found
from slipway.local.azure.clock import Now, stamp
from slipway.local.azure.stacks.evaluate import InvalidTemplate, body_of, delta, resources_of
from slipway.local.azure.stacks.store import ANSWERS, STACKS, WHAT_IFS, StackStore

LOOKS = 2
STACK = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Resources/"
    r"(?P<type>deploymentStacks|deploymentStacksWhatIfResults)/(?P<name>[^/]+)(?P<rest>/validate|/whatIf)?",
    re.IGNORECASE,
)
ANSWER = re.compile(r"/providers/Microsoft\.Resources/locations/[^/]+/stackOperations/(?P<id>[^/]+)", re.IGNORECASE)
Document = dict[str, Any]


class StacksApi:
    """`base` is the server's address; `now` the clock."""

    RESOURCES, DOCUMENTS = "/standin/resources", "/documents/{path:.+}"

    def __init__(self, store: StackStore, base: str, now: Now) -> None:
        self._store = store
        self._base = base
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put(self.RESOURCES, self.change_resource),
            web.get(self.RESOURCES, self.show_resources),
            web.get(self.DOCUMENTS, self.show_document),
            web.put(self.DOCUMENTS, self.keep_document),
        ]

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.Resources; as `arm.Provider` has it."""
        if (polled := ANSWER.fullmatch(rest)) and request.method == "GET":
            return self._show_answer(request, polled["id"])
        found = STACK.fullmatch(rest)
        if found is None:
            return None
        group = request.path[: request.path.lower().index("/providers/")]
        is_stack, then = found["type"].lower() == "deploymentstacks", (found["rest"] or "").lower()
        match request.method, is_stack, then:
            case "GET", True, "":
                return web.json_response(self._stack(found["name"], found["group"], request.path))
            case "PUT", True, "":
                return self._put_stack(request.path, group, await _body(request))
            case "POST", True, "/validate":
                return self._validate(request.path, group, await _body(request))
            case "PUT", False, "":
                return self._put_what_if(request.path, group, await _body(request))
            case "GET", False, "":
                return web.json_response(self._what_if(found["name"], found["group"], request.path))
            case "POST", False, "/whatif":
                path = request.path.rpartition("/")[0]
                return self._follow(request, self._what_if(found["name"], found["group"], path))
        return None

    def _put_stack(self, path: str, group: str, body: Document) -> web.Response:
        there = self._store.look(STACKS, path)
        if there and not there[1]:
            raise ArmError(409, "DeploymentStackInNonTerminalState", "The deployment stack is being changed.")
        wanted = _resources(body, group)
        managed = set(there[0]["properties"].get("resources_", ())) if there else set()
        properties = body["properties"]
        gone = [id for id in managed if id.lower() not in {each.lower() for each in wanted}]
        failing = [id for id, each in wanted.items() if (each.get("tags") or {}).get("standin") == "fails"]
        made = {id: each for id, each in wanted.items() if id not in failing}
        deletes = properties["actionOnUnmanage"]["resources"] == "delete" and not failing
        self._store.change({id: self._merged(id, each) for id, each in made.items()}, gone if deletes else [])
        kept: Document = {
            **{key: value for key, value in properties.items() if key != "template"},
            "correlationId": str(uuid.uuid4()),
            "provisioningState": "failed" if failing else "succeeded",
            "resources_": [*made, *(gone if failing else ())],
            "resources": [{"id": id, "status": "managed", "denyStatus": "none"} for id in made],
            "detachedResources": [] if deletes or failing else [{"id": id} for id in gone],
            "deletedResources": [{"id": id} for id in gone] if deletes else [],
            "failedResources": [{"id": id} for id in failing],
        }
        if failing:
            details = [{"code": "Conflict", "message": f"The resource '{failing[0]}' cannot be made."}]
            message = "One or more resources could not be deployed."
            kept["error"] = {"code": "DeploymentFailed", "message": message, "details": details}
        name = path.rpartition("/")[2]
        document = {"id": path, "name": name, "type": "Microsoft.Resources/deploymentStacks", "properties": kept}
        document |= {"tags": body.get("tags") or {}, "systemData": {"lastModifiedAt": stamp(self._now())}}
        self._store.put(STACKS, path, document, LOOKS)
        return web.json_response(_under_way(document, "creating"), status=200 if there else 201, headers=POLL_AGAIN)

    def _stack(self, name: str, group: str, path: str) -> Document:
        there = self._store.look(STACKS, path)
        if there is None:
            raise resource_not_found(f"Microsoft.Resources/deploymentStacks/{name}", group)
        document, over = there
        return _shown(document) if over else _under_way(document, "deploying")

    def _validate(self, path: str, group: str, body: Document) -> web.Response:
        wanted = _resources(body, group)
        told = {"validatedResources": [{"id": id} for id in wanted], "correlationId": str(uuid.uuid4())}
        return self._accepted({"id": path.rpartition("/")[0], "properties": told})

    def _put_what_if(self, path: str, group: str, body: Document) -> web.Response:
        properties = body["properties"]
        document: Document = {"id": path, "name": path.rpartition("/")[2], "properties": {**properties}}
        document["properties"] |= {"provisioningState": "succeeded", "changes": self._foreseen(group, body)}
        self._store.put(WHAT_IFS, path, document, LOOKS)
        return web.json_response(_under_way(document, "running"), status=201, headers=POLL_AGAIN)

    def _what_if(self, name: str, group: str, path: str) -> Document:
        there = self._store.look(WHAT_IFS, path)
        if there is None:
            raise resource_not_found(f"Microsoft.Resources/deploymentStacksWhatIfResults/{name}", group)
        document, over = there
        return document if over else _under_way(document, "running")

    def _foreseen(self, group: str, body: Document) -> Document:
        properties, wanted = body["properties"], _resources(body, group)
        there = self._store.look(STACKS, properties["deploymentStackResourceId"])
        managed = there[0]["properties"]["resources_"] if there else []
        changes = [self._change(id, each, managed) for id, each in wanted.items()]
        for id in managed:
            if id.lower() not in {each.lower() for each in wanted} and self._store.resource(id) is not None:
                what = properties["actionOnUnmanage"]["resources"]
                status = {"before": "managed", "after": "unmanaged"}
                change = {"id": id, "changeType": what, "changeCertainty": "definite"}
                changes.append({**change, "managementStatusChange": status})
        after = properties["denySettings"]
        before = there[0]["properties"]["denySettings"] if there else None
        denied: Document = {"after": after, "delta": list(delta(before, after))}
        return {"resourceChanges": changes, "denySettingsChange": denied | ({"before": before} if before else {})}

    def _change(self, id: str, wanted: Document, managed: list[str]) -> Document:
        before, after = self._store.resource(id), body_of(wanted)
        status = {"before": "managed" if id in managed else "unmanaged", "after": "managed"}
        told: Document = {"id": id, "changeCertainty": "definite", "managementStatusChange": status}
        if before is None:
            return {**told, "changeType": "create", "resourceConfigurationChanges": {"after": after}}
        found = list(delta(body_of(before), after))
        configured = {"before": before, "after": after, "delta": found}
        return {**told, "changeType": "modify" if found else "noChange", "resourceConfigurationChanges": configured}

    def _merged(self, id: str, wanted: Document) -> Document:
        return {**(self._store.resource(id) or {}), **wanted}

    def _follow(self, request: web.Request, document: Document) -> web.Response:
        if document["properties"]["provisioningState"] != "succeeded":
            raise ArmError(409, "WhatIfInNonTerminalState", "The what-if is being worked out.")
        return self._accepted(document)

    def _accepted(self, document: Document) -> web.Response:
        """202, and the answer behind its Location."""
        id = str(uuid.uuid4())
        self._store.put(ANSWERS, id, document, LOOKS - 1)
        return web.Response(status=202, headers=self._where(document["id"], id))

    def _show_answer(self, request: web.Request, id: str) -> web.Response:
        there = self._store.look(ANSWERS, id)
        if there is None:
            raise ArmError(404, "NotFound", f"Operation '{id}' was not found.")
        document, over = there
        if over:
            return web.json_response(document)
        return web.Response(status=202, headers=self._where(document["id"], id))

    def _where(self, of: str, id: str) -> dict[str, str]:
        subscription = "/".join(of.split("/")[:3])
        path = f"/providers/Microsoft.Resources/locations/westeurope/stackOperations/{id}?api-version=2025-07-01"
        return {"Location": f"{self._base}{subscription}{path}", **POLL_AGAIN}

    async def change_resource(self, request: web.Request) -> web.Response:
        """`{"id": …, "document": {…}}`; without a document it is gone."""
        told = json.loads(await request.read())
        document = told.get("document")
        self._store.change({told["id"]: document} if document else {}, [] if document else [told["id"]])
        return web.Response(status=204)

    async def show_resources(self, request: web.Request) -> web.Response:
        return web.json_response(self._store.resources())

    async def show_document(self, request: web.Request) -> web.Response:
        found = self._store.document(request.match_info["path"])
        return web.Response(status=404) if found is None else web.Response(body=found, content_type="application/json")

    async def keep_document(self, request: web.Request) -> web.Response:
        self._store.keep_document(request.match_info["path"], await request.read())
        return web.Response(status=201)


async def _body(request: web.Request) -> Document:
    try:
        body = json.loads(await request.read())
        if not isinstance(body["properties"]["template"], dict):
            raise ValueError("a template belongs here")
    except (ValueError, KeyError, TypeError) as error:
        raise ArmError(400, "InvalidRequestContent", f"The request content was not valid: {error}") from error
    return body  # type: ignore[no-any-return]


def _resources(body: Document, group: str) -> dict[str, Document]:
    properties = body["properties"]
    try:
        return resources_of(properties["template"], properties.get("parameters") or {}, group)
    except InvalidTemplate as error:
        raise ArmError(400, error.code, f"Deployment template validation failed: '{error}'.") from error


def _under_way(document: Document, state: str) -> Document:
    told = {
        key: value for key, value in document["properties"].items() if key not in ("resources_", "changes", "error")
    }
    return {**document, "properties": {**told, "provisioningState": state}}


def _shown(document: Document) -> Document:
    told = {key: value for key, value in document["properties"].items() if key != "resources_"}
    return {**document, "properties": told}
