"""Resource Manager for Front Door Standard and Premium (Microsoft.Cdn, api-version 2026-10-01): reads, changes, and
the operations by which they are followed. What Azure accepts is not yet at its edges: see `store`."""

import json
import re
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from slipway.local.azure.arm import POLL_AGAIN, ArmError, group_not_found, not_implemented, resource_not_found
from slipway.local.azure.config import FrontDoorConfig, StandinConfig
from slipway.local.azure.front_door.changes import Busy, ChangeRefused, Changes
from slipway.local.azure.front_door.resources import MADE_HERE, MODELS, NAMES, kinds_of
from slipway.local.azure.front_door.store import Change, Document, FrontDoorStore, Resource

RESULT = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Cdn/operationresults/(?P<id>[^/]+)(?P<resource>/.+)?",
    re.IGNORECASE,
)
PROFILE = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Cdn/profiles/(?P<profile>[^/]+)(?:/(?P<rest>.*))?",
    re.IGNORECASE,
)
RULE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,259}")
CONFLICT = "The resource is in transition: another operation on it is in progress."


class FrontDoorApi:
    """`base` is the server's address."""

    def __init__(self, config: StandinConfig, store: FrontDoorStore, changes: Changes, base: str) -> None:
        self._config = config
        self._profiles = {each.name.lower(): each for each in config.front_doors}
        self._store = store
        self._changes = changes
        self._base = base
        self._group_id = f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}"

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.Cdn; as `arm.Provider` has it."""
        if (polled := RESULT.fullmatch(rest)) and request.method == "GET":
            return self._show_result(polled["id"]) if polled["resource"] else self._show_operation(polled["id"])
        of_profile = PROFILE.fullmatch(rest)
        if of_profile is None:
            return None
        if of_profile["group"].lower() != self._config.resource_group.lower():
            raise group_not_found(of_profile["group"])
        profile = self._profiles.get(of_profile["profile"].lower())
        if profile is None:
            raise resource_not_found(f"Microsoft.Cdn/profiles/{of_profile['profile']}", of_profile["group"])
        parts = [part for part in (of_profile["rest"] or "").split("/") if part]
        if not parts and request.method == "GET":
            return web.json_response(self._profile(profile))
        return await self._of_resource(request, profile, parts)

    async def _of_resource(self, request: web.Request, profile: FrontDoorConfig, parts: list[str]) -> web.Response:
        path, kinds = "/".join(parts).lower(), kinds_of("/".join(parts).lower())
        if kinds not in MODELS:
            raise not_implemented(request)
        resources = self._store.shown(profile.name)
        for length in range(2, len(parts), 2):  # what it is below must be there
            self._found(profile, resources, "/".join(parts[:length]))
        if len(parts) % 2 == 1 and request.method == "GET":
            listed = [each for each in resources.values() if kinds_of(each.path) == kinds]
            below = [self._shown(profile, each) for each in listed if each.path.startswith(f"{path}/")]
            return web.json_response({"value": below})
        if len(parts) % 2 == 1:
            raise not_implemented(request)
        match request.method:
            case "GET":
                return web.json_response(self._shown(profile, self._found(profile, resources, "/".join(parts))))
            case "PATCH":
                resource = self._found(profile, resources, "/".join(parts))
                asked = _properties(await request.read())
                return self._begun(profile, resource.path, resource.name, asked)
            case "PUT" if kinds in MADE_HERE:
                if not RULE_NAME.fullmatch(parts[-1]):
                    raise ArmError(400, "BadRequest", f"The name '{parts[-1]}' is not valid: letters and digits only.")
                asked = _properties(await request.read())
                return self._begun(profile, path, parts[-1], asked, new=path not in resources)
            case "DELETE" if kinds in MADE_HERE:
                if path not in resources:
                    return web.Response(status=204)
                return self._begun(profile, path, resources[path].name, None)
        raise not_implemented(request)

    def _begun(
        self, profile: FrontDoorConfig, path: str, name: str, asked: Document | None, new: bool | None = None
    ) -> web.Response:
        """`new` says of something that is put whether it was not there before."""
        try:
            change = self._changes.begin(profile.name, path, name, asked, whole=new is not None)
        except Busy as busy:
            raise ArmError(409, "Conflict", CONFLICT) from busy
        except ChangeRefused as refusal:
            raise ArmError(400, "BadRequest", str(refusal)) from refusal
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ArmError(400, "BadRequest", f"properties.{where}: {first['msg']}") from error
        except ValueError as error:
            raise ArmError(400, "BadRequest", f"properties.{error}") from error
        headers = self._follow(profile, change)
        if change.properties is None:
            return web.Response(status=202, headers=headers)
        state = "Creating" if new else "Updating"
        body = self._body(profile, Resource(path, name, change.properties), state)
        return web.json_response(body, status=201 if new else 202, headers=headers)

    def _follow(self, profile: FrontDoorConfig, change: Change) -> dict[str, str]:
        operation = f"{self._base}{self._group_id}/providers/Microsoft.Cdn/operationresults/{change.id}"
        kind = kinds_of(change.path).rpartition("/")[2].removesuffix("s")
        version = "?api-version=2026-10-01"
        return {
            "Azure-AsyncOperation": f"{operation}{version}",
            "Location": f"{operation}/profileresults/{profile.name}/{kind}results/{change.name}{version}",
            **POLL_AGAIN,
        }

    def _show_operation(self, id: str) -> web.Response:
        change = self._change(id)
        status = "InProgress" if not self._changes.ended(change) else "Failed" if change.failed else "Succeeded"
        error = {"code": "None", "message": None}
        if status == "Failed":
            error = {"code": "InternalServerError", "message": "The operation failed on the service's side."}
        headers = POLL_AGAIN if status == "InProgress" else None
        return web.json_response({"name": id, "status": status, "error": error}, headers=headers)

    def _show_result(self, id: str) -> web.Response:
        change = self._change(id)
        profile = self._profiles[change.profile.lower()]
        if not self._changes.ended(change):
            return web.Response(status=202, headers=self._follow(profile, change))
        if change.failed:
            raise ArmError(500, "InternalServerError", "The operation failed on the service's side.")
        resource = self._store.shown(profile.name).get(change.path)
        return web.json_response(self._shown(profile, resource)) if resource else web.Response(status=204)

    def _change(self, id: str) -> Change:
        change = self._store.change(id)
        if change is None:
            raise ArmError(404, "NotFound", f"Operation '{id}' was not found.")
        return change

    def _found(self, profile: FrontDoorConfig, resources: dict[str, Resource], path: str) -> Resource:
        if path.lower() not in resources:
            raise resource_not_found(f"Microsoft.Cdn/profiles/{profile.name}/{path}", self._config.resource_group)
        return resources[path.lower()]

    def _profile(self, profile: FrontDoorConfig) -> dict[str, Any]:
        return {
            "id": f"{self._group_id}/providers/Microsoft.Cdn/profiles/{profile.name}",
            "name": profile.name,
            "type": "Microsoft.Cdn/profiles",
            "kind": "frontdoor",
            "location": "Global",
            "sku": {"name": "Standard_AzureFrontDoor"},
            "tags": {},
            "properties": {
                "originResponseTimeoutSeconds": 60,
                "provisioningState": "Succeeded",
                "resourceState": "Active",
                "extendedProperties": {},
            },
        }

    def _shown(self, profile: FrontDoorConfig, resource: Resource) -> dict[str, Any]:
        busy = self._store.under_way(profile.name, resource.path)
        state = "Succeeded" if busy is None else "Deleting" if busy.properties is None else "Updating"
        if state == "Updating" and resource.path not in self._store.accepted(profile.name):
            state = "Creating"
        return self._body(profile, resource, state)

    def _body(self, profile: FrontDoorConfig, resource: Resource, state: str) -> dict[str, Any]:
        parts = resource.path.split("/")
        kinds = [NAMES[part] for part in parts[::2]]
        names = [*parts[1:-1:2], resource.name]
        path = "/".join(part for pair in zip(kinds, names, strict=True) for part in pair)
        owner = {"originGroupName": names[0]} if len(names) > 1 and kinds[0] == "originGroups" else {}
        owner |= {"endpointName": names[0]} if len(names) > 1 and kinds[0] == "afdEndpoints" else {}
        owner |= {"ruleSetName": names[0]} if len(names) > 1 and kinds[0] == "ruleSets" else {}
        owner |= {"profileName": profile.name} if len(names) == 1 else {}
        return {
            "id": f"{self._group_id}/providers/Microsoft.Cdn/profiles/{profile.name}/{path}",
            "name": resource.name,
            "type": f"Microsoft.Cdn/profiles/{'/'.join(kinds).lower()}",
            # `deploymentStatus` says nothing of the edges, and never changes, as in dumps of live profiles.
            "properties": {
                **owner,
                **resource.properties,
                "provisioningState": state,
                "deploymentStatus": "NotStarted",
            },
        }


def _properties(body: bytes) -> Document:
    try:
        asked = json.loads(body or b"{}").get("properties", {})
        if not isinstance(asked, dict):
            raise ValueError("properties is no object")
    except (ValueError, AttributeError) as error:
        raise ArmError(400, "BadRequest", f"The request content was not valid: {error}") from error
    return asked
