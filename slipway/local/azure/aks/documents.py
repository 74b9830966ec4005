"""What the Kubernetes API answers: Deployments, autoscalers, Services with their endpoints, pods, Helm's secrets."""

import base64
import gzip
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slipway.local.azure.aks.pods import INSTANCE, Pods
from slipway.local.azure.aks.store import Autoscaler, ClusterStore, Key, Record

NAMESPACED = re.compile(r"/(?P<group>api/v1|apis/[a-z0-9./]+)/namespaces/(?P<namespace>[^/]+)/(?P<rest>.+)")
Document = dict[str, Any]


class NotThere(Exception):
    """The words are the API server's."""


class Documents:
    """`virtual`: whoever looks at a rollout waits for it, and it shows after some looks."""

    def __init__(self, store: ClusterStore, pods: Pods, virtual: bool) -> None:
        self._store = store
        self._pods = pods
        self._virtual = virtual

    async def at(self, cluster: str, path: str) -> Document | str:
        """The document there, or a log. Raises NotThere."""
        address = urlsplit(path)
        named = NAMESPACED.fullmatch(address.path)
        if named is None:
            raise NotThere("the server could not find the requested resource")
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        labels = dict(pair.split("=", 1) for pair in query.get("labelSelector", "").split(",") if "=" in pair)

        def key(name: str) -> Key:
            return Key(cluster, named["namespace"], name)

        match named["group"], named["rest"].split("/"):
            case "apis/apps/v1", ["deployments", name]:
                return await self._deployment(key(name))
            case "apis/autoscaling/v2", ["horizontalpodautoscalers"]:
                return {"items": [self._scaler(each) for each in self._alike(Autoscaler, key(""))]}
            case "api/v1", ["services", name]:
                return self._service(key(name))
            case "api/v1", ["configmaps", name]:
                return self._config_map(key(name))
            case "apis/discovery.k8s.io/v1", ["endpointslices"]:
                return self._slices(key(labels.get("kubernetes.io/service-name", "")))
            case "api/v1", ["pods"]:
                return self._pods_of(key(labels.get(INSTANCE, "")))
            case "api/v1", ["pods", name, "log"]:
                return self._log(key(name))
            case "api/v1", ["secrets"] if labels.get("owner") == "helm":
                release = key(labels.get("name", ""))
                return {"items": [_secret(release, each) for each in self._store.records(release)]}
        raise NotThere("the server could not find the requested resource")

    def _alike(self, kind: type[Any], key: Key) -> list[Key]:
        """Those of the same namespace."""
        return [each for each in self._store.all(kind) if each[:2] == key[:2]]

    async def _deployment(self, key: Key) -> Document:
        found = self._store.deployment(key)
        if found is None:
            raise NotThere(f'deployments.apps "{key.name}" not found')
        if self._virtual:
            await self._pods.rolled(key)
            found = self._store.deployment(key) or found
        settled = found.state != "rolling" and not found.looks
        if found.looks:
            self._store.put(key, replace(found, looks=found.looks - 1))
        up = found.replicas if found.state == "available" and settled else 0
        old = len(self._pods.pods(key)) if not up else 0
        if found.state == "failed" and settled:
            progress = {"status": "False", "reason": "ProgressDeadlineExceeded"}
        else:
            progress = {"status": "True", "reason": "NewReplicaSetAvailable" if settled else "ReplicaSetUpdated"}
        status: Document = {"observedGeneration": found.generation, "replicas": up or max(old, 0)}
        status |= {"updatedReplicas": up, "readyReplicas": up or old, "availableReplicas": up or old}
        message = f'ReplicaSet "{key.name}" {"has timed out" if progress["status"] == "False" else "is progressing"}.'
        return {
            "kind": "Deployment",
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "generation": found.generation,
                "annotations": found.annotations,
            },
            "spec": {
                "replicas": found.replicas,
                "selector": {"matchLabels": {INSTANCE: found.instance}},
                "template": {"spec": {"containers": [{"name": "app", "image": found.image}]}},
            },
            "status": {**status, "conditions": [{"type": "Progressing", **progress, "message": message}]},
        }

    def _scaler(self, key: Key) -> Document:
        found = self._store.autoscaler(key)
        assert found is not None
        deployment = self._store.deployment(key)
        if deployment is not None and deployment.state == "available" and not deployment.looks:
            self._store.put(key, replace(found, scaling=max(0, found.scaling - 1)))
        current = found.least if found.scaling else found.desired
        limited = found.wanted > found.most
        reason = "TooManyReplicas" if limited else "DesiredWithinRange"
        conditions = [
            {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
            {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
            {"type": "ScalingLimited", "status": str(limited), "reason": reason},
        ]
        return {
            "metadata": {"name": key.name},
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": key.name},
                "minReplicas": found.least,
                "maxReplicas": found.most,
            },
            "status": {"currentReplicas": current, "desiredReplicas": found.desired, "conditions": conditions},
        }

    def _service(self, key: Key) -> Document:
        found = self._store.service(key)
        if found is None:
            raise NotThere(f'services "{key.name}" not found')
        metadata = {"name": key.name, "namespace": key.namespace, "resourceVersion": str(found.version)}
        return {"kind": "Service", "metadata": metadata, "spec": {"type": "LoadBalancer", "selector": found.selector}}

    def _config_map(self, key: Key) -> Document:
        found = self._store.config_map(key)
        if found is None:
            raise NotThere(f'configmaps "{key.name}" not found')
        return {"kind": "ConfigMap", "metadata": {"name": key.name, "namespace": key.namespace}, "data": found.data}

    def _slices(self, service: Key) -> Document:
        behind = self._pods.behind(service)
        pods = self._pods.pods(behind) if behind else []
        endpoints = [{"conditions": {"ready": up}, "targetRef": {"kind": "Pod", "name": name}} for name, up in pods]
        return {"items": [{"metadata": {"name": f"{service.name}-x"}, "endpoints": endpoints}]}

    def _pods_of(self, instance: Key) -> Document:
        """Every chart here names its Deployment after the release."""
        found = self._store.deployment(instance)
        pods = [_pod(name, {"ready": up, "state": {"running": {}}}) for name, up in self._pods.pods(instance)]
        if found is not None and found.state == "failed":
            reason, _, message = found.error.partition(": ")
            waiting = {"ready": False, "state": {"waiting": {"reason": reason, "message": message}}}
            pods.append(_pod(f"{instance.name}-new", waiting))
        return {"items": pods}

    def _log(self, pod: Key) -> str:
        found = self._store.deployment(pod._replace(name=pod.name.removesuffix("-new")))
        if found is None or not pod.name.endswith("-new"):
            raise NotThere(f'pods "{pod.name}" not found')
        return found.log


def _pod(name: str, container: Document) -> Document:
    return {"metadata": {"name": name}, "status": {"containerStatuses": [{"name": "app", **container}]}}


def _secret(release: Key, record: Record) -> Document:
    info = {"status": record.status, "description": record.description, "last_deployed": record.updated}
    told = {"name": release.name, "namespace": release.namespace, "version": record.revision, "info": info}
    told |= {"config": record.config}
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(told).encode(), 1))).decode()
    labels = {"owner": "helm", "name": release.name, "version": str(record.revision), "status": record.status}
    name = f"sh.helm.release.v1.{release.name}.v{record.revision}"
    metadata = {"name": name, "labels": labels}
    return {"type": "helm.sh/release.v1", "metadata": metadata, "data": {"release": packed}}
