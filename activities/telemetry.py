"""Where a ramp's numbers come from: the adapter, and the workspace that a pipeline names or the app's own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.flags.document import OFF, ON
from slipway.promotion.outcomes import moment
from slipway.promotion.telemetry import Flagged, Source, Span, spans_from
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


def sides_of(order: dict[str, Any], canary: CanaryPlan) -> dict[str, Any]:
    """The two whom a ramp compares, as a question names them: releases, or users with a flag and without it."""
    if canary.flag is None:
        return {"canary": order["version"], "baseline": order["baseline"]}
    flagged = Flagged(canary.flag.name, order["version"], order.get("variant", ""), canary.flag.slow_ms)
    return {"canary": ON, "baseline": OFF, "flagged": flagged}


def due_spans(canary: CanaryPlan, began_at: str, tick: int, settled: int, missing: Sequence[int]) -> tuple[Span, ...]:
    """The ticks to ask for at the end of `tick`: those after `settled`, and from the oldest `missing` one on."""
    policy, first = canary.policy, min([*missing, settled + 1])
    return spans_from(moment(began_at), timedelta(seconds=policy.tick_s), first, tick - policy.delay_ticks)
