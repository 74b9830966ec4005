"""A cluster as Resource Manager shows it (azure-mgmt-containerservice, api 2026-08-01), and commands run in it.

Everything here raises AzureProblem for what Azure says. A token that is not taken is asked for anew once.
"""

import base64
import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from slipway.adapters.aks.place import Place
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain
from slipway.adapters.credentials import credential, management_client
from slipway.adapters.once import once_per_process
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.mgmt.containerservice import ContainerServiceClient

AKS_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"  # of every cluster with Entra ID
_READS: dict[str, Any] = {"retry_total": 2, "retry_status": 0}  # lost connections are tried again, refusals are not
_FACTS_FOR_S = 3600.0  # an address stays, an authority is renewed seldom
_COULD_NOT_RUN = ("KubernetesPerformanceError", "KubernetesOperationError")
Told = TypeVar("Told")


@dataclass(frozen=True)
class Cluster:
    """`host` of its API server; `entra`: it takes tokens of Entra ID. `authority`: PEM that signed its certificate."""

    host: str
    entra: bool
    authority: bytes = b""


@dataclass(frozen=True)
class Result:
    """How a command ended; `reason` says why it could not be run at all."""

    exit_code: int
    logs: str
    reason: str = ""


class Clusters:
    """`soon_s`: the longest pause between two looks at a command that is waited for."""

    def __init__(self, settings_: Settings, soon_s: float = 2.0) -> None:
        self._settings = settings_
        self._soon_s = soon_s

    def of(self, place: Place) -> Cluster:
        """Kept for an hour, as long as it can be reached (`forget`)."""
        key = (place.subscription, place.group, place.cluster, self._settings.arm_endpoint)
        with _lock:
            kept = _kept.get(key)
        if kept and time.monotonic() - kept[0] < _FACTS_FOR_S:
            return kept[1]
        found = self._read(place)
        with _lock:
            _kept[key] = (time.monotonic(), found)
        return found

    def forget(self, place: Place) -> None:
        with _lock:
            _kept.pop((place.subscription, place.group, place.cluster, self._settings.arm_endpoint), None)

    def start(self, place: Place, script: str, files: dict[str, str] | None = None) -> str:
        """Have the script run, once, in a folder with these files; the id of the command. On a cluster with Entra ID it
        has our own rights there, else the cluster's."""
        seen: list[Any] = []
        body: Any = {"command": script, "context": _zipped(files or {})}
        if self.of(place).entra:
            body["clusterToken"] = credential(self._settings.client_id).get_token(AKS_SCOPE).token

        def ask() -> None:
            self._client(place).managed_clusters.begin_run_command(
                place.group, place.cluster, body, polling=False, retry_total=0, raw_response_hook=seen.append
            )

        asked_for(ask)
        location = str(seen[-1].http_response.headers.get("Location") or "")
        id = location.partition("?")[0].rstrip("/").rpartition("/")[2]
        if not id:
            words = f"{place.cluster} took a command and did not say where its result will be"
            raise AzureProblem(AzureFault(FaultKind.UNKNOWN, "NoLocation", words))
        return id

    def result(self, place: Place, id: str) -> Result | None:
        """None while it runs."""
        found = asked_for(
            lambda: self._client(place).managed_clusters.get_command_result(place.group, place.cluster, id, **_READS)
        )
        if found is None:
            return None
        told: dict[str, Any] = found.as_dict().get("properties") or {}
        state = told.get("provisioningState")
        if state not in ("Succeeded", "Failed"):
            return None
        if state == "Failed" or told.get("exitCode") is None:
            return Result(-1, str(told.get("logs") or ""), str(told.get("reason") or "Azure gives no reason"))
        return Result(int(told["exitCode"]), str(told.get("logs") or ""))

    def run(self, place: Place, script: str, within_s: float = 45.0) -> str:
        """What the script prints. It is waited for, so it is a short one, and one that may be run twice."""
        id, until = self.start(place, script), time.monotonic() + within_s
        pause_s = min(0.25, self._soon_s)
        while (result := self.result(place, id)) is None:
            if time.monotonic() > until:
                words = f"a command in {place.cluster} had not ended after {within_s:.0f} s"
                raise AzureProblem(AzureFault(FaultKind.UNKNOWN, "CommandNotEnded", words))
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, self._soon_s)
        if result.reason:
            raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "CommandNotRun", result.reason))
        if result.exit_code:
            raise AzureProblem(refused_by(place, result))
        return result.logs

    def _read(self, place: Place) -> Cluster:
        clusters = self._client(place).managed_clusters
        found = asked_for(lambda: clusters.get(place.group, place.cluster, **_READS))
        told: dict[str, Any] = found.as_dict().get("properties") or {}
        host, entra = str(told.get("fqdn") or told.get("privateFQDN") or ""), bool(told.get("aadProfile"))
        if place.by_command or not entra:  # what its users' credentials are then would be a certificate that may do all
            return Cluster(host, entra)
        kubeconfigs = asked_for(
            lambda: clusters.list_cluster_user_credentials(place.group, place.cluster, **_READS)
        ).as_dict()
        return Cluster(host, entra, _authority(kubeconfigs))

    def _client(self, place: Place) -> "ContainerServiceClient":
        return _client(self._settings, place.subscription)


_lock = Lock()
_kept: dict[tuple[str, ...], tuple[float, Cluster]] = {}


def asked_for(ask: Callable[[], Told]) -> Told:
    """What `ask` answers. Raises AzureProblem."""
    from azure.core.exceptions import AzureError

    try:
        return ask()
    except AzureError as error:
        fault = explain(error)
        if fault.code in _COULD_NOT_RUN:
            fault = AzureFault(FaultKind.UNAVAILABLE, fault.code, fault.words, fault.retry_after_s)
        raise AzureProblem(fault) from error
    except ValueError as error:  # of the SDK, for a body that it cannot read
        words = f"Azure's answer cannot be read: {error}"
        raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "Unreadable", words)) from error


def refused_by(place: Place, result: Result) -> AzureFault:
    """What a command's failure means."""
    last = next((line for line in reversed(result.logs.splitlines()) if line.strip()), "nothing was printed")
    if "is forbidden" in result.logs or "Forbidden" in result.logs:
        words = f"our identity may not do this in {place.namespace} of {place.cluster}: {last}"
        return AzureFault(FaultKind.DENIED, "Forbidden", words)
    said = {"(NotFound)": FaultKind.MISSING, "(Conflict)": FaultKind.CONFLICT}
    kind = next((kind for word, kind in said.items() if word in result.logs), FaultKind.UNAVAILABLE)
    return AzureFault(kind, "CommandFailed", f"a command in {place.cluster} ended with {result.exit_code}: {last}")


def _zipped(files: dict[str, str]) -> str:
    """The files as a zip in base64; empty for none."""
    if not files:
        return ""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return base64.b64encode(buffer.getvalue()).decode()


def _authority(credentials: dict[str, Any]) -> bytes:
    """The authority in a kubeconfig, which says nothing secret on a cluster with Entra ID."""
    import yaml

    try:
        config = yaml.safe_load(base64.b64decode(credentials["kubeconfigs"][0]["value"]))
        return base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
    except (KeyError, IndexError, TypeError, ValueError, yaml.YAMLError) as error:
        words = f"the cluster's kubeconfig names no authority ({type(error).__name__})"
        raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "NoAuthority", words)) from error


@once_per_process
def _client(settings_: Settings, subscription: str) -> "ContainerServiceClient":
    from azure.mgmt.containerservice import ContainerServiceClient

    return management_client(ContainerServiceClient, settings_, subscription)
