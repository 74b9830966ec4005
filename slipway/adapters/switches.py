"""The one place that knows which switch sends a target's users to one of its sides: the section that it has says so. It
imports none of them before it is asked."""

from typing import TYPE_CHECKING

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.promotion.plan import Target

if TYPE_CHECKING:
    from slipway.promotion.ports import Switch


def switch_of(target: Target, version_path: str = "/version") -> "Switch":
    """What sends the target's users to blue or green; a release says which version it is at `version_path`. Raises
    AzureProblem for a target that no switch serves."""
    sections = [name for name in ("traffic-manager", "dns") if name in target.settings]
    match sections:
        case ["traffic-manager"]:
            from slipway.adapters.traffic_manager import TrafficManagerSwitch

            return TrafficManagerSwitch(version_path=version_path)
        case ["dns"]:
            from slipway.adapters.dns import DnsSwitch

            return DnsSwitch(version_path=version_path)
        # case []: the Kubernetes Service of the target's Helm release
    words = f"target {target.name}: {'no switch' if not sections else 'more than one switch'} sends users to its sides"
    raise AzureProblem(AzureFault(FaultKind.INVALID, "InvalidTarget", words))
