"""Simulated watches after 100 %: one arm, against the same service's day before the ramp."""

from dataclasses import dataclass

from slipway.promotion.judge.one_arm import WatchState, begin_watch, watch_tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.stream import Stream
from slipway.promotion.judge.usual import CARE, Care
from slipway.promotion.judge.verdict import Action

DAY_TICKS = 1440  # ticks are minutes
BAKE_TICKS = 30
CALL = "BLIND_TOO_LONG"


@dataclass(frozen=True)
class WatchResult:
    """`rolled_back`: at the end of which tick, None if never. `called`: how often a person was called."""

    rolled_back: int | None
    called: int


def watches(scenario: Scenario, seed: str, count: int, ticks: int, care: Care = CARE) -> list[WatchResult]:
    """Releases that have all the traffic, each for so many minutes or until it is rolled back, after one day."""
    before = Stream(scenario.traffic, f"{seed}/history", detailed=False)
    state = begin_watch(Policy(), before.history(DAY_TICKS), care=care)
    streams = (Stream(scenario.traffic, f"{seed}/{i}", detailed=False, now=before.now) for i in range(count))
    return [_watch(state, stream, scenario, ticks) for stream in streams]


def _watch(state: WatchState, stream: Stream, scenario: Scenario, ticks: int) -> WatchResult:
    policy, called, before = Policy(), 0, ""
    for now in range(1, ticks + 1):
        state, verdict = watch_tick(state, [stream.window(now, 1.0, scenario.harm)], now, policy)
        if verdict.action is Action.ROLLBACK:
            return WatchResult(now, called)
        called += verdict.code == CALL and before != CALL
        before = verdict.code
    return WatchResult(None, called)
