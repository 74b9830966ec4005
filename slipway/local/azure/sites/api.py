"""Resource Manager for App Service: reads, OneDeploy, swap, start, stop, and polling of the slow ones."""

import re
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from slipway.local.azure.arm import (
    POLL_AGAIN,
    AppServiceError,
    ArmError,
    lies_in,
    not_implemented,
    parsed,
    resource_not_found,
)
from slipway.local.azure.config import StandinConfig
from slipway.local.azure.sites import bodies
from slipway.local.azure.sites.bodies import Resource
from slipway.local.azure.sites.operations import Busy, Operations
from slipway.local.azure.sites.plant import Plant
from slipway.local.azure.sites.routers import RampUpRule, Routers, RulesRefused
from slipway.local.azure.sites.store import PRODUCTION, Deployment, SiteStore, SlotName

OPERATION = re.compile(r"/providers/Microsoft\.Web/locations/[^/]+/operations/(?P<id>[^/]+)", re.IGNORECASE)
SITE = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Web/sites/(?P<site>[^/]+)"
    r"(?:/slots/(?P<slot>[^/]+))?(?P<rest>/.*)?",
    re.IGNORECASE,
)
Model = TypeVar("Model", bound=BaseModel)


class OneDeploy(BaseModel):
    """`properties` of a OneDeploy request. What would need another kind of deployment is refused by name."""

    model_config = ConfigDict(extra="allow")
    package_uri: str = Field(alias="packageUri", min_length=1)
    type: str = "zip"
    tag: str | None = Field(default=None, alias="deploymentTag")
    clean: bool = True
    restart: bool = True


class OneDeployRequest(BaseModel):
    properties: OneDeploy


class Experiments(BaseModel):
    rules: tuple[RampUpRule, ...] = Field(alias="rampUpRules")


class WebConfig(BaseModel):
    """`properties` of a change of `config/web`: only the routing rules can be changed here."""

    model_config = ConfigDict(extra="forbid")
    experiments: Experiments


class WebConfigRequest(BaseModel):
    properties: WebConfig


class SwapRequest(BaseModel):
    target: str = Field(alias="targetSlot", min_length=1)


class SitesApi:
    """`ports` are those that the front ends really listen on; `base` is the server's address."""

    def __init__(
        self,
        config: StandinConfig,
        store: SiteStore,
        plant: Plant,
        routers: Routers,
        operations: Operations,
        base: str,
        ports: dict[SlotName, int],
    ) -> None:
        self._config = config
        self._store = store
        self._plant = plant
        self._routers = routers
        self._operations = operations
        self._base = base
        self._resources = {
            SlotName(site.name, slot): Resource(
                name=SlotName(site.name, slot),
                group_id=config.group_of(site),
                location=site.location,
                port=ports[SlotName(site.name, slot)],
                always_on=site.always_on,
            )
            for site in config.sites
            for slot in (PRODUCTION, *(slot.name for slot in site.slots))
        }

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.Web; as `arm.Provider` has it."""
        if (polled := OPERATION.fullmatch(rest)) and request.method == "GET":
            return self._show_operation(polled["id"])
        of_site = SITE.fullmatch(rest)
        if of_site is None:
            return None
        resource = self._find(request, of_site["group"], of_site["site"], of_site["slot"])
        try:
            return await self._route_site(request, resource, (of_site["rest"] or "").rstrip("/"))
        except Busy as busy:
            operation = busy.operation
            raise AppServiceError(
                409,
                "Conflict",
                "Cannot modify this site because another operation is in progress. Details: "
                f"Id: {operation.id}, OperationName: {_operation_name(operation.kind)},"
                f" CreatedTime: {operation.started}",
            ) from busy

    async def _route_site(self, request: web.Request, resource: Resource, rest: str) -> web.Response:
        kind, _, name = rest.removeprefix("/").partition("/")
        if request.method == "GET":
            await self._operations.looked_at(resource.name)
        match request.method, kind.lower(), name.lower():
            case "GET", "", "":
                return web.json_response(self._site(resource))
            case "GET", "slots", "" if not resource.is_slot:
                slots = (each for each in self._resources.values() if each.name.site == resource.name.site)
                return web.json_response({"value": [self._site(slot) for slot in slots if slot.is_slot]})
            case "GET", "config", "web":
                return self._show_config(resource)
            case "PATCH", "config", "web" if not resource.is_slot:
                return self._configure(resource, await request.read())
            case "GET", "instances", "":
                return web.json_response({"value": self._instances(resource)})
            case "GET", "deployments", "":
                made = self._store.deployments(resource.name)
                return web.json_response({"value": [self._deployment(resource, each) for each in made]})
            case "GET", "deployments", id:
                return web.json_response(self._deployment(resource, self._made(resource, id)))
            case "GET", "deploymentstatus", id if id and "/" not in id:
                return self._show_deployment_status(resource, self._made(resource, id))
            case "GET", "deploymentstatus", log if log.endswith("/log"):
                return web.Response(text=self._made(resource, log.removesuffix("/log")).log_tail or "")
            case "GET", "extensions", "onedeploy":
                return web.json_response(bodies.one_deploy(resource, self._made(resource, "latest")))
            case "PUT", "extensions", "onedeploy":
                return self._deploy(resource, await request.read())
            case "POST", "slotsswap", "":
                return self._swap(resource, await request.read())
            case "GET", "operationresults", id:
                return self._show_result(resource, id)
            case "POST", "start", "":
                await self._operations.start_slot(resource.name)
                return web.Response(status=200)
            case "POST", "stop", "":
                await self._operations.stop_slot(resource.name)
                return web.Response(status=200)
        raise not_implemented(request)

    def _find(self, request: web.Request, group: str, site: str, slot: str | None) -> Resource:
        resource = self._resources.get(SlotName(site.lower(), (slot or PRODUCTION).lower()))
        if resource is None or not lies_in(request, resource.group_id):
            what = f"Microsoft.Web/sites/{site}" + (f"/slots/{slot}" if slot else "")
            raise resource_not_found(what, group)
        return resource

    def _made(self, resource: Resource, id: str) -> Deployment:
        """A deployment by id, or the newest one as `latest`."""
        made = self._store.deployments(resource.name)
        found = made[0] if id == "latest" and made else next((each for each in made if each.id == id), None)
        if found is None:
            raise AppServiceError(404, "NotFound", f"Deployment '{id}' was not found.")
        return found

    def _site(self, resource: Resource) -> dict[str, Any]:
        slot = self._store.slot(resource.name)
        return bodies.site(resource, slot, self._store.in_progress_on(resource.name))

    def _instances(self, resource: Resource) -> list[dict[str, Any]]:
        crew = self._plant.crew(resource.name)
        workers = crew.workers if crew else ()
        return [bodies.instance(resource, worker.instance, worker.door is not None) for worker in workers]

    def _show_config(self, resource: Resource) -> web.Response:
        rules = [] if resource.is_slot else self._routers.accepted(resource.name.site)
        return web.json_response(bodies.web_config(resource, self._config.instances, rules))

    def _configure(self, resource: Resource, body: bytes) -> web.Response:
        self._operations.refuse_second(resource.name)
        try:
            self._routers.accept(resource.name.site, _parse(WebConfigRequest, body).properties.experiments.rules)
        except RulesRefused as refusal:
            raise AppServiceError(400, "BadRequest", str(refusal)) from refusal
        return self._show_config(resource)

    def _deployment(self, resource: Resource, made: Deployment) -> dict[str, Any]:
        return bodies.deployment(resource, made, active=self._store.slot(resource.name).release == made.id)

    def _show_deployment_status(self, resource: Resource, made: Deployment) -> web.Response:
        here = f"{self._base}{resource.id}/deploymentStatus/{made.id}"
        body = bodies.deployment_status(resource, made, self._config.instances, f"{here}/log?api-version=2025-05-01")
        if made.ended:
            return web.json_response(body)
        headers = {"Location": f"{here}?api-version=2025-05-01", **POLL_AGAIN}
        return web.json_response(body, status=202, headers=headers)

    def _deploy(self, resource: Resource, body: bytes) -> web.Response:
        request = _parse(OneDeployRequest, body).properties
        for option, is_served in (
            (f"type={request.type}", request.type == "zip"),
            ("clean=false", request.clean),
            ("restart=false", request.restart),
        ):
            if not is_served:
                raise ArmError(501, "NotImplemented", f"OneDeploy with {option} is not in this stand-in.")
        if self._store.slot(resource.name).state == "Stopped":
            raise AppServiceError(409, "Conflict", f"Site {resource.name} is stopped. Start it before you deploy.")
        id = self._operations.deploy(resource.name, request.package_uri, request.tag)
        made = self._store.deployment(id)
        assert made is not None
        return web.json_response(
            bodies.one_deploy(resource, made), status=202, headers=self._follow(resource, id, status=True)
        )

    def _swap(self, resource: Resource, body: bytes) -> web.Response:
        request = _parse(SwapRequest, body)
        target = SlotName(resource.name.site, request.target.lower())
        if target == resource.name or target not in self._resources:
            raise AppServiceError(400, "BadRequest", f"'{request.target}' is no slot to swap '{resource.name}' with.")
        id = self._operations.swap(resource.name, target)
        return web.Response(status=202, headers=self._follow(resource, id, status=False))

    def _follow(self, resource: Resource, id: str, status: bool) -> dict[str, str]:
        """Where to ask for the operation. A swap has only `Location`, as App Service's has."""
        version = "?api-version=2025-05-01"
        headers = {"Location": f"{self._base}{resource.id}/operationresults/{id}{version}", **POLL_AGAIN}
        if status:
            location = resource.location.replace(" ", "").lower()
            headers["Azure-AsyncOperation"] = (
                f"{self._base}/subscriptions/{resource.subscription}/providers/Microsoft.Web"
                f"/locations/{location}/operations/{id}{version}"
            )
        return headers

    def _show_operation(self, id: str) -> web.Response:
        operation = self._store.operation(id)
        if operation is None:
            raise ArmError(404, "NotFound", f"Operation '{id}' was not found.")
        headers = POLL_AGAIN if operation.status == "InProgress" else None
        return web.json_response(bodies.operation_status(operation), headers=headers)

    def _show_result(self, resource: Resource, id: str) -> web.Response:
        operation = self._store.operation(id)
        if operation is None or operation.slot != resource.name:
            raise ArmError(404, "NotFound", f"Operation '{id}' was not found.")
        if operation.status == "InProgress":
            return web.Response(status=202, headers=self._follow(resource, id, operation.kind == "deploy"))
        if operation.status == "Failed":
            raise AppServiceError(409, operation.code or "Conflict", operation.message or "it failed")
        if operation.kind == "deploy":
            return web.json_response(bodies.one_deploy(resource, self._made(resource, id)))
        return web.json_response(self._site(resource))


def _parse(model: type[Model], body: bytes) -> Model:
    try:
        return parsed(model, body)
    except ValueError as error:
        raise AppServiceError(400, "BadRequest", str(error)) from error


def _operation_name(kind: str) -> str:
    return {"deploy": "OneDeploy", "swap": "SwapSiteSlots"}[kind]
