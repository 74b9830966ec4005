"""What is read of a cluster, and small changes: by its Kubernetes API, or where that cannot be reached, by commands run
in it.

Everything here raises AzureProblem.
"""

import json
import tempfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from slipway.adapters import patience
from slipway.adapters.aks import scripts
from slipway.adapters.aks.clusters import AKS_SCOPE, Cluster, Clusters, asked_for
from slipway.adapters.aks.notes import Note, note_of
from slipway.adapters.aks.place import Place
from slipway.adapters.aks.revisions import Release, from_history, from_secrets, release_of
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain_response
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.core import PipelineClient

Document = dict[str, Any]


class Api:
    def __init__(self, settings_: Settings, clusters: Clusters) -> None:
        self._settings = settings_
        self._clusters = clusters

    def release(self, place: Place, side: str) -> Release:
        """What Helm says of a side's release."""
        try:
            if self._by_command(place):
                return release_of(from_history(self._clusters.run(place, scripts.history(place, side))))
            labels = quote(f"owner=helm,name={place.release_of(side)}", safe="")
            (found,) = self.documents(place, place.path("api/v1", f"secrets?labelSelector={labels}"))
            return release_of(from_secrets(found or {}))
        except ValueError as error:
            raise _unreadable(f"Helm's record of {place.release_of(side)}", error) from error

    def deployment(self, place: Place, side: str) -> tuple[Document | None, list[Document]]:
        """A side's Deployment, None when it is not there, and the autoscalers of the namespace."""
        name = place.deployment_of(side)
        deployment, scalers = self.documents(
            place,
            place.path("apis/apps/v1", f"deployments/{name}"),
            place.path("apis/autoscaling/v2", "horizontalpodautoscalers"),
        )
        return deployment, list((scalers or {}).get("items") or ())

    def note(self, place: Place, side: str) -> Note:
        """What is noted about a command that may come to the side."""
        (found,) = self.documents(place, place.path("api/v1", f"configmaps/{place.notes_of(side)}"))
        return note_of(found)

    def pods(self, place: Place, side: str) -> list[Document]:
        (found,) = self.documents(place, self._pods_path(place, side))
        return list((found or {}).get("items") or ())

    def endpoints(self, place: Place, side: str) -> tuple[set[str], set[str]]:
        """The names of the pods that answer for the Service, and of those that the side has."""
        service = quote(f"kubernetes.io/service-name={place.release}", safe="")
        path = place.path("apis/discovery.k8s.io/v1", f"endpointslices?labelSelector={service}")
        slices, pods = self.documents(place, path, self._pods_path(place, side))
        ready = {
            str((endpoint.get("targetRef") or {}).get("name"))
            for each in (slices or {}).get("items") or ()
            for endpoint in each.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready") is not False
        }
        return ready, {str(pod["metadata"]["name"]) for pod in (pods or {}).get("items") or ()}

    def log(self, place: Place, pod: str) -> str:
        """The tail of what the pod's last container has said; empty when nobody tells."""
        path = place.path("api/v1", f"pods/{pod}/log?tailLines=40&previous=true")
        try:
            if self._by_command(place):
                return self._clusters.run(place, scripts.read(path))
            return str(self._asked(place, path).text())
        except AzureProblem:
            return ""

    def patch(self, place: Place, wanted: scripts.Patch) -> None:
        """Make the change, once; nothing of it is under way any more when this is back, unless it raises UNKNOWN."""
        if self._by_command(place):
            self._clusters.run(place, scripts.patch(place, wanted))
        else:
            applied = f"?fieldManager={scripts.MANAGER}&force=true" if wanted.is_applied else ""
            path = place.path(wanted.group, f"{wanted.kind}/{wanted.name}{applied}")
            self._asked(place, path, wanted.change, "apply-patch+yaml" if applied else "merge-patch+json")

    def documents(self, place: Place, *paths: str) -> list[Document | None]:
        """What the API answers at each path; None where there is nothing."""
        try:
            if self._by_command(place):
                lines = self._clusters.run(place, scripts.read(*paths)).splitlines()
                return [json.loads(line) for line in lines[: len(paths)]]
            return [self._document(place, path) for path in paths]
        except ValueError as error:
            raise _unreadable(f"what {place.cluster} says", error) from error

    def _document(self, place: Place, path: str) -> Document | None:
        try:
            found: Document = json.loads(self._asked(place, path).text())
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING:
                return None
            raise
        return found

    def _asked(self, place: Place, path: str, change: dict[str, object] | None = None, form: str = "") -> Any:
        from azure.core.rest import HttpRequest

        cluster = self._clusters.of(place)
        client = _client(self._settings, cluster)

        def send() -> Any:
            address = f"https://{cluster.host}{path}"
            if change is None:
                return client.send_request(HttpRequest("GET", address))
            headers = {"Content-Type": f"application/{form}"}
            request = HttpRequest("PATCH", address, headers=headers, content=json.dumps(change))
            return client.send_request(request, retry_total=0)

        def ask() -> Any:
            """A token that was not taken is asked for anew, once, since the SDK keeps none that was refused."""
            response = send()
            return send() if response.status_code == 401 else response

        try:
            response = asked_for(ask)
        except AzureProblem as problem:
            if problem.fault.code == "ServiceRequestError":
                self._clusters.forget(place)  # its certificate may be of a new authority
                words = f"the API server of {place.cluster} is not reachable from here (see `reach`)"
                raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, problem.fault.code, words)) from problem
            raise
        if response.status_code >= 400:
            raise AzureProblem(explain_response(response))
        return response

    def _by_command(self, place: Place) -> bool:
        return place.by_command or not self._clusters.of(place).entra

    def _pods_path(self, place: Place, side: str) -> str:
        labels = quote(f"{scripts.INSTANCE}={place.release_of(side)}", safe="")
        return place.path("api/v1", f"pods?labelSelector={labels}")


def _unreadable(what: str, error: ValueError) -> AzureProblem:
    return AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "Unreadable", f"{what} cannot be read: {error}"))


@once_per_process
def _client(settings_: Settings, cluster: Cluster) -> "PipelineClient[Any, Any]":
    """A client that trusts the cluster's own authority and no other."""
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy

    return PipelineClient(
        f"https://{cluster.host}",
        policies=[
            RetryPolicy(retry_total=2, retry_status=0, retry_backoff_factor=0.2),
            BearerTokenCredentialPolicy(credential(settings_.client_id), AKS_SCOPE),
        ],
        connection_verify=_file_of(cluster.authority),
        connection_timeout=patience.CONNECT_S,
        read_timeout=patience.READ_S,
    )


@once_per_process
def _file_of(authority: bytes) -> str:
    """A file of this process with the certificate, which is what the transport takes."""
    with tempfile.NamedTemporaryFile(prefix="slipway-", suffix=".pem", delete=False) as file:
        file.write(authority)
    return file.name
