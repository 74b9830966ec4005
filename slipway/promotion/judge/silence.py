"""Whether telemetry speaks of both arms: a few of very many requests are silence, not evidence.

From an arm its weight's share of the window's requests is due. A sticky router follows a new weight slowly and serves
the one before meanwhile, so the smaller of both is taken; even a router that keeps half of all users where they were
brings more than a tenth of that, and telemetry that lost most of an arm does not.
"""

from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.recent import SILENT, THIN_IN_ALL
from slipway.promotion.judge.state import State
from slipway.promotion.judge.windows import Arm, Window

THIN = 0.1  # of what was due from an arm
BLIND_CANARY, BLIND_BOTH = 2, 1  # a silent canary beside a living baseline is worse
NOTHING = "telemetry has nothing of either arm"


def silence(window: Window | None, state: State, policy: Policy) -> tuple[int, str] | None:
    """Why a window cannot be judged: the blind ticks that it counts, and words; None for a complete one."""
    if window is None:
        return BLIND_BOTH, NOTHING
    if window.trouble:
        return BLIND_BOTH, window.trouble
    if window.is_empty:
        return (BLIND_BOTH, NOTHING) if state.requests.is_silence() else None
    canary = unheard(window, state, policy, True) < SILENT
    baseline = unheard(window, state, policy, False) < SILENT
    if canary and baseline:
        return _thin_in_all(window, state)
    if baseline:
        if window.settling and not state.since:  # the first share of all is on its way to users
            return 0, _lacking("canary", window.canary, _due(window, state, policy, True))
        return BLIND_CANARY, _lacking("canary", window.canary, _due(window, state, policy, True))
    if canary:
        return BLIND_BOTH, _lacking("baseline", window.baseline, _due(window, state, policy, False))
    return BLIND_BOTH, NOTHING


def unheard(window: Window, state: State, policy: Policy, canary: bool) -> float:
    """Requests that were due from an arm since it last served its part, this window's among them; endless for an arm
    that is not there."""
    arm = window.canary if canary else window.baseline
    if arm is None:
        return float("inf")
    if window.is_empty:
        return state.unheard_canary if canary else state.unheard_baseline
    due = _due(window, state, policy, canary)
    if arm.total and arm.total >= THIN * due:
        return 0.0
    return due + (state.unheard_canary if canary else state.unheard_baseline)


def few(came: int, due: float) -> str:
    """`3 of about 1,500 requests that were due`."""
    return f"{came:,} of about {float(f'{due:.2g}'):,.0f} requests that were due"


def _due(window: Window, state: State, policy: Policy, canary: bool) -> float:
    """The weight's share of the window's requests; of an arm without any as many as the other's make likely."""
    arm = window.canary if canary else window.baseline
    now = policy.steps[state.step]
    share = min(now, state.before)
    if not canary:
        share = 1 - (state.before if window.tick <= state.since else max(now, state.before))
    known = window.total
    return share * known if arm is not None and arm.total else share * known / (1 - share)


def _thin_in_all(window: Window, state: State) -> tuple[int, str] | None:
    """Both arms together have far less than the last ticks had, those before the ramp among them."""
    usual = state.requests.usual
    came = window.total
    if usual < SILENT or came >= THIN_IN_ALL * usual:
        return None
    return BLIND_BOTH, f"telemetry has {few(came, usual)}"


def _lacking(name: str, arm: Arm | None, due: float) -> str:
    return f"the {name} has {few(arm.total, due)}" if arm is not None and arm.total else f"the {name} is silent"
