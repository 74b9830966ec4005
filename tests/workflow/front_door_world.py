"""The outside world of a ramp through a Front Door: what it was told reaches its edges late, and users meet edges."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.front_door import KIND
from slipway.promotion.judge.windows import Window
from slipway.promotion.outcomes import Answer, broken, iso, moment, passed, running
from tests.promotion.builders import NOON
from tests.promotion.judge.builders import Traffic
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.world import Order

POLL_AFTER_S = 240.0  # seldom, since each poll is an episode


@dataclass
class FrontDoorWorld(RampingWorld):
    """`told` are the shares of the idle side with the moment at which edges have each. `settles_s`: how long that
    takes; the next `never` changes never come there. `drop_s`: how soon edges drop a side that is stopped. `wrong`:
    what users met that they should not. `refuses`: why no ramp may begin; `live_disabled`: by somebody."""

    now: Callable[[], datetime] = lambda: NOON
    settles_s: float = 1200.0
    next_settles_s: list[float] = field(default_factory=list)
    never: int = 0
    drop_s: float = 60.0
    told: list[tuple[datetime, float]] = field(default_factory=list)
    stopped_at: datetime | None = None
    wrong: list[str] = field(default_factory=list)
    refuses: str = ""
    live_disabled: bool = False
    rule: bool = False
    rules: list[str] = field(default_factory=list)
    rule_gone_at: datetime | None = None
    as_tester: list[str] = field(default_factory=list)
    sick_for_testers: bool = False
    changes: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        """As Resource Manager shows it."""
        return 1.0 if self.live_disabled else max(self.shares.values(), default=0.0)

    def at_edges(self, at: datetime) -> float:
        """What the idle side has of the users."""
        if self.stopped_at and at >= self.stopped_at + timedelta(seconds=self.drop_s):
            return 0.0
        return next((share for since, share in reversed(self.told) if since <= at), 0.0)

    def _split(self, order: Order) -> Answer:
        assert order["target"]["kind"] == KIND, "the weights are Front Door's"
        if self.live_disabled:
            return broken("LIVE_ORIGIN_DISABLED", "the live side's origin is disabled")
        before = self.share
        answer = super()._split(order)
        if not answer.running and self.share != before:
            self._changed()
        return answer

    def _changed(self) -> None:
        self.changes.append(self.share)
        if self.never:
            self.never -= 1
            return
        settles_s = self.next_settles_s.pop(0) if self.next_settles_s else self.settles_s
        self.told.append((self.now() + timedelta(seconds=settles_s), self.share))

    def _look_at_ramp(self, order: Order) -> Answer:
        assert [each["kind"] for each in order["routers"]] == [KIND]
        seen = super()._look_at_ramp(order)
        shares = dict.fromkeys(seen.result["shares"], self.share)
        return passed(seen.words, **{**seen.result, "shares": shares})

    def _window(self, number: int, order: Order) -> Window:
        if number in self.blind:
            return Window(number, fault="the workspace does not answer")
        tick = timedelta(seconds=CanaryPlan.load(order["canary"]).policy.tick_s)
        share = self.at_edges(moment(order["began_at"]) + tick * (number - 1))
        return Traffic(number, self.per_tick, self.rate).window(number, share, self.harm.get(order["version"], 1.0))

    def _open_front_door(self, order: Order) -> Answer:
        if self.refuses:
            return broken(self.refuses, "weights would not divide the traffic")
        if order["front_door"]["testers"] and not self.rule:
            self.rule = True
            self.rules.append("made")
            return running({"kind": "awaited", "since": iso(self.now())}, 600.0, "testers do not meet it yet")
        since = moment((order.get("handle") or {}).get("since") or iso(self.now()))
        if order["front_door"]["testers"] and self.now() < since + timedelta(seconds=self.settles_s):
            return running(order["handle"], 600.0, "testers do not meet it yet")
        return passed("edges drop a stopped side within 60 s", drop_s=self.drop_s)

    def _close_front_door(self, order: Order) -> Answer:
        if self.rule:
            self.rules.append("taken away")
            self.rule_gone_at = self.now()
        self.rule = False
        return passed()

    def _return_to_live(self, order: Order) -> Answer:
        handle = order.get("handle") or {}
        if not handle:
            if order["always"]:
                self._close_front_door(order)
            if not self.share and not order["always"] and not self.at_edges(self.now()):
                return passed("gives the live side all already")
            if self.share:
                self.shares = dict.fromkeys(self.shares, 0.0)
                self._changed()
            return running({"kind": "settling", "since": iso(self.now())}, POLL_AFTER_S)
        if self.now() < moment(handle["since"]) + timedelta(seconds=order["settle_s"]):
            return running(handle, POLL_AFTER_S)
        if self.at_edges(self.now()):
            return running(handle, POLL_AFTER_S, "the endpoint still answers the release")
        return passed()

    def _check_health(self, order: Order) -> Answer:
        sent = {header["name"]: header["value"] for header in order["health"]["headers"]}
        if "x-canary" in sent:
            self.as_tester.append(f"{order['address']} at {self.at_edges(self.now()):.0%}")
            assert self.rule
            return broken("UNHEALTHY", "503") if self.sick_for_testers else passed()
        return super()._check_health(order)

    def _deploy(self, order: Order) -> Answer:
        self._nobody_there("deployed")
        answer = super()._deploy(order)
        self.stopped_at = None if not answer.running else self.stopped_at
        return answer

    def _swap(self, order: Order) -> Answer:
        self._nobody_there("swapped")
        kept = dict(self.shares)
        answer = super()._swap(order)
        self.shares = kept  # Front Door knows nothing of slots
        return answer

    def _stop_idle(self, order: Order) -> Answer:
        self.stopped_at = self.now()
        return super()._stop_idle(order)

    def _nobody_there(self, what: str) -> None:
        if share := self.at_edges(self.now()):
            self.wrong.append(f"{what} while {share:.0%} of the users were there")
        gone = self.rule_gone_at
        if self.rule or (gone and self.now() < gone + timedelta(seconds=self.settles_s)):
            self.wrong.append(f"{what} while testers were sent there")
