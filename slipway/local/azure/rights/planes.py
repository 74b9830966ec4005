"""Services with a data plane of their own: which actions a request takes there, and each one's own refusal."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from slipway.local.azure.rights import arm, places
from slipway.local.azure.rights.given import Demand

_ENTITIES = "Microsoft.Storage/storageAccounts/tableServices/tables/entities"
_TABLES = "Microsoft.Storage/storageAccounts/tableServices/tables"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_STORE = "Microsoft.AppConfiguration/configurationStores"
_SECRETS = "Microsoft.KeyVault/vaults/secrets"
_LOADS = "Microsoft.LoadTestService/loadtests"
_MISMATCH = "AuthorizationPermissionMismatch"
_MAY_NOT = "This request is not authorized to perform this operation using this permission."

Demands = Callable[[web.Request, str], Awaitable[list[Demand]]]
Refused = Callable[[web.Request, Demand, tuple[str, ...], str], web.Response]


@dataclass(frozen=True)
class Plane:
    """The service whose paths begin with `prefix`; `demands` are given the id of the stand-in's group, `refused` the
    object id of who asked."""

    prefix: str
    demands: Demands
    refused: Refused


def plane_of(path: str) -> Plane | None:
    """The service that a path is of; None of one whose rights are not asked for."""
    return next((plane for plane in PLANES if path.startswith(plane.prefix)), None)


# Resource Manager, and the metrics of several resources beside it


async def _arm(request: web.Request, group: str) -> list[Demand]:
    if not request.path.endswith("/metrics:getBatch"):
        return list(arm.demands(request, group))
    try:
        resources = json.loads(await request.read())["resourceids"]
        return [Demand(str(each), ("Microsoft.Insights/metrics/read",)) for each in resources]
    except (ValueError, KeyError, TypeError):
        return []  # it is refused for what it is


def _arm_refused(_: web.Request, demand: Demand, lacking: tuple[str, ...], client: str) -> web.Response:
    return arm.refused(demand, lacking, client)


# Storage


async def _tables(request: web.Request, group: str) -> list[Demand]:
    path, account = unquote(request.path).removeprefix("/tables/"), places.storage(group)
    method = request.headers.get("X-HTTP-Method", request.method)
    if path.startswith("Tables"):
        verb = {"GET": "read", "DELETE": "delete"}.get(method, "write")
        return [Demand(account, (f"{_TABLES}/{verb}",))]
    verbs = {"GET": ("read",), "POST": ("add/action",), "DELETE": ("delete",)}
    upserts = ("add/action", "update/action") if "If-Match" not in request.headers else ("update/action",)
    table = path.partition("(")[0]
    scope = f"{account}/tableServices/default/tables/{table}"
    return [Demand(scope, tuple(f"{_ENTITIES}/{verb}" for verb in verbs.get(method, upserts)))]


def _tables_refused(*_: object) -> web.Response:
    body = {"odata.error": {"code": _MISMATCH, "message": {"lang": "en-US", "value": _MAY_NOT}}}
    return web.json_response(body, status=403, headers={"x-ms-error-code": _MISMATCH})


async def _blobs(request: web.Request, group: str) -> list[Demand]:
    container, _, blob = unquote(request.path).removeprefix("/blob/").partition("/")
    comp, writes = request.query.get("comp", ""), request.method not in ("GET", "HEAD")
    if not blob and comp != "list":
        action = f"{_CONTAINERS}/{'write' if writes else 'read'}"
    else:
        verb = "delete" if request.method == "DELETE" else "write" if writes else "read"
        action = f"{_CONTAINERS}/blobs/{'add/action' if comp == 'appendblock' else verb}"
    scope = f"{places.storage(group)}/blobServices/default/containers/{container}"
    return [Demand(scope, (action,))]


def _blobs_refused(request: web.Request, *_: object) -> web.Response:
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{_MISMATCH}</Code><Message>{_MAY_NOT}</Message></Error>'
    headers = {"x-ms-error-code": _MISMATCH}
    if request.method == "HEAD":
        return web.Response(status=403, headers=headers)
    return web.Response(status=403, headers=headers, text=text, content_type="application/xml")


# Key Vault


async def _vault(request: web.Request, group: str) -> list[Demand]:
    name = request.path.split("/")[2]
    verbs = {"GET": "getSecret", "PUT": "setSecret", "PATCH": "update", "DELETE": "delete"}
    action = f"{_SECRETS}/{verbs.get(request.method, 'update')}"
    action += "/action" if action.endswith("Secret") else ""
    return [Demand(f"{places.vault(group)}/secrets/{name}", (action,))]


def _vault_refused(_: web.Request, demand: Demand, lacking: tuple[str, ...], client: str) -> web.Response:
    message = (
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
        "definitions were changed recently, please observe propagation time.\r\n"
        f"Caller: appid={client};oid={client};iss=https://sts.windows.net/\r\nAction: '{lacking[0]}'\r\n"
        f"Resource: '{demand.scope.lower()}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"
        f"DecisionReason: null \r\nVault: {places.NAME};location=westeurope\r\n"
    )
    body = {"error": {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByRbac"}}}
    return web.json_response(body, status=403)


# App Configuration


async def _values(request: web.Request, group: str) -> list[Demand]:
    verb = {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(request.method, "write")
    actions = [f"{_STORE}/keyValues/{verb}"]
    if "snapshot" in request.query:
        actions = [f"{_STORE}/snapshots/read"]
    return [Demand(places.configuration(group), tuple(actions))]


async def _snapshots(request: web.Request, group: str) -> list[Demand]:
    if request.method == "PATCH":
        actions = [f"{_STORE}/snapshots/archive/action"]
    elif request.method == "PUT":
        actions = [f"{_STORE}/keyValues/read", f"{_STORE}/snapshots/write"]
    else:
        actions = [f"{_STORE}/snapshots/read"]
    return [Demand(places.configuration(group), tuple(actions))]


def _configuration_refused(*_: object) -> web.Response:
    return web.Response(status=403)  # it says no more


# Azure Load Testing, Application Insights, container registries


async def _loads(request: web.Request, group: str) -> list[Demand]:
    resource = request.path.split("/")[2]
    verb = "readTest"
    if request.method == "PATCH":
        verb = "startTest"
    elif request.path.endswith(":stop"):
        verb = "stopTest"
    scope = f"{group}/providers/Microsoft.LoadTestService/loadTests/{resource}"
    return [Demand(scope, (f"{_LOADS}/{verb}/action",))]


def _loads_refused(*_: object) -> web.Response:
    message = "The user is not authorized to perform this action on the load testing resource."
    body = {"error": {"code": "Forbidden", "message": message, "target": None, "details": None}}
    return web.json_response(body, status=403, headers={"x-ms-error-code": "Forbidden"})


async def _telemetry(_: web.Request, group: str) -> list[Demand]:
    return [Demand(places.insights(group), ("Microsoft.Insights/Telemetry/Write",))]


def _telemetry_refused(*_: object) -> web.Response:
    errors = [{"index": 0, "statusCode": 403, "message": "Forbidden"}]
    return web.json_response({"itemsReceived": 0, "itemsAccepted": 0, "errors": errors}, status=403)


async def _registry(request: web.Request, group: str) -> list[Demand]:
    if not request.path.endswith("/oauth2/exchange"):
        return []  # by then it is the registry's own token that counts
    scope = places.registry(group, request.path.split("/")[2])
    return [Demand(scope, ("Microsoft.ContainerRegistry/registries/pull/read",))]


def _registry_refused(*_: object) -> web.Response:
    message = "authentication required, visit https://aka.ms/acr/authorization for more information."
    return web.json_response({"errors": [{"code": "UNAUTHORIZED", "message": message, "detail": None}]}, status=401)


def _planes() -> Iterator[Plane]:
    yield Plane("/subscriptions/", _arm, _arm_refused)
    yield Plane("/tables/", _tables, _tables_refused)
    yield Plane("/blob/", _blobs, _blobs_refused)
    yield Plane("/secrets/", _vault, _vault_refused)
    for path in ("/kv", "/revisions"):
        yield Plane(path, _values, _configuration_refused)
    for path in ("/snapshots/", "/operations"):
        yield Plane(path, _snapshots, _configuration_refused)
    yield Plane("/load-testing/", _loads, _loads_refused)
    for path in ("/v2/track", "/v2.1/track"):
        yield Plane(path, _telemetry, _telemetry_refused)
    yield Plane("/registry/", _registry, _registry_refused)


PLANES = tuple(_planes())
