"""A comparison on its way: when it is looked at, and what comes of what was found. Pure."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from slipway.promotion.flags import comparison as found
from slipway.promotion.flags.comparison import Found
from slipway.promotion.flags.comparison_plan import CONTROL, PERSON, TREATMENT, ComparisonPlan
from slipway.promotion.judge.windows import shortened
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.stored import known

UNDECIDED, BLIND, ENDED_BY_HAND = "COMPARISON_UNDECIDED", "COMPARISON_BLIND", "COMPARISON_ENDED_BY_HAND"
BLIND_LOOKS = 3  # without an answer, one after the other: a person is called
NOTHING_FOUND = Found()
_KEEPS = {found.TREATMENT_BETTER: TREATMENT, found.CONTROL_HARMS: TREATMENT, found.CONTROL_BETTER: CONTROL}


@dataclass(frozen=True)
class Comparing:
    """Look n is due n times `every_s` after `began_at`, and `delay_s` for telemetry. `look` is the last one, `missed`
    how many in a row had no answer, for the reason `fault`; `found` is what the last answer showed."""

    began_at: str
    until: str
    look: int = 0
    missed: int = 0
    fault: str = ""
    found: Found = NOTHING_FOUND

    @classmethod
    def begin(cls, plan: ComparisonPlan, at: datetime, delay_s: float) -> "Comparing":
        return cls(iso(at), iso(at + timedelta(seconds=plan.within_s + delay_s)))

    def due(self, plan: ComparisonPlan, at: datetime, delay_s: float) -> int:
        """The number of the look that is due last; 0 before the first."""
        since_s = (at - moment(self.began_at)).total_seconds() - delay_s
        most = math.ceil(plan.within_s / plan.every_s - 1e-9)
        return most if since_s >= plan.within_s else max(0, int(since_s / plan.every_s + 1e-6))

    def sees_until(self, plan: ComparisonPlan, look: int) -> datetime:
        """The end of what that look sees."""
        return moment(self.began_at) + timedelta(seconds=min(look * plan.every_s, plan.within_s))

    def looked(self, look: int, answer: dict[str, Any]) -> "Comparing":
        """After a look that `found` something, or had no answer because of a `fault`."""
        if "found" in answer:
            return replace(self, look=look, missed=0, fault="", found=Found.load(answer["found"]))
        return replace(self, look=look, missed=self.missed + 1, fault=shortened(answer["fault"]))

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Comparing":
        """From its JSON."""
        return cls(**{**known(cls, data), "found": Found.load(data.get("found", {}))})


@dataclass(frozen=True)
class Decision:
    """What a comparison comes to: with `keeps` that variant stays, and the comparison is over; with `fails` it is over
    and showed nothing; else it goes on. `calls`: a person must look."""

    code: str
    words: str
    keeps: str = ""
    fails: bool = False
    calls: bool = False


def decided(plan: ComparisonPlan, comparing: Comparing, at: datetime) -> Decision:
    """What comes of what was found last."""
    seen, over = comparing.found, at >= moment(comparing.until)
    if comparing.missed >= BLIND_LOOKS:
        words = f"{comparing.missed} looks had no answer: {comparing.fault}"
        return Decision(BLIND, f"{words}; nothing is decided", fails=over, calls=True)
    if keeps := _KEEPS.get(seen.code):
        return Decision(seen.code, f"{seen.words}; {plan.name_of(keeps)} is kept", keeps)
    if seen.code == found.NO_DIFFERENCE:
        return _tie(plan, seen.code, seen.words)
    if seen.code in (found.MISMATCH, found.NO_CONVERSIONS, found.CONFLICT):
        return Decision(seen.code, f"{seen.words}; nothing is decided", fails=over, calls=True)
    if over:
        return _tie(plan, UNDECIDED, f"time is over without a difference that is sure: {seen.words}")
    return Decision(found.COMPARING, seen.words)


def ended_by_hand(plan: ComparisonPlan, comparing: Comparing | None, words: str) -> Decision:
    """A person ends it as it stands, without a winner."""
    keeps = CONTROL if plan.on_tie == PERSON else plan.on_tie
    seen = f"; {comparing.found.words}" if comparing else ""
    return Decision(ENDED_BY_HAND, f"{words}: {plan.name_of(keeps)} is kept{seen}", keeps)


def _tie(plan: ComparisonPlan, code: str, words: str) -> Decision:
    if plan.on_tie == PERSON:
        choice = "`slipway promote` keeps the treatment, `slipway advance` the control"
        return Decision(code, f"{words}; a person decides: {choice}", calls=True)
    return Decision(code, f"{words}; {plan.name_of(plan.on_tie)} is kept, as the pipeline says", plan.on_tie)


def row(plan: ComparisonPlan, comparing: Comparing | None) -> dict[str, Any]:
    """The comparison as the read model shows it."""
    now = comparing or Comparing("", "")
    arms = {CONTROL: now.found.control, TREATMENT: now.found.treatment}
    return {
        "success": plan.success,
        "share": plan.share,
        "better_by": plan.better_by,
        "sure": 1 - plan.false_winner,
        "began_at": now.began_at,
        "until": now.until,
        "look": now.look,
        "missed": now.missed,
        "code": now.found.code,
        "words": now.found.words,
        **{key: getattr(now.found, key) for key in ("lift", "low", "high")},
        "arms": [{"variant": name, "name": getattr(plan, name), **arm._asdict()} for name, arm in arms.items()],
    }
