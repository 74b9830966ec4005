"""The outside world of a canary: routers that divide traffic, and the traffic itself, which the real judge judges."""

from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from slipway.promotion.canary_plan import WAIT, CanaryPlan
from slipway.promotion.exposure import Exposure
from slipway.promotion.judge.one_arm import WatchState, begin_watch
from slipway.promotion.judge.one_arm import watch_tick as judge_one_arm
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import begin, load
from slipway.promotion.judge.verdict import Verdict
from slipway.promotion.judge.windows import Window, with_exposure
from slipway.promotion.outcomes import Answer, broken, passed, running
from slipway.promotion.plain import plain
from slipway.promotion.ramp_tick import judge_tick
from slipway.promotion.region_gate import REGION, UNREAD, Account, in_the_way
from slipway.promotion.rings import load_gate
from tests.promotion.judge.builders import Traffic
from tests.workflow.world import Order, World


@dataclass
class RampingWorld(World):
    """`shares`: of the traffic that the slot has, by site; `most` the highest there ever was. `harm` by version: fails
    so many times as often. `blind` and `unwell_from`: ticks without telemetry, and from which the live release fails.
    `no_top_up`: why the live release wants none, and what looks were told of that. `splits_refused`: how many changes
    of the router are not taken, `backs_refused` of those to 0; `met_at_most`: more is taken, and without effect."""

    per_tick: float = 30_000
    rate: float = 0.001
    shares: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    harm: dict[str, float] = field(default_factory=dict)
    blind: set[int] = field(default_factory=set)
    no_telemetry: bool = False
    unwell: int = 0
    signals: list[list[str]] = field(default_factory=list)
    no_top_up: str = ""
    told_no_top_up: set[str] = field(default_factory=set)
    splits_refused: int = 0
    backs_refused: int = 0
    met_at_most: float = 1.0
    judged: list[tuple[int, float]] = field(default_factory=list)
    turns_bad: float = 1.0
    watched: list[tuple[str, int]] = field(default_factory=list)

    def _begin_ramp(self, order: Order) -> Answer:
        if self.no_telemetry:
            return running({}, 15.0, "there is no telemetry")
        policy = CanaryPlan.load(order["canary"]).policy
        state, share = usual(policy, self.per_tick, self.rate)
        return passed("usual", state=state, share=share, usual_rate=self.rate)

    def _judge_tick(self, order: Order) -> Answer:
        policy = CanaryPlan.load(order["canary"]).policy
        state, number = load(order["state"], policy), order["tick"]
        first = min([*state.missing, state.settled + 1])
        windows = [self._window(each, order) for each in range(first, number - policy.delay_ticks + 1)]
        windows = with_exposure(windows, order["exposed_from"])
        exposure = Exposure.load(order["exposure"])
        share = order["share"] if CanaryPlan.load(order["canary"]).unmet == WAIT else None
        lags = CanaryPlan.load(order["canary"]).front_door is not None
        state, verdict, exposure = judge_tick(state, windows, number, policy, order["held"], exposure, share, lags)
        self._heard(order, verdict)
        said = {"action": str(verdict.action), "code": verdict.code, "words": verdict.words}
        said |= {"step": verdict.step, "weight": verdict.weight}
        said |= {"metrics": [asdict(metric) for metric in verdict.receipt.metrics]}
        return passed(state=state.dump(), verdict=said, unwell=self.unwell, exposure=plain(exposure))

    def _window(self, number: int, order: Order) -> Window:
        """What telemetry has of a tick."""
        if number in self.blind:
            return Window(number, fault="the workspace does not answer")
        share = min(max(self.shares.values(), default=0.0), self.met_at_most)
        return Traffic(order["tick"], self.per_tick, self.rate).window(
            number, share, self.harm.get(order["version"], 1.0)
        )

    def _heard(self, order: Order, verdict: Verdict) -> None:
        self.judged.append((order["tick"], verdict.weight))

    def _watch_tick(self, order: Order) -> Answer:
        """`turns_bad`: how often the release fails once it has all the traffic."""
        policy = CanaryPlan.load(order["canary"]).policy
        state = WatchState.load(order["state"]) if order["state"] else watching(policy, self.per_tick, self.rate)
        number, times = order["tick"], self.turns_bad
        arm = Traffic(number, self.per_tick, self.rate * times).window(number, 0.0).baseline
        state, verdict = judge_one_arm(state, [Window(number, arm)], number, policy)
        self.watched.append((order["version"], number))
        said = {"action": str(verdict.action), "code": verdict.code, "words": verdict.words}
        return passed(state=state.dump(), verdict=said)

    def _split(self, order: Order) -> Answer:
        def effect() -> Answer:
            if self.splits_refused > 0 and order["share"] > 0:
                self.splits_refused -= 1
                return broken("ROUTER_REFUSED", "the identity may not write the routing rules")
            if self.backs_refused > 0 and order["share"] == 0:
                self.backs_refused -= 1
                return broken("ROUTER_REFUSED", "the identity may not write the routing rules")
            name = order["target"]["name"]
            self.shares[name] = order["share"]
            self.most[name] = max(self.most.get(name, 0.0), order["share"])
            return passed(share=order["share"])

        return self._operation(order, effect)

    def _look_at_ramp(self, order: Order) -> Answer:
        names = [target["name"] for target in order["targets"]]
        self.told_no_top_up.add(order["no_top_up"])
        shares = {name: self.shares.get(name, 0.0) for name in names}
        signals = [each for each in self._fast_signals(order) if each[0] != "counters" or order["counters"]]
        signals += self._region(order)
        return passed(self.no_top_up, shares=shares, signals=signals, no_top_up=self.no_top_up)

    def _fast_signals(self, order: Order) -> list[list[str]]:
        return self.signals

    def _region(self, order: Order) -> list[list[str]]:
        if not order["gate"]:
            return []
        if self.account_refused:
            return [[UNREAD, "hub could not be read: 503"]]
        why = in_the_way(load_gate(order["gate"]), Account.load(self.account), order["written"])
        return [[REGION, why]] if why else []

    def _show_ramp(self, order: Order) -> Answer:
        row, rows = order["row"], self.of(order["promotion"]).rows
        if row["rev"] > rows.get(row["key"], {"rev": -1})["rev"]:
            rows[row["key"]] = row
        return passed()

    def _swap(self, order: Order) -> Answer:
        self.shares[order["target"]["name"]] = 0.0  # as the adapter does it: no swap turns a rule round
        return super()._swap(order)


@cache
def usual(policy: Policy, per_tick: float, rate: float) -> tuple[dict[str, Any], float]:
    """The judge's state before a ramp, and the first share."""
    state = begin(policy, Traffic(7, per_tick, rate).history(60))
    return state.dump(), policy.steps[state.step]


@cache
def watching(policy: Policy, per_tick: float, rate: float) -> WatchState:
    """The judge's state before a watch."""
    return begin_watch(policy, Traffic(7, per_tick, rate).history(240))
