"""Activity `look_after_switch`: what platforms count of a release that has all the traffic, and alerts on it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import azure.durable_functions as df

from activities.answering import Order, answering
from slipway.adapters import clock
from slipway.adapters.alerts import firing
from slipway.promotion.fast_signals import Count, outage
from slipway.promotion.outcomes import Answer, moment, passed
from slipway.promotion.plan import Target

bp = df.Blueprint()

SIDE_BY_SIDE = 8
COUNTED = timedelta(minutes=3)  # platforms tell a minute about a minute late
BEFORE = timedelta(minutes=30)


@bp.activity_trigger(input_name="order", activity="look_after_switch")
@answering
def look_after_switch(order: Order) -> Answer:
    """Result: `signals` that speak against `version` (`versions` by target, where they differ), live since `since` at
    `targets`, each a name and words. What cannot be read says nothing."""
    targets, since = [Target(**each) for each in order["targets"]], moment(order["since"])

    def seen(target: Target) -> list[list[str]]:
        found = {"counters": "", "alert": ""}
        if order["counters"]:
            found["counters"] = _counted(target, order.get("versions", {}).get(target.name, order["version"]), since)
        if order["alerts"]:
            found["alert"] = "; ".join(firing(target.resource, target.slot, clock.now()))
        return [[name, f"{target.name}: {words}"] for name, words in found.items() if words]

    with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(targets))) as threads:
        signals = [signal for each in threads.map(seen, targets) for signal in each]
    return passed(signals=signals)


def _counted(target: Target, version: str, since: datetime) -> str:
    """What the platform has counted of the release since its switch, against what it counted of the one before.

    Counters of an App Service are its production side's, whoever is there; of a Container App each revision's own.
    """
    from slipway.adapters.telemetry.metrics import AzureMonitorMetrics

    metrics, ends = AzureMonitorMetrics(), clock.now()
    now = metrics.of(target, version, max(since, ends - COUNTED), ends).minutes
    before = metrics.of(target, version, since - BEFORE, since).minutes
    release, previous = Count(), Count()
    for minute in now:
        arm = minute.baseline if target.of_kind.swapped else minute.canary
        release = release.plus(Count(arm.requests, arm.failures_5xx)) if arm else release
    for minute in before:
        arm = minute.baseline
        previous = previous.plus(Count(arm.requests, arm.failures_5xx)) if arm else previous
    return outage(release, previous, "those before the switch")
