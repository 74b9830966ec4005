"""Routers that divide traffic, and traffic that the real judge judges, as rough as the rest of the world."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from slipway.promotion.canary_plan import STAY, CanaryPlan
from slipway.promotion.judge.state import load
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import Window
from slipway.promotion.outcomes import Answer, broken, passed, running
from tests.promotion.judge.builders import Traffic
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.rough_world import RoughWorld
from tests.workflow.world import Order

HARM = 8.0  # times as often as what is live
BY_HAND = "ramp.advanced-by-hand"


@dataclass(frozen=True)
class Shared:
    """A release was given a share of a site's traffic. `allowed` is what judge and people had let it have by then,
    `beside` says which releases had a share elsewhere in the environment."""

    site: str
    promotion: str
    version: str
    share: float
    allowed: float
    idle: str
    beside: frozenset[str]


@dataclass
class RoughRamps(RoughWorld, RampingWorld):
    """A swap or a deployment clears a share, as the adapter does. `routed`: whose share that is. `refused_splits`: so
    many of the next changes towards a release are not taken. Flaws beyond the world's own: harmful (fails far more
    often than what is live), sick while ramping (its probe fails in the slot once it has a share) and harmful later
    (seen in its bake). `allowed`: by promotion. `given`: every share that a router was told, above 0."""

    refused_splits: int = 0
    routed: dict[str, str] = field(default_factory=dict)
    allowed: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    given: list[Shared] = field(default_factory=list)
    blind_ticks: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    by_hand: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def _begin_ramp(self, order: Order) -> Answer:
        answer = super()._begin_ramp(order)
        if not answer.running:
            self.allowed[order["promotion"]] = answer.result["share"]
        return answer

    def _judge_tick(self, order: Order) -> Answer:
        kept = self.receipts.setdefault(order["operation"], {})
        if "answer" not in kept:
            if self.no_telemetry:
                settled = load(order["state"], CanaryPlan.load(order["canary"]).policy).settled
                self.blind_ticks[order["promotion"]].update(range(settled + 1, order["tick"] + 1))
            kept["answer"] = super()._judge_tick(order).dump()
        return Answer.load(kept["answer"])

    def _heard(self, order: Order, verdict: Verdict) -> None:
        if verdict.action != Action.ROLLBACK or CanaryPlan.load(order["canary"]).on_harm != STAY:
            self.allowed[order["promotion"]] = verdict.weight

    def _window(self, number: int, order: Order) -> Window:
        version = order["version"]
        if number in self.blind_ticks[order["promotion"]]:
            return Window(number, fault="the workspace does not answer")
        idle = [name for name, share in self.shares.items() if share and self.sites[name].idle == version]
        share = max((self.shares[name] for name in idle), default=0.0)
        harm = HARM if self.flaws.get(version) == "harmful" else 1.0
        return Traffic(number, self.per_tick, self.rate).window(number, share, harm)

    def _watch_tick(self, order: Order) -> Answer:
        """One arm is judged by ten ticks and more; which is the judge's matter, and here a word."""
        bad = self.flaws.get(order["version"]) == "harmful later" and order["tick"] >= 3
        harm = {"action": str(Action.ROLLBACK), "code": "HARM_PROVEN", "words": "fails 8.0 × as often as before"}
        calm = {"action": str(Action.WAIT), "code": "CALM", "words": "as usual"}
        return passed(state={}, verdict=harm if bad else calm)

    def _split(self, order: Order) -> Answer:
        name, share = order["target"]["name"], order["share"]

        def start(new: bool) -> Answer:
            if abs(self.shares.get(name, 0.0) - share) < 1e-9:
                return passed(share=share, already=True)
            if share and self.refused_splits > 0:
                self.refused_splits -= 1
                return broken("ROUTER_REFUSED", "the identity may not write the routing rules")
            if share and self._site(order["target"]).idle_stopped:
                return broken("SLOT_NOT_RUNNING", "the slot is stopped: it gets no traffic")
            self.effects[order["operation"]] += 1
            self._routes(name, order, share)
            return passed(share=share)

        return self._once(order, start, lambda: passed(share=share))

    def _routes(self, name: str, order: Order, share: float) -> None:
        promotion = order["promotion"]
        if share:
            beside = frozenset(self.routed[site] for site, more in self.shares.items() if more and site != name)
            told = promotion, order["version"], share, self.allowed[promotion], self.sites[name].idle, beside
            self.given.append(Shared(name, *told))
        self.shares[name], self.routed[name] = share, promotion
        self.begun += 1

    def _fast_signals(self, order: Order) -> list[list[str]]:
        names = [target["name"] for target in order["targets"]]
        sick = self.flaws.get(order["version"]) == "sick while ramping"
        return [["probe", f"{name}: /healthz answers 503"] for name in names if sick and self.shares.get(name)]

    def _record(self, order: Order) -> Answer:
        if order["action"] == BY_HAND and order["id"] not in self.by_hand[order["promotion"]]:
            self.by_hand[order["promotion"]].add(order["id"])
            self.allowed[order["promotion"]] = order["evidence"]["share"]
        return super()._record(order)

    def _once(self, order: Order, start: Callable[[bool], Answer], poll: Callable[[], Answer]) -> Answer:
        """No rule outlives a swap or a deployment: the adapter takes it away before either."""
        name = order["target"]["name"]

        def without_a_rule(new: bool) -> Answer:
            if self.shares.get(name) and name not in self.busy:
                self._routes(name, order, 0.0)
                return running({"kind": "intended"}, 2.0, "the routing rule is taken away first")
            return start(new)

        return super()._once(order, start if "share" in order else without_a_rule, poll)
