"""What the chart of a release makes of its values: a Deployment, and an autoscaler where the values want one."""

from dataclasses import dataclass
from typing import Any

from slipway.local.azure.aks.store import Autoscaler

SCALES_FOR = 2  # looks


@dataclass(frozen=True)
class Rendered:
    image: str
    replicas: int
    autoscaler: Autoscaler | None


def rendered(values: dict[str, Any], instances: int) -> Rendered:
    """As charts do by `helm create`: `image`, `replicaCount`, `autoscaling`. `autoscaling.wanted` plays the load."""
    image, scaling = values.get("image") or {}, values.get("autoscaling") or {}
    digest = f"@{image['digest']}" if image.get("digest") else ""
    address = f"{image.get('repository', '')}:{image.get('tag', '')}{digest}"
    if not scaling.get("enabled"):
        return Rendered(address, int(values.get("replicaCount", instances)), None)
    least, most = int(scaling.get("minReplicas", 1)), int(scaling.get("maxReplicas", instances))
    scaler = Autoscaler(least, most, int(scaling.get("wanted", least)), SCALES_FOR)
    return Rendered(address, scaler.desired, scaler)


def with_set(values: dict[str, Any], text: str) -> dict[str, Any]:
    """`values` with those of `--set-string a.b=c,d=e`."""
    for pair in text.split(","):
        path, _, value = pair.partition("=")
        *above, last = path.split(".")
        part = values
        for name in above:
            part = part.setdefault(name, {})
        part[last] = value
    return values
