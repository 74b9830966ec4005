"""The one place that knows which adapter serves which kind of target. It imports none of them before it is asked."""

from typing import TYPE_CHECKING

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.promotion.plan import Target

if TYPE_CHECKING:
    from slipway.promotion.ports import SlotPlatform, TrafficRouter


def platform_of(target: Target) -> "SlotPlatform":
    """Where the target's releases run. Raises AzureProblem for a kind that no adapter serves."""
    match target.kind:
        case "app-service":
            from slipway.adapters.app_service import AppService

            return AppService()
        case "container-apps":
            from slipway.adapters.container_apps import ContainerApps

            return ContainerApps()
        case "aks":
            from slipway.adapters.aks import Aks

            return Aks()
        case "configuration":
            from slipway.adapters.configuration.pointing import PointedConfiguration

            return PointedConfiguration()
        case "terraform":
            from slipway.adapters.terraform import Terraform

            return Terraform()
        case "bicep":
            from slipway.adapters.bicep import Bicep

            return Bicep()
    raise _unknown(target)


def router_of(target: Target) -> "TrafficRouter":
    """What divides the target's traffic. Raises AzureProblem for a kind that no adapter serves."""
    match target.kind:
        case "app-service":
            from slipway.adapters.app_service.routing import SlotRouter

            return SlotRouter()
        case "container-apps":
            from slipway.adapters.container_apps.routing import RevisionRouter

            return RevisionRouter()
        case "front-door":
            from slipway.adapters.front_door.routing import FrontDoorRouter

            return FrontDoorRouter()
        case "aks" if "traffic-manager" in target.settings:
            from slipway.adapters.traffic_manager import TrafficManagerRouter

            return TrafficManagerRouter()
        case "app-configuration-flag":
            from slipway.adapters.flags.router import FlagRouter

            return FlagRouter()
    raise _unknown(target)


def _unknown(target: Target) -> AzureProblem:
    words = f"target {target.name}: no adapter serves the kind {target.kind!r}"
    return AzureProblem(AzureFault(FaultKind.INVALID, "InvalidTarget", words))
