"""An App Service and its idle slot: where they are, what they answer, and starting and stopping the slot."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway.adapters.app_service.arm import Arm, invalid
from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.http_probe import read_version
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SiteState
from slipway.settings import Settings

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.Web/sites/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)
_VERSION_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Place:
    """A target's parts, and the ARM paths of its two sides."""

    subscription: str
    group: str
    name: str
    slot: str

    @property
    def live(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.Web/sites/{self.name}"
        )

    @property
    def idle(self) -> str:
        return f"{self.live}/slots/{self.slot}"


def place_of(target: Target) -> Place:
    """The place a target names. Raises AzureProblem when its resource id is none of an App Service."""
    found = _RESOURCE.fullmatch(target.resource)
    if found is None:
        raise invalid(f"target {target.name}: {target.resource} is not the resource id of an App Service")
    return Place(found["subscription"], found["group"], found["name"], target.slot)


@dataclass(frozen=True)
class Side:
    """One side as ARM shows it; `host` is its default host name."""

    host: str
    address: str
    state: str
    in_progress: bool
    swapped_at: datetime | None


class Sites:
    """Reads and small writes. Raises AzureProblem."""

    def __init__(self, settings_: Settings) -> None:
        self._settings = settings_

    def arm(self, place: Place) -> Arm:
        return Arm(self._settings, place.subscription)

    def idle_side(self, place: Place) -> Side:
        return self._side(place, place.idle)

    def version_of(self, side: Side, version_path: str) -> str | None:
        """The version that a side answers over HTTP, or None."""
        return read_version(side.address + version_path, _VERSION_TIMEOUT_S, self._settings)

    def read_live(self, place: Place, version_path: str) -> SiteState:
        live, idle = self._side(place, place.live), self._side(place, place.idle)
        swaps = [side.swapped_at for side in (live, idle) if side.swapped_at]
        return SiteState(
            production_address=live.address,
            live_address=live.address,
            idle_address=idle.address,
            production_version=self.version_of(live, version_path),
            idle_version=self.version_of(idle, version_path),
            in_progress=live.in_progress or idle.in_progress,
            last_swap_at=max(swaps, default=None),
            idle_state=idle.state,
        )

    def start_idle(self, place: Place) -> None:
        """`POST …/slots/{slot}/start`; answers 200 at once and may be repeated."""
        from azure.core.exceptions import AzureError

        slot = (place.group, place.name, place.slot)
        try:
            self.arm(place).client.web_apps.start_slot(*slot, retry_total=0)
        except AzureError as error:
            raise AzureProblem(explain(error)) from error

    def stop_idle(self, place: Place) -> None:
        """`POST …/slots/{slot}/stop`; answers 200 at once and may be repeated."""
        from azure.core.exceptions import AzureError

        slot = (place.group, place.name, place.slot)
        try:
            self.arm(place).client.web_apps.stop_slot(*slot, retry_total=0)
        except AzureError as error:
            raise AzureProblem(explain(error)) from error

    def _side(self, place: Place, path: str) -> Side:
        properties = self.arm(place).get(path).properties
        # The host of a slot holds random characters on newer apps: it is read, never built.
        host = str(properties.get("defaultHostName") or "")
        return Side(
            host=host,
            address=f"{self._settings.site_scheme}://{host}",
            state=str(properties.get("state") or ""),
            in_progress=bool(properties.get("inProgressOperationId")),
            swapped_at=azure_time((properties.get("slotSwapStatus") or {}).get("timestampUtc")),
        )


def azure_time(text: Any) -> datetime | None:
    """A moment as Azure writes it: UTC, with or without `Z`, with up to seven digits of a second."""
    if not text:
        return None
    digits = re.sub(r"(\.\d{6})\d+", r"\1", str(text))
    found = datetime.fromisoformat(digits)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
