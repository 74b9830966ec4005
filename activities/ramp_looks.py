"""Activity `look_at_ramp`: what can be seen of a ramp between two ticks, before any logs arrive."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import azure.durable_functions as df

from activities.answering import Order, answering
from activities.secret_headers import with_headers
from activities.top_up import Sending, address_of
from slipway.adapters import clock
from slipway.adapters.alerts import firing
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.http_probe import probe
from slipway.promotion.canary_plan import IGNORE, CanaryPlan
from slipway.promotion.fast_signals import Count, outage
from slipway.promotion.outcomes import Answer, passed
from slipway.promotion.plan import HealthCheck, Target
from slipway.promotion.region_gate import REGION, UNREAD, in_the_way
from slipway.promotion.rings import load_gate

bp = df.Blueprint()

PROBES = 3
SIDE_BY_SIDE = 8
COUNTED = timedelta(minutes=3)  # platforms tell a minute about a minute late


@dataclass(frozen=True)
class Seen:
    """Of one target: the release's share, signals against it (name, words), and in words what could not be seen."""

    share: float | None
    signals: list[list[str]]
    unread: str = ""


@bp.activity_trigger(input_name="order", activity="look_at_ramp")
@answering
def look_at_ramp(order: Order) -> Answer:
    """Result: `shares` by target as the platforms answer them, and `signals` that speak against the release, each a
    name and words. A target that cannot be asked is left out, with words. Sends the top-up, where there is one; what
    came of it is in the words too, and in `no_top_up` that none may be sent any more."""
    targets = [Target(**each) for each in order["targets"]]
    canary = CanaryPlan.load(order["canary"])
    if canary.flag is not None:
        return _flag_seen(order, targets[0], canary)
    addresses = {target.name: address_of(canary, order["sites"][target.name]) for target in targets}
    with ThreadPoolExecutor(len(targets) + min(SIDE_BY_SIDE, len(targets))) as threads:
        sending = Sending(threads, canary.top_up, addresses, order["every_s"], order.get("no_top_up", ""))
        seen = list(threads.map(lambda target: _seen(order, target, canary), targets))
        sent = sending.ended()
    shares = {target.name: each.share for target, each in zip(targets, seen, strict=True) if each.share is not None}
    signals = [*(signal for each in seen for signal in each.signals), *_region(order)]
    words = "; ".join(filter(None, [*(each.unread for each in seen), sent.words]))
    return passed(words, shares=shares, signals=signals, no_top_up=sent.words if sent.refused else "")


def _flag_seen(order: Order, target: Target, canary: CanaryPlan) -> Answer:
    """Of a feature flag: its share, and in `flag` a code and words when it is not Slipway's any more."""
    from slipway.adapters.flags.router import FlagRouter

    served = [Target(**each) for each in order["watched"]] if canary.signals.alert != IGNORE else []
    try:
        fires = [words for each in served for words in firing(each.resource, each.slot, clock.now())]
        share, code, words = FlagRouter().watch(target)
    except AzureProblem as problem:
        return passed(f"{target.name}: {problem.fault.words}", shares={}, signals=[], no_top_up="")
    shares = {} if share is None else {target.name: share}
    signals = [["alert", "; ".join(fires)]] if fires else []
    return passed(shares=shares, signals=signals, no_top_up="", flag=[code, words] if code else [])


def _region(order: Order) -> list[list[str]]:
    """The signal of the Cosmos DB account that the ring goes by, if it gives one: also when it could not be read."""
    if not order.get("gate"):
        return []
    from slipway.adapters.cosmos import read_account

    gate = load_gate(order["gate"])
    try:
        held = in_the_way(gate, read_account(gate.account), order["written"])
    except AzureProblem as problem:
        return [[UNREAD, f"{gate.name} could not be read: {problem.fault.words}"]]
    return [[REGION, held]] if held else []


def _seen(order: Order, target: Target, canary: CanaryPlan) -> Seen:
    from slipway.adapters.platforms import router_of

    found = {"probe": "", "counters": "", "alert": ""}
    if canary.signals.probe != IGNORE:
        found["probe"] = _probed(order, target)
    if canary.signals.counters != IGNORE and order["counters"]:
        found["counters"] = _counted(target, order["version"])
    try:
        if canary.signals.alert != IGNORE:
            found["alert"] = "; ".join(firing(target.resource, target.slot, clock.now()))
        router = next((Target(**each) for each in order.get("routers", ()) if each["name"] == target.name), target)
        share, unread = router_of(router).read_split(router, order["version"]).share, ""
    except AzureProblem as problem:
        share, unread = None, f"{target.name}: {problem.fault.words}"
    return Seen(share, [[name, f"{target.name}: {words}"] for name, words in found.items() if words], unread)


def _probed(order: Order, target: Target) -> str:
    """What speaks against the release, in words: it answers badly three times, while the live one beside it is well."""
    check, site = HealthCheck.load(order["health"]), order["sites"][target.name]

    def against(headers: Mapping[str, str]) -> Answer:
        words = _ill(site["idle"], order["version"], check, headers)
        if not words or _ill(site["live"] or site["production"], order["baseline"], check, headers):
            return passed()
        return passed(words)

    return with_headers(check.headers, against).words


def _ill(address: str, version: str, check: HealthCheck, headers: Mapping[str, str]) -> str:
    """The last of three bad answers running, in words; empty when one was good."""
    words = ""
    for _ in range(PROBES):
        urls = address + check.path, address + check.version_path
        seen = probe(*urls, version, check.timeout_s, headers=headers)
        if seen.ok:
            return ""
        words = seen.words
    return words


def _counted(target: Target, version: str) -> str:
    """What the platform's counters have against the release. Where there are none they say nothing."""
    from slipway.adapters.telemetry.counted import Counted
    from slipway.adapters.telemetry.metrics import AzureMonitorMetrics

    def count(arm: Counted | None) -> Count:
        return Count(arm.requests, arm.failures_5xx) if arm else Count()

    ends = clock.now()
    canary = baseline = Count()
    for minute in AzureMonitorMetrics().of(target, version, ends - COUNTED, ends).minutes:
        canary, baseline = canary.plus(count(minute.canary)), baseline.plus(count(minute.baseline))
    return outage(canary, baseline)
