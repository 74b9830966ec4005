"""JSON merge patches of Deployments and Services: replicas and annotations, and a selector; ConfigMaps as applied."""

from dataclasses import replace
from typing import Any

from slipway.local.azure.aks.documents import NotThere
from slipway.local.azure.aks.pods import Pods
from slipway.local.azure.aks.store import ClusterStore, ConfigMap, Key, Service
from slipway.local.azure.container_apps.updates import merged

Change = dict[str, Any]


class Conflict(Exception):
    """It is another one than the patch was made for; the words are the API server's."""


class Patches:
    def __init__(self, store: ClusterStore, pods: Pods) -> None:
        self._store = store
        self._pods = pods

    async def apply(self, kind: str, key: Key, change: Change) -> None:
        """Raises NotThere and Conflict."""
        if kind == "deployments":
            await self._deployment(key, change)
        elif kind == "services":
            self._service(key, change)
        else:
            raise NotThere("the server could not find the requested resource")

    def applied(self, kind: str, key: Key, wanted: Change) -> None:
        """Made, or all of it changed: nobody else writes them here. Raises NotThere."""
        if kind != "configmaps":
            raise NotThere("the server could not find the requested resource")
        self._store.put(key, ConfigMap(wanted.get("data") or {}))

    async def _deployment(self, key: Key, change: Change) -> None:
        before = self._store.deployment(key)
        if before is None:
            raise NotThere(f'deployments.apps "{key.name}" not found')
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

    def _service(self, key: Key, change: Change) -> None:
        before = self._store.service(key)
        if before is None:
            raise NotThere(f'services "{key.name}" not found')
        if change.get("metadata", {}).get("resourceVersion", str(before.version)) != str(before.version):
            message = f'Operation cannot be fulfilled on services "{key.name}": the object has been modified'
            raise Conflict(message)
        selector = merged(before.selector, change.get("spec", {}).get("selector", {}))
        if selector == before.selector:
            return
        after = Service(selector, before.followed, before.version + 1)
        self._store.put(key, after)
        self._pods.follow(key, after)
