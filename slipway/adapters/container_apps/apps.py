"""A container app as Resource Manager shows it (azure-mgmt-appcontainers, api 2026-07-01), and small writes.

Everything here raises AzureProblem for what Azure says.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain
from slipway.adapters.container_apps.weights import Weights
from slipway.adapters.credentials import management_client
from slipway.adapters.http_probe import read_version
from slipway.adapters.once import once_per_process
from slipway.promotion.plan import Target
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.App/containerApps/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)
_LONGEST_NAME = 54  # of a revision, with its app's
_VERSION_TIMEOUT_S = 5.0
_READS: dict[str, Any] = {"retry_total": 2, "retry_status": 0}  # lost connections are tried again, refusals are not
_BYTES = {"Gi": 2.0**30, "Mi": 2.0**20}
_RUNS = ("Running", "RunningAtMaxScale", "ScaledToZero")


@dataclass(frozen=True)
class Place:
    subscription: str
    group: str
    name: str

    def revision_of(self, version: str) -> str:
        """The name of a version's revision: `app--v2-0-0`. What a suffix cannot say is told apart by a digest."""
        said = re.sub(r"[^a-z0-9]+", "-", version.lower()).strip("-")
        digest = hashlib.sha256(version.encode()).hexdigest()[:6]
        room = _LONGEST_NAME - len(f"{self.name}--v")
        if not re.fullmatch(r"[a-z0-9]+(\.[a-z0-9]+)*", version) or len(said) > room:
            said = f"{said[: room - 7].rstrip('-')}-{digest}"
        return f"{self.name}--v{said}"


def place_of(target: Target) -> Place:
    """The place a target names. Raises AzureProblem when its resource id is none of a container app."""
    found = _RESOURCE.fullmatch(target.resource)
    if found is None:
        words = f"target {target.name}: {target.resource} is not the resource id of a container app"
        raise AzureProblem(AzureFault(FaultKind.INVALID, "InvalidTarget", words))
    return Place(found["subscription"], found["group"], found["name"])


@dataclass(frozen=True)
class App:
    """`template` in REST's form; `in_progress` while Azure carries out an update."""

    host: str
    location: str
    single: bool
    in_progress: bool
    weights: Weights
    template: dict[str, Any]

    @property
    def hindrance(self) -> tuple[str, str] | None:
        """Code and words of why its traffic cannot be divided by us."""
        if self.single:
            return "REVISION_MODE_SINGLE", "its revision mode is Single: set it to Multiple first"
        if self.weights.follows_latest:
            words = "its traffic follows the latest revision, which would give a new one everything: name one first"
            return "LATEST_REVISION_PINNED", words
        return None


@dataclass(frozen=True)
class Revision:
    """`ready`: provisioned, running and healthy; `failed`: it will never be. `memory_limit` of a replica, in bytes."""

    name: str
    host: str
    image: str
    active: bool
    created: str
    state: str
    ready: bool
    failed: bool
    error: str
    memory_limit: float | None = None


class Apps:
    def __init__(self, settings_: Settings) -> None:
        self._settings = settings_

    def app(self, place: Place) -> App:
        with _explained():
            found = self._client(place).container_apps.get(place.group, place.name, **_READS)
        told = found.as_dict()
        body = told["properties"]
        configuration = body.get("configuration") or {}
        ingress = configuration.get("ingress") or {}
        # One that is not ready yet gets no users: Azure sends them to the latest that was.
        latest = str(body.get("latestReadyRevisionName") or body.get("latestRevisionName") or "")
        return App(
            host=str(ingress.get("fqdn") or ""),
            location=str(told.get("location") or ""),
            single=str(configuration.get("activeRevisionsMode") or "Single").lower() != "multiple",
            in_progress=body.get("provisioningState") == "InProgress",
            weights=Weights.of(ingress.get("traffic") or (), latest),
            template=body.get("template") or {},
        )

    def revision(self, place: Place, name: str) -> Revision | None:
        try:
            with _explained():
                revisions = self._client(place).container_apps_revisions
                return _revision(revisions.get_revision(place.group, place.name, name, **_READS))
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING:
                return None
            raise

    def revisions(self, place: Place) -> list[Revision]:
        """Newest first."""
        with _explained():
            listed = self._client(place).container_apps_revisions.list_revisions(place.group, place.name, **_READS)
            found = [_revision(each) for each in listed]
        return sorted(found, key=lambda each: each.created, reverse=True)

    def change(self, place: Place, properties: dict[str, Any]) -> None:
        """`PATCH` once, and not waited for: 202, then the app is `in_progress`."""
        body: Any = {"properties": properties}
        with _explained():
            apps = self._client(place).container_apps
            apps.begin_update(place.group, place.name, body, polling=False, retry_total=0)

    def divide(self, place: Place, weights: Weights) -> None:
        self.change(place, {"configuration": {"ingress": {"traffic": list(weights.entries)}}})

    def withdraw(self, place: Place, app: App, revision: str) -> bool:
        """Give the revision's part to the live one; False when it has none, or is the live one itself."""
        live = app.weights.live()
        if live == revision or not app.weights.percent(revision):
            return False
        self.divide(place, app.weights.divided(revision, 0, live))
        return True

    def activate(self, place: Place, revision: str) -> None:
        with _explained():
            revisions = self._client(place).container_apps_revisions
            revisions.activate_revision(place.group, place.name, revision, retry_total=0)

    def deactivate(self, place: Place, revision: str) -> None:
        with _explained():
            revisions = self._client(place).container_apps_revisions
            revisions.deactivate_revision(place.group, place.name, revision, retry_total=0)

    def address(self, host: str) -> str:
        return f"{self._settings.site_scheme}://{host}"

    def version_at(self, host: str, version_path: str) -> str | None:
        """The version that answers there over HTTP, or None."""
        return read_version(self.address(host) + version_path, _VERSION_TIMEOUT_S, self._settings)

    def _client(self, place: Place) -> "ContainerAppsAPIClient":
        return _client(self._settings, place.subscription)


def _revision(found: Any) -> Revision:
    told = found.as_dict()
    properties = told.get("properties") or {}
    containers = (properties.get("template") or {}).get("containers") or [{}]
    state, runs = str(properties.get("provisioningState") or ""), str(properties.get("runningState") or "")
    return Revision(
        name=str(told.get("name")),
        host=str(properties.get("fqdn") or ""),
        image=str(containers[0].get("image") or ""),
        active=bool(properties.get("active")),
        created=str(properties.get("createdTime") or ""),
        state=runs or state,
        ready=state == "Provisioned" and runs in _RUNS and properties.get("healthState") != "Unhealthy",
        failed=state == "Failed" or runs == "Failed",
        error=str(properties.get("provisioningError") or ""),
        memory_limit=_memory_limit(containers),
    )


def _memory_limit(containers: list[dict[str, Any]]) -> float | None:
    """What all containers of a replica may have together, from texts like `0.5Gi`; None when one has no limit."""
    texts = [str((each.get("resources") or {}).get("memory") or "") for each in containers]
    found = [re.fullmatch(r"([0-9.]+)(Gi|Mi)", text) for text in texts]
    limits = [float(each[1]) * _BYTES[each[2]] for each in found if each]
    return sum(limits) if limits and len(limits) == len(texts) else None


@contextmanager
def _explained() -> Iterator[None]:
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise AzureProblem(explain(error)) from error


@once_per_process
def _client(settings_: Settings, subscription: str) -> "ContainerAppsAPIClient":
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

    return management_client(ContainerAppsAPIClient, settings_, subscription)
