"""Origins of a Front Door Standard or Premium as Resource Manager shows them (azure-mgmt-cdn, api 2026-10-01).

A PATCH of an origin is a change of the whole profile: 200, or 202 with an operation to follow, and 409 while another
one is under way. `provisioningState` Succeeded says that Resource Manager has it, and nothing of the edges;
`deploymentStatus` is known to stay `NotStarted` beside it, so it is never waited for. Everything here raises
AzureProblem for what Azure says.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain, explain_response, retry_after_s
from slipway.adapters.credentials import management_client
from slipway.adapters.front_door.weights import Pair, Weight, Write
from slipway.adapters.once import once_per_process
from slipway.promotion.plan import Target
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.mgmt.cdn import CdnManagementClient

POLL_S = 10.0
_ORIGIN = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Cdn/profiles/"
    r"(?P<profile>[^/]+)/originGroups/(?P<origins>[^/]+)/origins/(?P<idle>[^/]+)/?",
    re.IGNORECASE,
)
_READS: dict[str, Any] = {"retry_total": 2, "retry_status": 0}  # lost connections are tried again, refusals are not
_RESTS = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Place:
    """Two origins of a group: the `live` side's and the `idle` one's."""

    subscription: str
    group: str
    profile: str
    origins: str
    live: str
    idle: str

    @property
    def name(self) -> str:
        return f"{self.profile}/{self.origins}"


@dataclass(frozen=True)
class Started:
    """A change that Resource Manager has taken: where to follow it ("" when it is over), and when to ask."""

    poll_url: str
    after_s: float


@dataclass(frozen=True)
class Origins:
    """`others`: further origins of the group that take part. `busy` names one of both whose change is under way.
    `priorities` of both: only origins of one priority share traffic by weight."""

    pair: Pair
    others: tuple[str, ...]
    busy: str
    priorities: tuple[int, int]


@dataclass(frozen=True)
class Group:
    """How a group divides traffic. `probe_s` is 0 without health probes."""

    latency_window_ms: int
    sample_size: int
    successful_samples: int
    probe_s: float
    session_affinity: bool


def place_of(target: Target) -> Place:
    """The place a router's target names. Raises AzureProblem when it is none of a Front Door's origin."""
    found = _ORIGIN.fullmatch(target.resource)
    if found is None:
        words = f"target {target.name}: {target.resource} is not the resource id of an origin of a Front Door"
        raise AzureProblem(AzureFault(FaultKind.INVALID, "InvalidTarget", words))
    return Place(found["subscription"], found["group"], found["profile"], found["origins"], target.slot, found["idle"])


class Profile:
    """Small reads and writes of one Front Door."""

    def __init__(self, settings_: Settings, place: Place) -> None:
        self._settings, self._place = settings_, place

    @property
    def client(self) -> "CdnManagementClient":
        return _client(self._settings, self._place.subscription)

    @property
    def address(self) -> tuple[str, str]:
        """Resource group and profile, as the SDK wants them first."""
        return self._place.group, self._place.profile

    def origins(self) -> Origins:
        """Both sides and what is beside them."""
        with explained():
            listed = self.client.afd_origins.list_by_origin_group(*self.address, self._place.origins, **_READS)
            found = {str(each.name).lower(): _properties(each) for each in listed}
        live, idle = self._of(found, self._place.live), self._of(found, self._place.idle)
        ours = (self._place.live.lower(), self._place.idle.lower())
        others = [name for name, each in found.items() if name not in ours and _weight(each).enabled]
        busy = [name for name in ours if str(found[name].get("provisioningState") or "Succeeded") not in _RESTS]
        return Origins(
            Pair(_weight(live), _weight(idle)),
            tuple(others),
            busy[0] if busy else "",
            (int(live.get("priority") or 1), int(idle.get("priority") or 1)),
        )

    def group(self) -> Group:
        with explained():
            found = self.client.afd_origin_groups.get(*self.address, self._place.origins, **_READS)
        body = _properties(found)
        balancing, probes = body.get("loadBalancingSettings") or {}, body.get("healthProbeSettings") or {}
        return Group(
            latency_window_ms=int(balancing.get("additionalLatencyInMilliseconds") or 0),
            sample_size=int(balancing.get("sampleSize") or 4),
            successful_samples=int(balancing.get("successfulSamplesRequired") or 3),
            probe_s=float(probes.get("probeIntervalInSeconds") or 0),
            session_affinity=str(body.get("sessionAffinityState") or "Disabled") == "Enabled",
        )

    def write(self, write: Write) -> Started:
        """One PATCH, tried once: it may have been taken, and whoever asks again looks first."""
        origin = self._place.idle if write.idle else self._place.live
        state = "Enabled" if write.weight.enabled else "Disabled"
        body: Any = {"properties": {"weight": write.weight.value, "enabledState": state}}
        return started(
            lambda **sent: self.client.afd_origins.begin_update(
                *self.address, self._place.origins, origin, body, **sent
            )
        )

    def follow(self, url: str) -> Started | None:
        """How a change goes on; None when it is over, and well. Raises AzureProblem with Azure's words when it failed,
        and ValueError for a host other than the endpoint's: our token goes along."""
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest

        ours, theirs = urlsplit(self._settings.arm_endpoint), urlsplit(url)
        if (ours.scheme, ours.netloc.lower()) != (theirs.scheme, theirs.netloc.lower()):
            raise ValueError(f"{theirs.netloc} is not {self._settings.arm_endpoint}; it gets no token of ours")
        try:
            response = self.client.send_request(HttpRequest("GET", url), **_READS)
        except AzureError as error:
            raise AzureProblem(explain(error)) from error
        if response.status_code >= 400:
            raise AzureProblem(explain_response(response))
        status = _status(response)
        if response.status_code == 202 or status not in (*_RESTS, "Canceled", ""):
            return Started(url, retry_after_s(response.headers) or POLL_S)
        if status in ("Failed", "Canceled"):
            raise AzureProblem(
                AzureFault(FaultKind.INVALID, status, f"the change has {status.lower()}: {_why(response)}")
            )
        return None

    def _of(self, found: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        if name.lower() in found:
            return found[name.lower()]
        words = f"the origin group {self._place.name} has no origin {name}"
        raise AzureProblem(AzureFault(FaultKind.MISSING, "OriginMissing", words))


def started(begin: Callable[..., Any]) -> Started:
    """Begin a change of Resource Manager's without waiting for its end."""
    said: dict[str, str] = {}

    def keep(response: Any) -> None:
        answer = response.http_response
        said.update({name.lower(): value for name, value in answer.headers.items()})
        said["status"] = str(answer.status_code)

    with explained():
        begin(polling=False, retry_total=0, raw_response_hook=keep)
    url = said.get("azure-asyncoperation") or said.get("location") or ""
    return Started(url if said.get("status") in ("201", "202") else "", retry_after_s(said) or POLL_S)


@contextmanager
def explained() -> Iterator[None]:
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise AzureProblem(explain(error)) from error


def _properties(resource: Any) -> dict[str, Any]:
    return dict(resource.as_dict().get("properties") or {})


def _weight(origin: dict[str, Any]) -> Weight:
    return Weight(int(origin.get("weight") or 1), str(origin.get("enabledState") or "Enabled") == "Enabled")


def _body(response: Any) -> dict[str, Any]:
    try:
        body = response.json() if response.content else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _status(response: Any) -> str:
    return str(_body(response).get("status") or "")


def _why(response: Any) -> str:
    error = _body(response).get("error") or {}
    return f"{error.get('code', '')}: {error.get('message', '')}" if isinstance(error, dict) else str(error)


@once_per_process
def _client(settings_: Settings, subscription: str) -> "CdnManagementClient":
    from azure.mgmt.cdn import CdnManagementClient

    return management_client(CdnManagementClient, settings_, subscription)
