"""kubectl as its command line has it, of the two verbs that are needed here: `get --raw` and `patch`."""

import argparse
import json
from dataclasses import replace
from typing import Any, NoReturn

from slipway.local.azure.aks.documents import Documents, NotThere
from slipway.local.azure.aks.helm import Asked, ToolFailed
from slipway.local.azure.aks.pods import Pods
from slipway.local.azure.aks.store import ClusterStore, Key, Service
from slipway.local.azure.container_apps.updates import merged


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ToolFailed(f"error: {message}")


class Kubectl:
    def __init__(self, store: ClusterStore, pods: Pods, documents: Documents) -> None:
        self._store = store
        self._pods = pods
        self._documents = documents

    async def run(self, asked: Asked) -> str:
        """What it prints. Raises ToolFailed."""
        match asked.arguments:
            case ["get", "--raw", path]:
                return await self._raw(asked.cluster, path)
            case ["patch", *rest]:
                return await self._patch(asked.cluster, rest)
        raise ToolFailed(f"error: unknown command {json.dumps(' '.join(asked.arguments))}")

    async def _raw(self, cluster: str, path: str) -> str:
        try:
            found = await self._documents.at(cluster, path)
        except NotThere as missing:
            raise ToolFailed(f"Error from server (NotFound): {missing}") from missing
        return found if isinstance(found, str) else json.dumps(found) + "\n"

    async def _patch(self, cluster: str, rest: list[str]) -> str:
        parser = _Parser(prog="kubectl", add_help=False)
        parser.add_argument("kind", choices=("deployment", "service"))
        parser.add_argument("name")
        parser.add_argument("-n", "--namespace", default="default")
        parser.add_argument("--type", choices=("merge",), required=True)
        parser.add_argument("-p", "--patch", required=True)
        given = parser.parse_args(rest)
        key = Key(cluster, given.namespace, given.name)
        change = json.loads(given.patch)
        if given.kind == "deployment":
            await self._change_deployment(key, change)
        else:
            self._change_service(key, change)
        return f"{given.kind}/{given.name} patched\n"

    async def _change_deployment(self, key: Key, change: dict[str, Any]) -> None:
        before = self._store.deployment(key)
        if before is None:
            raise ToolFailed(f'Error from server (NotFound): deployments.apps "{key.name}" not found')
        annotations = merged(before.annotations, change.get("metadata", {}).get("annotations", {}))
        replicas = change.get("spec", {}).get("replicas", before.replicas)
        after = replace(before, annotations=annotations, replicas=replicas)
        if replicas == before.replicas:
            self._store.put(key, after)
            return
        after = replace(after, generation=before.generation + 1)
        if replicas:
            self._pods.roll(key, after)
            return
        self._store.put(key, replace(after, serving="", state="available", looks=0))
        await self._pods.stop(key)

    def _change_service(self, key: Key, change: dict[str, Any]) -> None:
        before = self._store.service(key)
        if before is None:
            raise ToolFailed(f'Error from server (NotFound): services "{key.name}" not found')
        selector = merged(before.selector, change.get("spec", {}).get("selector", {}))
        if selector == before.selector:
            return
        after = Service(selector, before.followed, before.version + 1)
        self._store.put(key, after)
        self._pods.follow(key, after)
