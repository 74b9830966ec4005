"""Whether a Deployment and its autoscaler have come to rest. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.adapters.aks.scripts import REPLICAS, VERSION

ROLLING, DONE, FAILED = "rolling", "done", "failed"
_HOPELESS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CrashLoopBackOff", "CreateContainerConfigError")


@dataclass(frozen=True)
class Rollout:
    """`words` say what is missing or wrong, or of a finished one what people should know."""

    state: str
    words: str = ""


def rollout_of(deployment: dict[str, Any], autoscalers: Sequence[dict[str, Any]]) -> Rollout:
    """How far it is: done when all replicas are new and available, and no autoscaler is still changing their number."""
    name, status = deployment["metadata"]["name"], deployment.get("status") or {}
    progress = _condition(status, "Progressing")
    wanted = replicas_of(deployment)
    if int(status.get("observedGeneration") or 0) < int(deployment["metadata"].get("generation") or 0):
        return Rollout(ROLLING, f"{name}: the change is not seen yet")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return Rollout(FAILED, f"{name}: {progress.get('message') or 'no progress within its deadline'}")
    updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    if not wanted:
        return Rollout(ROLLING, f"{name}: it has no replicas")
    if updated < wanted or available < updated or int(status.get("replicas") or 0) > updated:
        return Rollout(ROLLING, f"{name}: {min(updated, available)} of {wanted} new replicas are available")
    scaler = _scaler_of(name, autoscalers)
    return _scaled(name, scaler, available) if scaler else Rollout(DONE)


def replicas_of(deployment: dict[str, Any]) -> int:
    """How many it is to have."""
    return int((deployment.get("spec") or {}).get("replicas", 1))


def replicas_before(deployment: dict[str, Any] | None) -> int:
    """How many a stopped one had."""
    noted = _noted(deployment, REPLICAS)
    return int(noted) if noted.isdigit() else 1


def version_before(deployment: dict[str, Any] | None) -> str:
    """Which version a stopped one is; "" for one that nobody has stopped."""
    return _noted(deployment, VERSION)


def replicas_again(deployment: dict[str, Any] | None, scalers: Sequence[dict[str, Any]]) -> int:
    """How many a stopped one is given: as many as it had, or its autoscaler's least."""
    name = str((deployment or {}).get("metadata", {}).get("name"))
    scaler = _scaler_of(name, scalers)
    return max(replicas_before(deployment), _least(scaler) if scaler else 0)


def hindered_by(pods: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Which pod cannot start, and why in words; empty when none says so."""
    for pod in pods:
        status = pod.get("status") or {}
        for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in _HOPELESS:
                message = f": {waiting['message']}" if waiting.get("message") else ""
                return str(pod["metadata"]["name"]), f"{waiting['reason']}{message}"
    return "", ""


def _scaled(name: str, scaler: dict[str, Any], available: int) -> Rollout:
    """An autoscaler says nothing of itself for a while, and decides nothing while metrics are missing, as they are of
    new pods: what it is sure to want is its least."""
    status, least = scaler.get("status") or {}, _least(scaler)
    desired, current = int(status.get("desiredReplicas") or 0), int(status.get("currentReplicas") or 0)
    active = _condition(status, "ScalingActive")
    if available < least:
        return Rollout(ROLLING, f"{name}: {available} of its autoscaler's least {least} replicas are available")
    if not active:
        return Rollout(ROLLING, f"{name}: its autoscaler has not looked yet")
    if active.get("status") == "False":
        return Rollout(DONE, f"its autoscaler does not scale: {active.get('message') or active.get('reason')}")
    if not desired or current != desired or available < desired:
        return Rollout(ROLLING, f"{name}: its autoscaler is at {current} of {desired} replicas")
    limited = _condition(status, "ScalingLimited")
    if limited.get("status") == "True" and limited.get("reason") == "TooManyReplicas":
        most = (scaler.get("spec") or {}).get("maxReplicas")
        return Rollout(DONE, f"its autoscaler wants more than its {most} replicas")
    return Rollout(DONE)


def _noted(deployment: dict[str, Any] | None, name: str) -> str:
    return str(((deployment or {}).get("metadata", {}).get("annotations") or {}).get(name) or "")


def _scaler_of(name: str, scalers: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return next((each for each in scalers if _target(each) == name), None)


def _least(scaler: dict[str, Any]) -> int:
    return int((scaler.get("spec") or {}).get("minReplicas", 1))


def _target(scaler: dict[str, Any]) -> str:
    scaled = (scaler.get("spec") or {}).get("scaleTargetRef") or {}
    return str(scaled.get("name")) if scaled.get("kind") == "Deployment" else ""


def _condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next((each for each in status.get("conditions") or () if each.get("type") == kind), {})
    return found
