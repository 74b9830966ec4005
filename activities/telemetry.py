"""Where a ramp's numbers come from: the adapter, and the workspace that a pipeline names or the app's own."""

from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.telemetry import Source
from slipway.settings import settings

if TYPE_CHECKING:
    from slipway.promotion.ports import Telemetry


def telemetry() -> "Telemetry":
    """The adapter. Imported when a ramp asks: a cold start has no need of it."""
    from slipway.adapters.telemetry.logs import AzureMonitorLogs

    return AzureMonitorLogs()


def source_of(canary: CanaryPlan) -> Source:
    """The pipeline's source; without a workspace of its own the app's. Raises SlipwayError SETTING_MISSING."""
    return replace(canary.source, workspace=canary.source.workspace or settings().needed("workspace"))
