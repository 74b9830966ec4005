"""What must be so at a Front Door for weights to divide traffic, looked at before a ramp."""

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.front_door.profile import Profile, place_of
from slipway.promotion.front_door import LEAST_LATENCY_WINDOW_MS, SLOW_PROBES_S, drop_within_s
from slipway.promotion.outcomes import Answer, broken, passed
from slipway.promotion.plan import Target
from slipway.settings import Settings, settings


def check(target: Target, settings_: Settings | None = None) -> Answer:
    """Passed with words on the fast way back, and the result `drop_s`: in how many seconds edges drop a side whose
    probes fail, 0 for never. Broken LATENCY_WINDOW_TOO_SMALL, SESSION_AFFINITY, PRIORITIES_DIFFER, LIVE_ORIGIN_DISABLED
    and what Azure says."""
    try:
        place = place_of(target)
        profile = Profile(settings_ or settings(), place)
        group, origins = profile.group(), profile.origins()
    except AzureProblem as problem:
        return problem.fault.answer({}, 5.0)
    if group.latency_window_ms < LEAST_LATENCY_WINDOW_MS:
        words = (
            f"additionalLatencyInMilliseconds of {place.name} is {group.latency_window_ms}: below "
            f"{LEAST_LATENCY_WINDOW_MS} the quickest origin has all users, whatever the weights say"
        )
        return broken("LATENCY_WINDOW_TOO_SMALL", words)
    if group.session_affinity:
        words = (
            f"session affinity of {place.name} is on: users would stay where they are, and the judge counts requests"
        )
        return broken("SESSION_AFFINITY", words)
    if len(set(origins.priorities)) > 1:
        live, idle = origins.priorities
        words = f"{place.live} has the priority {live} and {place.idle} {idle}: only equal ones share users by weight"
        return broken("PRIORITIES_DIFFER", words)
    if not origins.pair.live.enabled:
        return broken("LIVE_ORIGIN_DISABLED", f"the live side's origin {place.live} of {place.name} is disabled")
    if not group.probe_s:
        return passed(f"{place.name} has no health probes, so no fast way back", drop_s=0.0)
    drop_s = drop_within_s(group.probe_s, group.sample_size, group.successful_samples)
    words = f"edges drop a stopped side of {place.name} within {drop_s:g} s"
    slow = f": its probes are {group.probe_s:g} s apart, which is slow" if group.probe_s > SLOW_PROBES_S else ""
    return passed(words + slow, drop_s=drop_s)
