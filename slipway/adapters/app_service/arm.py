"""Azure Resource Manager through azure-mgmt-web's own pipeline: one request, one answer, no long waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain, explain_response, retry_after_s
from slipway.adapters.credentials import management_client
from slipway.adapters.once import once_per_process
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.mgmt.web import WebSiteManagementClient

API_VERSION = "2025-05-01"
POLL_S = 5.0


@dataclass(frozen=True)
class Reply:
    """An answer below 400: its JSON (empty when it has none) and headers, names in lower case."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, Any]:
        return self.body.get("properties") or {}

    @property
    def poll_url(self) -> str:
        """Where Azure says that the operation can be followed, or ""."""
        return self.headers.get("azure-asyncoperation") or self.headers.get("location") or ""

    @property
    def after_s(self) -> float:
        """When to ask again: as Azure says, else in 5 s (its own advice is 5 to 15; the limits are per identity)."""
        return retry_after_s(self.headers) or POLL_S


class Arm:
    """Requests to one subscription. Raises AzureProblem; a long `Retry-After` is the caller's to wait out."""

    def __init__(self, settings_: Settings, subscription: str) -> None:
        self._settings = settings_
        self._subscription = subscription

    @property
    def client(self) -> "WebSiteManagementClient":
        return _client(self._settings, self._subscription)

    def get(self, path: str, api_version: str = API_VERSION) -> Reply:
        """GET a resource's path. Lost connections are tried again, refusals are not."""
        return self._send("GET", path, None, api_version, retry_total=2, retry_status=0)

    def put(self, path: str, body: dict[str, Any], api_version: str = API_VERSION) -> Reply:
        """PUT once: whether to do it again after an unknown end is the caller's decision."""
        return self._send("PUT", path, body, api_version, retry_total=0)

    def post(self, path: str, body: dict[str, Any] | None, api_version: str = API_VERSION) -> Reply:
        """POST once, as `put`."""
        return self._send("POST", path, body, api_version, retry_total=0)

    def poll(self, url: str) -> Reply:
        """GET an operation's address. Raises ValueError for a host other than the endpoint's: our token goes along."""
        if not self.may_poll(url):
            raise ValueError(f"{urlsplit(url).netloc} is not {self._settings.arm_endpoint}; it gets no token of ours")
        return self._send("GET", url, None, API_VERSION, retry_total=2, retry_status=0)

    def may_poll(self, url: str) -> bool:
        """Whether `url` is at the configured endpoint."""
        ours, theirs = urlsplit(self._settings.arm_endpoint), urlsplit(url)
        return (ours.scheme, ours.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())

    def _send(self, method: str, where: str, body: dict[str, Any] | None, api_version: str, **options: Any) -> Reply:
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest

        is_path = where.startswith("/")
        request = HttpRequest(
            method,
            self._settings.arm_endpoint.rstrip("/") + where if is_path else where,
            params={"api-version": api_version} if is_path else None,
            json=body,
        )
        try:
            response = self.client.send_request(request, **options)
        except AzureError as error:
            raise AzureProblem(explain(error)) from error
        return _reply(response)


def _reply(response: Any) -> Reply:
    if response.status_code >= 400:
        raise AzureProblem(explain_response(response))
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = {}
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, body if isinstance(body, dict) else {}, headers)


def invalid(words: str) -> AzureProblem:
    """Something of the target itself that Azure would never take."""
    return AzureProblem(AzureFault(FaultKind.INVALID, "InvalidTarget", words))


@once_per_process
def _client(settings_: Settings, subscription: str) -> "WebSiteManagementClient":
    from azure.mgmt.web import WebSiteManagementClient

    return management_client(WebSiteManagementClient, settings_, subscription)
