"""The one place that knows which switch sends users to a side of a target: by the section that the target has. It
imports none of them before it is asked."""

from typing import TYPE_CHECKING

from slipway.promotion.plan import Target
from slipway.settings import Settings

if TYPE_CHECKING:
    from slipway.promotion.ports import Switch


def switch_of(target: Target, settings_: Settings | None = None) -> "Switch":
    """What sends users to the blue or the green side: the Kubernetes Service, unless a section names another one."""
    match target.settings:
        case {"traffic-manager": _}:
            from slipway.adapters.traffic_manager import TrafficManagerSwitch

            return TrafficManagerSwitch(settings_)
        case {"dns": _}:
            from slipway.adapters.dns import DnsSwitch

            return DnsSwitch(settings_)
        case _:
            from slipway.adapters.aks.service_switch import ServiceSwitch

            return ServiceSwitch(settings_)
