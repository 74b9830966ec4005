"""A deployment stack of a resource group as Resource Manager shows it (Microsoft.Resources, api 2025-07-01), its
what-if and its writes.

azure-mgmt-resource would be one more SDK for six requests: they go through the pipeline of App Service's client, as
those of Cosmos DB do. A stack carries in its tags what Slipway applied last. Everything here raises AzureProblem.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from slipway.adapters.app_service.arm import Arm, Reply, invalid
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.promotion.plan import Target
from slipway.settings import Settings

API_VERSION = "2025-07-01"
VERSION, PREVIOUS, OPERATION = "slipway-version", "slipway-previous", "slipway-operation"
TEMPLATE, PREVIOUS_TEMPLATE = "slipway-template", "slipway-previous-template"  # digests of what was applied
LONGEST_TAG = 256
_OVER = ("succeeded", "failed", "canceled")
_KEPT_FOR = "P1D"
_RESOURCE = re.compile(
    r"(?P<group>/subscriptions/(?P<subscription>[^/]+)/resourceGroups/[^/]+)"
    r"/providers/Microsoft\.Resources/deploymentStacks/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Place:
    """`group` is the resource id of the resource group."""

    subscription: str
    group: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.group}/providers/Microsoft.Resources/deploymentStacks/{self.name}"

    def what_if(self, operation: str) -> str:
        """The path of an operation's what-if: the same for each of its tries. Azure keeps it for a day."""
        digest = hashlib.sha256(operation.encode()).hexdigest()[:12]
        return f"{self.group}/providers/Microsoft.Resources/deploymentStacksWhatIfResults/{self.name[:70]}-{digest}"


def place_of(target: Target) -> Place:
    """The place that a target names."""
    found = _RESOURCE.fullmatch(target.resource)
    if found is None:
        raise invalid(f"target {target.name}: {target.resource} is not the resource id of a deployment stack")
    return Place(found["subscription"], found["group"], found["name"])


@dataclass(frozen=True)
class Stack:
    """`state` in small letters; `error` in Azure's words; `failed` are the resources that Azure names as such."""

    state: str
    tags: dict[str, str] = field(default_factory=dict)
    error: str = ""
    failed: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """What Slipway applied last, whole or not; empty when it applied nothing."""
        return self.tags.get(VERSION, "")

    @property
    def previous(self) -> str:
        return self.tags.get(PREVIOUS, "")

    def template_of(self, version: str) -> str:
        """The digest of what was applied as that version; empty where the stack does not know."""
        tag = {self.previous: PREVIOUS_TEMPLATE, self.version: TEMPLATE}.get(version, "")
        return self.tags.get(tag, "")

    @property
    def operation(self) -> str:
        """Whose write it shows, as `mark_of` has it."""
        return self.tags.get(OPERATION, "")

    @property
    def busy(self) -> bool:
        return self.state not in _OVER

    @property
    def whole(self) -> bool:
        return self.state == "succeeded"

    def is_of(self, operation: str) -> bool:
        return self.operation == mark_of(operation)


class Stacks:
    def __init__(self, settings_: Settings) -> None:
        self._settings = settings_

    def stack(self, place: Place) -> Stack | None:
        found = self._there(place, place.path)
        if found is None:
            return None
        told = found.properties
        failed = tuple(str(each.get("id")) for each in told.get("failedResources") or ())
        tags = {str(name): str(value) for name, value in (found.body.get("tags") or {}).items()}
        return Stack(str(told.get("provisioningState") or "unknown").lower(), tags, _said(told), failed)

    def write(self, place: Place, properties: dict[str, Any], tags: dict[str, str]) -> None:
        """`PUT` once; then the stack is busy."""
        self._arm(place).put(place.path, {"properties": properties, "tags": tags}, API_VERSION)

    def validate(self, place: Place, properties: dict[str, Any]) -> Reply:
        """Azure's word on a template; to be followed where it is 202."""
        return self._arm(place).post(f"{place.path}/validate", {"properties": properties}, API_VERSION)

    def begin_what_if(self, place: Place, properties: dict[str, Any], operation: str) -> None:
        """It is worked out from now on; nothing but this note of it changes in Azure."""
        told = {**properties, "deploymentStackResourceId": place.path, "retentionInterval": _KEPT_FOR}
        self._arm(place).put(place.what_if(operation), {"properties": told}, API_VERSION)

    def what_if(self, place: Place, operation: str) -> tuple[str, str]:
        """Its state in small letters, empty when it is not there, and Azure's words when it failed."""
        found = self._there(place, place.what_if(operation))
        if found is None:
            return "", ""
        return str(found.properties.get("provisioningState") or "unknown").lower(), _said(found.properties)

    def show_what_if(self, place: Place, operation: str) -> Reply:
        """What it came to, down to single properties; to be followed where it is 202."""
        return self._arm(place).post(f"{place.what_if(operation)}/whatIf", None, API_VERSION)

    def follow(self, place: Place, url: str) -> Reply:
        """What an operation's address answers. A host that is not Azure's own gets no token of ours."""
        arm = self._arm(place)
        if not arm.may_poll(url):
            raise invalid(f"Azure names another host to follow an operation of {place.name} at")
        return arm.poll(url)

    def _there(self, place: Place, path: str) -> Reply | None:
        try:
            return self._arm(place).get(path, API_VERSION)
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING and problem.fault.code != "ResourceGroupNotFound":
                return None
            raise

    def _arm(self, place: Place) -> Arm:
        return Arm(self._settings, place.subscription)


def is_over(state: str) -> bool:
    return state in _OVER


def mark_of(operation: str) -> str:
    """An operation's id as a tag has room for it."""
    return operation[:LONGEST_TAG]


def _said(properties: dict[str, Any]) -> str:
    """The error of a stack or a what-if in Azure's words, with the first of its details."""
    error: dict[str, Any] = properties.get("error") or {}
    parts = [error, *(error.get("details") or ())[:3]]
    return "; ".join(f"{each.get('code')}: {each.get('message')}" for each in parts if each.get("code"))[:1000]
