"""Resource Manager for Container Apps (Microsoft.App): the app, its revisions, and updates that take a while."""

import json
import re
from typing import Any

from aiohttp import web

from slipway.local.azure.arm import POLL_AGAIN, ArmError, lies_in, not_implemented, resource_not_found
from slipway.local.azure.config import ContainerAppConfig, StandinConfig
from slipway.local.azure.container_apps.fleet import Fleet
from slipway.local.azure.container_apps.store import AppStore, Revision
from slipway.local.azure.container_apps.updates import Busy, UpdateRefused, Updates, weights_of
from slipway.local.azure.rights import places

RESULT = re.compile(
    r"/providers/Microsoft\.App/locations/[^/]+/containerappOperationResults/(?P<id>[^/]+)", re.IGNORECASE
)
APP = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.App/containerApps/(?P<app>[^/]+)(?P<rest>/.*)?",
    re.IGNORECASE,
)
MAY_CHANGE = {"template", "configuration"}


class ContainerAppsApi:
    """`base` is the server's address, `ports` those of the apps' front ends. In virtual time whoever asks for an
    update hears of its end."""

    def __init__(
        self,
        config: StandinConfig,
        store: AppStore,
        fleet: Fleet,
        updates: Updates,
        base: str,
        ports: dict[str, int],
        virtual_time: bool,
    ) -> None:
        self._config = config
        self._apps = {app.name: app for app in config.container_apps}
        self._store = store
        self._fleet = fleet
        self._updates = updates
        self._base = base
        self._ports = ports
        self._virtual_time = virtual_time

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.App; as `arm.Provider` has it."""
        if (polled := RESULT.fullmatch(rest)) and request.method == "GET":
            return await self._show_result(polled["id"])
        of_app = APP.fullmatch(rest)
        if of_app is None:
            return None
        app = self._apps.get(of_app["app"].lower())
        if app is None or not lies_in(request, self._config.group):
            raise resource_not_found(f"Microsoft.App/containerApps/{of_app['app']}", of_app["group"])
        parts = [part for part in (of_app["rest"] or "").split("/") if part]
        match request.method, *parts:
            case ["GET"]:
                return web.json_response(self._app(app))
            case ["PATCH"]:
                return self._update(app, await request.read())
            case ["GET", "revisions"]:
                return web.json_response(
                    {"value": [self._revision(app, each) for each in self._store.revisions(app.name)]}
                )
            case ["GET", "revisions", name]:
                return web.json_response(self._revision(app, self._found(app, name)))
            case ["GET", "revisions", name, "replicas"]:
                return web.json_response({"value": self._replicas(app, self._found(app, name))})
            case ["POST", "revisions", name, "activate"]:
                return await self._activate(self._found(app, name))
            case ["POST", "revisions", name, "deactivate"]:
                return await self._deactivate(app, self._found(app, name))
        raise not_implemented(request)

    def _update(self, app: ContainerAppConfig, body: bytes) -> web.Response:
        try:
            change = json.loads(body)["properties"]
            if not isinstance(change, dict) or set(change) - MAY_CHANGE:
                raise ValueError(f"only {' and '.join(sorted(MAY_CHANGE))} can be changed here")
            id = self._updates.begin(app.name, change)
        except (ValueError, KeyError, TypeError) as error:
            raise ArmError(400, "InvalidRequestContent", f"The request content was not valid: {error}") from error
        except UpdateRefused as refusal:
            raise ArmError(400, refusal.code, str(refusal)) from refusal
        except Busy as busy:
            message = f"Cannot modify container app '{app.name}': another operation is in progress."
            raise ArmError(409, "ContainerAppOperationInProgress", message) from busy
        return web.json_response(self._app(app), status=202, headers=self._follow(app, id))

    async def _show_result(self, id: str) -> web.Response:
        if self._virtual_time:
            await self._updates.ended(id)
        update = self._store.update(id)
        if update is None:
            raise ArmError(404, "NotFound", f"Operation '{id}' was not found.")
        app = self._apps[update.app]
        if not update.ended:
            return web.Response(status=202, headers=self._follow(app, id))
        return web.json_response(self._app(app))

    async def _activate(self, revision: Revision) -> web.Response:
        self._store.set_active(revision, True)
        await self._fleet.start(revision)
        return web.Response(status=200)

    async def _deactivate(self, app: ContainerAppConfig, revision: Revision) -> web.Response:
        if self._weight(app, revision):
            message = f"Revision '{revision.name}' receives traffic and cannot be deactivated."
            raise ArmError(400, "RevisionReceivesTraffic", message)
        self._store.set_active(revision, False)
        await self._fleet.stop(revision)
        return web.Response(status=200)

    def _follow(self, app: ContainerAppConfig, id: str) -> dict[str, str]:
        location = app.location.replace(" ", "").lower()
        path = f"/providers/Microsoft.App/locations/{location}/containerappOperationResults/{id}?api-version=2026-07-01"
        return {"Location": f"{self._base}/subscriptions/{self._config.subscription}{path}", **POLL_AGAIN}

    def _found(self, app: ContainerAppConfig, name: str) -> Revision:
        revision = self._store.revision(app.name, name)
        if revision is None:
            raise ArmError(404, "RevisionNotFound", f"Revision '{name}' of '{app.name}' was not found.")
        return revision

    def _id(self, app: ContainerAppConfig) -> str:
        return f"{self._config.group}/providers/Microsoft.App/containerApps/{app.name}"

    def _app(self, app: ContainerAppConfig) -> dict[str, Any]:
        kept = self._store.app(app.name)
        configuration = kept.properties["configuration"]
        ingress = {**configuration["ingress"], "fqdn": f"localhost:{self._ports[app.name]}"}
        return {
            "id": self._id(app),
            "name": app.name,
            "type": "Microsoft.App/containerApps",
            "location": app.location,
            "properties": {
                **kept.properties,
                "environmentId": places.environment(self._config.group),
                "configuration": {**configuration, "ingress": ingress},
                "provisioningState": "InProgress" if self._updates.under_way(app.name) else "Succeeded",
                "runningStatus": "Running",
                "latestRevisionName": kept.latest,
            },
        }

    def _weight(self, app: ContainerAppConfig, revision: Revision) -> int:
        return sum(weight for weight, name in weights_of(self._store.app(app.name)) if name == revision.name)

    def _revision(self, app: ContainerAppConfig, revision: Revision) -> dict[str, Any]:
        crew = self._fleet.crew(revision.name)
        well = crew is not None and any(worker.door for worker in crew.workers)
        running = (
            "Running" if well else {"Provisioning": "Processing", "Failed": "Failed"}.get(revision.state, "Degraded")
        )
        return {
            "id": f"{self._id(app)}/revisions/{revision.name}",
            "name": revision.name,
            "type": "Microsoft.App/containerApps/revisions",
            "properties": {
                "createdTime": revision.created,
                "fqdn": f"localhost:{self._fleet.port(revision.name)}",
                "template": revision.template,
                "active": revision.active,
                "replicas": len(crew.workers) if crew else 0,
                "trafficWeight": self._weight(app, revision),
                "provisioningState": revision.state,
                "provisioningError": revision.error,
                "runningState": running if revision.active else "Stopped",
                "healthState": "Healthy" if well else "None" if revision.state == "Provisioning" else "Unhealthy",
            },
        }

    def _replicas(self, app: ContainerAppConfig, revision: Revision) -> list[dict[str, Any]]:
        crew = self._fleet.crew(revision.name)
        return [
            {
                "id": f"{self._id(app)}/revisions/{revision.name}/replicas/{worker.instance}",
                "name": worker.instance,
                "type": "Microsoft.App/containerApps/revisions/replicas",
                "properties": {"runningState": "Running" if worker.door else "NotRunning"},
            }
            for worker in (crew.workers if crew else ())
        ]
