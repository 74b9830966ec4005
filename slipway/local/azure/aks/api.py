"""Resource Manager for AKS (Microsoft.ContainerService): the cluster, its users' kubeconfig, and commands run in it."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import yaml
from aiohttp import web

from slipway.local.azure.aks.commands import Commands
from slipway.local.azure.aks.store import ClusterStore, Command
from slipway.local.azure.arm import POLL_AGAIN, ArmError, lies_in, not_implemented, resource_not_found
from slipway.local.azure.config import ClusterConfig, StandinConfig
from slipway.local.azure.tokens import TokenRefused, Tokens

CLUSTER = re.compile(
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.ContainerService/managedClusters/(?P<cluster>[^/]+)"
    r"(?P<rest>/.*)?",
    re.IGNORECASE,
)
AKS_SERVER = ("6dae42f8-4368-4678-94ff-3960e28e3630",)  # the audience of every cluster with Entra ID


class ClustersApi:
    """`ports` are those of the clusters' API servers, whose certificates `authority` (PEM) has signed. A command's
    result shows after `looks`, and then whoever asks hears of its end."""

    def __init__(
        self,
        config: StandinConfig,
        store: ClusterStore,
        commands: Commands,
        tokens: Tokens,
        base: str,
        ports: dict[str, int],
        authority: Callable[[], bytes],
        looks: int,
    ) -> None:
        self._config = config
        self._clusters = {cluster.name: cluster for cluster in config.clusters}
        self._store = store
        self._commands = commands
        self._tokens = tokens
        self._base = base
        self._ports = ports
        self._authority = authority
        self._looks = looks

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """Of Microsoft.ContainerService; as `arm.Provider` has it."""
        named = CLUSTER.fullmatch(rest)
        if named is None:
            return None
        cluster = self._clusters.get(named["cluster"].lower())
        if cluster is None or not lies_in(request, self._config.group):
            raise resource_not_found(f"Microsoft.ContainerService/managedClusters/{named['cluster']}", named["group"])
        parts = [part for part in (named["rest"] or "").split("/") if part]
        match request.method, *parts:
            case ["GET"]:
                return web.json_response(self._cluster(cluster))
            case ["POST", "listClusterUserCredential"]:
                return web.json_response({"kubeconfigs": [self._kubeconfig(cluster)]})
            case ["POST", "runCommand"]:
                return self._run(cluster, await request.read())
            case ["GET", "commandResults", id]:
                return await self._result(cluster, id)
        raise not_implemented(request)

    def _run(self, cluster: ClusterConfig, body: bytes) -> web.Response:
        try:
            asked = json.loads(body)
            command, context = str(asked["command"]), str(asked.get("context") or "")
        except (ValueError, KeyError, TypeError) as error:
            raise ArmError(400, "InvalidRequestContent", f"The request content was not valid: {error}") from error
        if cluster.entra:
            try:
                self._tokens.check(f"Bearer {asked.get('clusterToken') or ''}", AKS_SERVER)
            except TokenRefused as refusal:
                raise ArmError(400, "BadRequest", f"clusterToken is not valid for this cluster: {refusal}") from refusal
        id = self._commands.begin(cluster.name, command, context)
        return web.Response(status=202, headers=self._follow(cluster, id))

    async def _result(self, cluster: ClusterConfig, id: str) -> web.Response:
        command = self._store.command(id)
        if command is None or command.cluster != cluster.name:
            raise ArmError(404, "NotFound", f"Command '{id}' was not found.")
        command = self._store.look_at(command)
        if self._looks and command.looks >= self._looks:
            await self._commands.ended(id)
            command = self._store.command(id) or command
        if command.finished is None or command.looks < self._looks:
            return web.Response(status=202, headers=self._follow(cluster, id))
        return web.json_response(_result(command))

    def _follow(self, cluster: ClusterConfig, id: str) -> dict[str, str]:
        path = f"{self._id(cluster)}/commandResults/{id}?api-version=2026-08-01"
        return {"Location": self._base + path, **POLL_AGAIN}

    def _id(self, cluster: ClusterConfig) -> str:
        return f"{self._config.group}/providers/Microsoft.ContainerService/managedClusters/{cluster.name}"

    def _host(self, cluster: ClusterConfig) -> str:
        return f"localhost:{self._ports[cluster.name]}"

    def _cluster(self, cluster: ClusterConfig) -> dict[str, Any]:
        properties: dict[str, Any] = {"provisioningState": "Succeeded", "fqdn": self._host(cluster)}
        properties |= {"kubernetesVersion": "1.33", "powerState": {"code": "Running"}, "enableRBAC": True}
        if cluster.entra:
            properties |= {"aadProfile": {"managed": True, "enableAzureRBAC": False}, "disableLocalAccounts": True}
        return {
            "id": self._id(cluster),
            "name": cluster.name,
            "type": "Microsoft.ContainerService/managedClusters",
            "location": cluster.location,
            "properties": properties,
        }

    def _kubeconfig(self, cluster: ClusterConfig) -> dict[str, str]:
        signed_by = base64.b64encode(self._authority()).decode()
        server = {"certificate-authority-data": signed_by, "server": f"https://{self._host(cluster)}"}
        told = {"apiVersion": "v1", "kind": "Config", "clusters": [{"name": cluster.name, "cluster": server}]}
        return {"name": "clusterUser", "value": base64.b64encode(yaml.safe_dump(told).encode()).decode()}


def _result(command: Command) -> dict[str, Any]:
    told: dict[str, Any] = {"startedAt": command.started, "finishedAt": command.finished, "logs": command.logs}
    if command.reason:
        told |= {"provisioningState": "Failed", "reason": command.reason}
    else:
        told |= {"provisioningState": "Succeeded", "exitCode": command.exit_code}
    return {"id": command.id, "properties": told}
