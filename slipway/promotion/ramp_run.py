"""A canary ramp on its way: what travels from one generation of its orchestration to the next.

Shares (0..1) are the release's part of the traffic.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.exposure import Exposure
from slipway.promotion.flags.comparing import Comparing, row
from slipway.promotion.flags.comparison_plan import ComparisonPlan
from slipway.promotion.ids import child_id
from slipway.promotion.judge.state import load, moved
from slipway.promotion.judge.verdict import Action
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stored import known
from slipway.promotion.telemetry import first_tick_after, last_tick

LOOK_EVERY_S = 15.0  # the longest time between two looks at router and fast signals
COUNTERS = "counters"
LIVE, UNSEEN = "live", "unseen"


@dataclass(frozen=True)
class Signal:
    """A fast signal that speaks against the release: which (`probe`, `counters`, `alert`; `live`: it serves everybody,
    and badly), and in words; or for its ring's `region`, which is no word against it, nor is that it could not be read,
    or that the release is `unseen`."""

    name: str
    words: str


@dataclass(frozen=True)
class RampRun:
    """The ramp's whole state, carried through `continue_as_new` by `dump` and `load`.

    `began_at` is when the first share was in effect; tick n ends n ticks later. `tick` is the last one judged, `state`
    the judge's own and `verdict` what it said last: action, code, words, step, weight, evidence. `share` was asked of
    the routers last, `taken` is the last one that all took, at `share_at`, and `allowed` is what the judge or a person
    lets the release have. `writes` counts the changes of the router, `refused` those in a row that it did not take.
    `learning` is what the ramp waits for before its first share: `at`, `until` and the activity's handle.
    `usual_rate` is the share of failures that is usual for the live release, `unwell` for how many ticks running it has
    failed far more; `exposure` says how far users meet the share. `seen` is the number of the last of people's words
    that was followed, `past_holds` the hold points that they let it pass. `counted` is the minute in which the
    platform's counters were asked last, and `counters` what they said: that holds until they are asked again. `notes`
    say what the last look could not see or send, `no_top_up` why no top-up may be sent any more. `told` and `move`
    (code, words, whether it calls a person) are what was recorded last, `rev` counts records. `going` is the move that
    took the traffic back, while its record has not been taken. `comparing` is the comparison of a flag's variants, once
    users meet the share at which it is made. `drop_s` is how soon a Front Door's edges drop a side that is stopped; 0
    is never. `edited` says how the last look found the flag changed by somebody else, in words.
    `unread_since` is since when its ring's region cannot be read, or the release that serves everybody not be seen, and
    `unread_s` for how long. `looks` counts those at that release. `word` is
    what people and calendars said last to going on (`precedence.at_work`).
    """

    stage: StageRun
    instance: str
    began_at: str = ""
    deadline: str = ""
    tick: int = 0
    share: float = 0.0
    taken: float = 0.0
    share_at: str = ""
    allowed: float = 0.0
    state: dict[str, Any] = field(default_factory=dict)
    verdict: dict[str, Any] = field(default_factory=dict)
    learning: dict[str, Any] = field(default_factory=dict)
    usual_rate: float = 0.0
    unwell: int = 0
    exposure: Exposure = field(default_factory=Exposure)
    writes: int = 0
    refused: int = 0
    seen: int = 0
    past_holds: tuple[float, ...] = ()
    counted: str = ""
    counters: tuple[Signal, ...] = ()
    notes: str = ""
    no_top_up: str = ""
    going: dict[str, Any] = field(default_factory=dict)
    told: str = ""
    move: dict[str, Any] = field(default_factory=dict)
    since: str = ""
    rev: int = 0
    drop_s: float = 0.0
    comparing: Comparing | None = None
    word: dict[str, str] = field(default_factory=dict)
    unread_since: str = ""
    unread_s: float = 0.0
    edited: str = ""
    looks: int = 0

    @property
    def canary(self) -> CanaryPlan:
        """The ramp's plan; a ramp is begun for a stage that has one."""
        assert self.stage.plan.canary is not None
        return self.stage.plan.canary

    @property
    def divided(self) -> tuple[Target, ...]:
        """What the ramp gives shares of."""
        return self.stage.dividing

    @property
    def whose(self) -> str:
        """Of what a share is one, in words."""
        return "users" if self.canary.flag else "traffic"

    @property
    def compare(self) -> ComparisonPlan | None:
        """How the flag's variants are to be compared; None for a ramp to 100 %."""
        return self.canary.flag.compare if self.canary.flag else None

    @property
    def at_comparison(self) -> bool:
        """Whether the ramp has come to the share at which variants are compared: no step follows it."""
        return self.compare is not None and self.allowed >= self.compare.share - 1e-6

    @property
    def look_every_s(self) -> float:
        """The longest time between two looks. A comparison takes days, so it looks once a tick; a word of a person, and
        the kill switch, wake it."""
        tick_s = self.canary.policy.tick_s
        return tick_s if self.comparing else min(LOOK_EVERY_S, tick_s)

    @property
    def delay_s(self) -> float:
        """How long telemetry takes."""
        return self.canary.policy.delay_ticks * self.canary.policy.tick_s

    @property
    def blind_s(self) -> float:
        """For how long a ramp may see nothing: the judge's own patience."""
        return self.canary.policy.blind_ticks * self.canary.policy.tick_s

    def with_blindness(self, unread: bool, at: datetime) -> "RampRun":
        """After a look that could not read the ring's region or see the release, or could, or needed neither."""
        if not unread:
            return replace(self, unread_since="", unread_s=0.0) if self.unread_since else self
        since = self.unread_since or iso(at)
        return replace(self, unread_since=since, unread_s=(at - moment(since)).total_seconds())

    def settled(self, at: datetime) -> bool:
        """Whether users meet the share that was written last."""
        return not self.refused and at >= moment(self.share_at or self.began_at) + timedelta(
            seconds=self.canary.settle_s
        )

    def due(self, at: datetime) -> int:
        """The number of the tick that ended last."""
        return last_tick(self.began_at, self.canary.policy.tick_s, at)

    def ends_at(self, tick: int) -> datetime:
        """When that tick ends."""
        return moment(self.began_at) + timedelta(seconds=self.canary.policy.tick_s * tick)

    @property
    def harm_proven(self) -> bool:
        """Whether the judge has found so; a pipeline may have such a release stay for a person."""
        return bool(self.verdict.get("action") == Action.ROLLBACK)

    @property
    def exposed_from(self) -> int | None:
        """The first tick that is of the present share: from when the routers had it, and users met it `settle_s` later.
        None while a router has not taken it."""
        if self.refused:
            return None
        settled = moment(self.share_at or self.began_at) + timedelta(seconds=self.canary.settle_s)
        return first_tick_after(self.began_at, self.canary.policy.tick_s, settled)

    def wakes_at(self, at: datetime) -> datetime:
        """When to look again: at the end of the present tick, or sooner for the fast signals."""
        soon = at + timedelta(seconds=self.look_every_s)
        ends = [self.ends_at(self.due(at) + 1), soon, moment(self.deadline)]
        return min(each for each in ends if each > at)  # a ramp may stay beyond its deadline

    def operation(self, step: str, n: int, target: Target | None = None) -> str:
        """The id of something the ramp does: `{ramp}:{target}:{step}:{n}`."""
        return child_id(self.instance, *((target.name,) if target else ()), step, str(n))

    def learned(self, found: dict[str, Any], deadline: str) -> "RampRun":
        """Before the first share: what is usual is known."""
        known = {"state": found["state"], "usual_rate": found["usual_rate"], "allowed": found["share"]}
        return replace(self, deadline=deadline, learning={}, notes="", **known)

    def judged(self, tick: int, found: dict[str, Any]) -> "RampRun":
        """After the judge has looked at the end of `tick`, and found `state`, `verdict`, `unwell` and `exposure`."""
        verdict = found["verdict"]
        allowed = verdict["weight"] if verdict["action"] in (Action.ADVANCE, Action.WAIT) else self.allowed
        if self.compare:
            allowed = min(allowed, self.compare.share)
        kept = {"state": found["state"], "verdict": verdict, "unwell": found["unwell"], "allowed": allowed}
        return replace(self, tick=tick, exposure=Exposure.load(found.get("exposure", {})), **kept)

    def moved(self, share: float, now_tick: int) -> "RampRun":
        """A person lets the release have the share of a step, below 100 %; the judge is told."""
        policy = self.canary.policy
        state = moved(load(self.state, policy), policy.steps.index(share), now_tick, policy)
        past = tuple({*self.past_holds, *(point for point in self.canary.hold_at if point < share)})
        return replace(self, state=state.dump(), allowed=share, past_holds=past)

    def shown(self, share: float) -> float:
        """The share that a record tells of a move to `share`: none that the routers were asked for and did not take."""
        return self.taken if self.refused and share <= self.share else share

    def row(self) -> dict[str, Any]:
        """The ramp's row in the read model."""
        policy = self.canary.policy
        return {
            "stage": self.stage.plan.name,
            "instance": self.instance,
            "ramp": policy.ramp,
            "steps": list(policy.steps),
            "tick_s": policy.tick_s,
            "share": self.taken,
            "tick": self.tick,
            "began_at": self.began_at,
            "deadline": self.deadline,
            "since": self.since,
            "verdict": self.verdict,
            "move": self.move,
            "notes": self.notes,
            "flag": self.canary.flag.where if self.canary.flag else "",
            **({"comparison": row(self.compare, self.comparing)} if self.compare else {}),
        }

    def dump(self) -> dict[str, Any]:
        counters = [vars(signal) for signal in self.counters]
        dumped = {**vars(self), "stage": self.stage.dump(), "exposure": vars(self.exposure), "counters": counters}
        return dumped | {"comparing": plain(self.comparing)}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "RampRun":
        past_holds = tuple(data.get("past_holds", ()))
        taken = data.get("taken", data.get("share", 0.0))  # runs of before 'taken' was told apart
        exposure = Exposure.load(data.get("exposure", {}))
        read = {
            "stage": StageRun.load(data["stage"]),
            "past_holds": past_holds,
            "taken": taken,
            "exposure": exposure,
            "counters": tuple(Signal(**known(Signal, each)) for each in data.get("counters", ())),
            "comparing": Comparing.load(data["comparing"]) if data.get("comparing") else None,
        }
        return cls(**{**known(cls, data), **read})
