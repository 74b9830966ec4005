"""Where a target of the kind `aks` is: a cluster, and in one of its namespaces a Helm release for each of two sides."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.promotion.plan import Target

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.ContainerService/managedClusters/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)
SIDES = ("blue", "green")
RUN_COMMAND = "run-command"


@dataclass(frozen=True)
class Place:
    """`values` are JSON text. `address` and `preview` may be empty where another switch knows them, and not the
    Service."""

    subscription: str
    group: str
    cluster: str
    namespace: str
    release: str
    deployment: str
    address: str
    preview: dict[str, str]
    by_command: bool
    has_service: bool = True
    values: str = field(default="{}", repr=False)

    def release_of(self, side: str) -> str:
        """The Helm release of a side. Charts label its pods with it, `app.kubernetes.io/instance`."""
        return f"{self.release}-{side}"

    def deployment_of(self, side: str) -> str:
        return self.deployment.replace("{side}", side)

    def notes_of(self, side: str) -> str:
        """The ConfigMap in which we note about a side what a command of ours has to know."""
        return f"{self.release_of(side)}-slipway"

    def path(self, group: str, rest: str) -> str:
        """The path of something in the namespace, as `/apis/apps/v1/namespaces/shop/deployments/web`."""
        return f"/{group}/namespaces/{self.namespace}/{rest}"


def place_of(target: Target) -> Place:
    """The place a target names. Raises AzureProblem when its resource id is none of a cluster, or it has no release."""
    found, helm = _RESOURCE.fullmatch(target.resource), target.settings.get("helm")
    if found is None or not isinstance(helm, dict):
        words = f"target {target.name}: {target.resource} is not the resource id of an AKS cluster with a Helm release"
        raise AzureProblem(AzureFault(FaultKind.INVALID, "InvalidTarget", words))
    return Place(
        found["subscription"],
        found["group"],
        found["name"],
        str(helm["namespace"]),
        str(helm["release"]),
        str(helm["deployment"]),
        str(helm.get("address") or "").rstrip("/"),
        {str(side): str(address) for side, address in (helm.get("preview") or {}).items()},
        helm.get("reach") == RUN_COMMAND,
        not {"traffic-manager", "dns"} & target.settings.keys(),
        _text(helm.get("values")),
    )


def other(side: str) -> str:
    """The side beside; the first of the two when nobody has the users."""
    return SIDES[1] if side == SIDES[0] else SIDES[0]


def _text(values: Any) -> str:
    return json.dumps(values or {}, sort_keys=True)
