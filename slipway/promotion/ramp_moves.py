"""What a ramp does next: the first reason that holds, in the order of what may not wait.

Pure. A person's word and a fast signal outrank the judge in one direction only: towards less traffic for the release.
More traffic comes from the judge, or from a person who says so by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from slipway.promotion import canary_plan as plan
from slipway.promotion import front_door
from slipway.promotion.flags.comparing import decided, ended_by_hand
from slipway.promotion.flags.comparison import COMPARING
from slipway.promotion.judge.policy import FAILURES
from slipway.promotion.judge.verdict import Action
from slipway.promotion.outcomes import Outcome, moment
from slipway.promotion.precedence import BACK, WAIT
from slipway.promotion.ramp_run import LIVE, UNSEEN, RampRun, Signal
from slipway.promotion.region_gate import REGION, UNREAD

ADVANCE, FINISH, GO_BACK = "advance", "promote", "rollback"  # what a person may say
REFUSED_AT_MOST = 10  # changes in a row that the router did not take
UNWELL_TICKS = 3
UNHEALTHY = "UNHEALTHY"
FAILED = {"probe": "PROBE_FAILED", "counters": "COUNTERS_FAILED", "alert": "ALERT_FAILED", LIVE: UNHEALTHY}
SPEAKS = {"probe": "PROBE_SPEAKS", "counters": "COUNTERS_SPEAK", "alert": "ALERT_SPEAKS"}
SPEAKS |= {REGION: "REGION_NOT_READY", UNREAD: "REGION_UNREAD", UNSEEN: "RELEASE_UNSEEN"}
FLAG_OFF, FLAG_GONE, FLAG_CHANGED = "FLAG_OFF", "FLAG_GONE", "FLAG_CHANGED"
NOT_SEEN = (UNREAD, UNSEEN)
TOLERANCE = 0.005  # of a share that was read back: routers round


@dataclass(frozen=True)
class Said:
    """A person's word on the ramp; `n` tells it from earlier ones, 0 is none."""

    n: int = 0
    do: str = ""
    by: str = ""
    reason: str = ""

    @property
    def words(self) -> str:
        return f"{self.by} says {self.do}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True)
class Look:
    """What is known between two ticks. `shares` by target, as the platform answers; a target that could not be asked
    is missing. `flag_code`, `flag_words`: when a flag that is ramped is not Slipway's any more. `aborted` and `paused`
    are the promotion's, in words or empty; `aborted_as` is the former's code. `word` is what people and calendars say
    of this service here to going on."""

    shares: dict[str, float] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()
    said: Said = Said()
    aborted: str = ""
    aborted_as: str = "ABORTED"
    paused: str = ""
    flag_code: str = ""
    flag_words: str = ""
    word: dict[str, str] = field(default_factory=dict)

    @property
    def kept_back(self) -> str:
        """What keeps the release from more traffic, in words; empty when nothing does."""
        return self.word["words"] if self.word.get("do") == WAIT else ""


@dataclass(frozen=True)
class Move:
    """The release gets `share` of the traffic from now on. With an `outcome` the ramp is over: `passed` leads to all
    the traffic, or to the variant of a flag that it `keeps`. `calls`: a person must look."""

    share: float
    code: str
    words: str
    outcome: str = ""
    calls: bool = False
    keeps: str = ""


def held(run: RampRun, look: Look, at: datetime) -> str:
    """Why the ramp must not advance now, whatever the judge finds; empty when it may."""
    if run.at_comparison:
        return next((move.words for move in _holding(run, look)), "the flag's variants are compared")
    if at >= moment(run.deadline) and run.canary.at_deadline == plan.STAY:
        # Without the verdict's words: the judge adds these to its own.
        return f"100 % was not reached by {run.deadline}; stays for a person to decide"
    return next((move.words for move in _holding(run, look)), "")


def leaving(run: RampRun, look: Look) -> Move | None:
    """Why the traffic goes back at once, if it does; known before the ramp has begun."""
    return next(_away(run, look), None)


def next_move(run: RampRun, look: Look, at: datetime) -> Move:
    """The first reason that holds. After the judge has looked, if a tick was due."""
    return _naming_the_edit(look, _first_reason(run, look, at))


def _first_reason(run: RampRun, look: Look, at: datetime) -> Move:
    if run.at_comparison:
        return next(iter((*_away(run, look), *_by_hand(run, look), _compared(run, look, at))))
    decided = (*_away(run, look), *_by_hand(run, look), *_at_the_deadline(run, look, at))
    reasons = (*decided, *_holding(run, look), *_promoted_at_the_deadline(run, at))
    return next(iter(reasons), None) or _as_judged(run)


def _naming_the_edit(look: Look, move: Move) -> Move:
    """Whatever ends a ramp in mid-edit writes over that edit, and says so."""
    if look.flag_code != FLAG_CHANGED or not move.outcome:
        return move
    held = "" if look.flag_words in move.words else f"; {look.flag_words}"
    return replace(move, words=f"{move.words}{held}, which is written over")


def _away(run: RampRun, look: Look) -> Iterator[Move]:
    """The traffic goes back at once."""
    verdict = run.verdict
    if look.aborted:
        yield Move(0.0, look.aborted_as, look.aborted, Outcome.CANCELLED)
    if look.word.get("do") == BACK:
        yield Move(0.0, look.word["code"], look.word["words"], Outcome.CANCELLED)
    if look.said.do == GO_BACK:
        yield Move(0.0, "TAKEN_BACK", look.said.words, Outcome.FAILED)
    code, words = look.flag_code, look.flag_words
    if code == FLAG_OFF:
        yield Move(0.0, code, words, Outcome.FAILED)
    if code == FLAG_GONE:
        yield Move(0.0, code, words, Outcome.BROKEN, calls=True)
    for signal in look.signals:
        if _does(run, signal) == plan.ROLL_BACK:
            yield Move(0.0, FAILED[signal.name], signal.words, Outcome.FAILED)
    if run.harm_proven and run.canary.on_harm == plan.ROLL_BACK:
        yield Move(0.0, verdict["code"], verdict["words"], Outcome.FAILED)
    if verdict.get("action") == Action.WITHDRAW and not run.at_comparison:
        yield Move(0.0, verdict["code"], verdict["words"], Outcome.NOT_ENOUGH_EVIDENCE)
    unread = next((signal for signal in look.signals if signal.name in NOT_SEEN), None)
    if unread and run.unread_s >= run.blind_s:
        words = f"{unread.words}, since {run.unread_since}; withdrawn, the release is not blamed"
        yield Move(0.0, SPEAKS[unread.name], words, Outcome.NOT_ENOUGH_EVIDENCE, calls=True)
    if run.refused >= REFUSED_AT_MOST:
        words = f"the router did not take {run.refused} changes in a row; the release is not blamed"
        yield Move(0.0, "ROUTER_REFUSES", words, Outcome.BROKEN)


def _at_the_deadline(run: RampRun, look: Look, at: datetime) -> Iterator[Move]:
    if at < moment(run.deadline):
        return
    match run.canary.at_deadline:
        case plan.PROMOTE if not run.harm_proven and look.flag_code != FLAG_CHANGED:
            return
        case plan.STAY:
            words = f"{_time_over(run)}; stays for a person to decide"
            yield Move(run.allowed, "RAMP_TIME_OVER", words, calls=True)
        case _:
            yield Move(0.0, "RAMP_TIME_OVER", f"{_time_over(run)}; withdrawn", Outcome.NOT_ENOUGH_EVIDENCE)


def _promoted_at_the_deadline(run: RampRun, at: datetime) -> Iterator[Move]:
    """The pipeline says so, and nothing holds the release."""
    if at >= moment(run.deadline) and run.canary.at_deadline == plan.PROMOTE:
        yield Move(1.0, "RAMP_TIME_OVER", f"{_time_over(run)}; promoted, as the pipeline says", Outcome.PASSED)


def _time_over(run: RampRun) -> str:
    words = f"100 % was not reached by {run.deadline}: {run.verdict.get('words', 'nothing was judged')}"
    return f"{words}; {run.notes}" if run.notes else words


def _by_hand(run: RampRun, look: Look) -> Iterator[Move]:
    """More traffic because a person says so; but not over somebody's edit of a flag, nor against a stop or freeze."""
    if look.flag_code == FLAG_CHANGED or look.kept_back:
        return
    steps = run.canary.policy.steps
    if look.said.do == FINISH:
        yield Move(1.0, "PROMOTED_BY_HAND", look.said.words, Outcome.PASSED)
    if look.said.do == ADVANCE and run.at_comparison and run.compare:
        ended = ended_by_hand(run.compare, run.comparing, look.said.words)
        yield Move(run.share, ended.code, ended.words, Outcome.PASSED, keeps=ended.keeps)
    if look.said.do == ADVANCE and not run.harm_proven:
        share = next((step for step in steps if step > run.allowed + TOLERANCE), 1.0)
        yield Move(share, "ADVANCED_BY_HAND", look.said.words, Outcome.PASSED if share >= 1 else "")


def _compared(run: RampRun, look: Look, at: datetime) -> Move:
    """The variants are compared, as long as nothing else holds the flag where it is."""
    assert run.compare is not None
    words = f"at {run.compare.share:.0%} the variants are compared by {run.compare.success}"
    over = run.comparing is not None and at >= moment(run.comparing.until)
    if holding := next(_holding(run, look), None):
        if not over or run.harm_proven or look.paused:
            return holding
        held = look.flag_words if holding.code == FLAG_CHANGED else holding.words
        words = f"time was over while nothing could be decided: {held}"
        return Move(0.0, "COMPARISON_TIME_OVER", words, Outcome.NOT_ENOUGH_EVIDENCE)
    if run.comparing is None:
        return Move(run.allowed, COMPARING, words)
    found = decided(run.compare, run.comparing, at)
    if found.fails:
        return Move(0.0, found.code, found.words, Outcome.NOT_ENOUGH_EVIDENCE)
    outcome = Outcome.PASSED if found.keeps else ""
    return Move(run.allowed, found.code, found.words, outcome, found.calls, found.keeps)


def _holding(run: RampRun, look: Look) -> Iterator[Move]:
    """The release keeps what it is allowed."""
    kept = partial(Move, run.allowed)
    if look.kept_back:
        words = f"{look.kept_back}; nothing advances"
        if look.said.do in (ADVANCE, FINISH):
            words += f"; {look.said.words}: that is not followed, say it again afterwards"
        # Not even a share that was allowed before, and that no router has taken yet.
        yield Move(min(run.allowed, run.share), look.word["code"], words)
    if run.harm_proven:
        words = f"{run.verdict['words']}; stays, as the pipeline says, for a person to decide"
        yield kept(run.verdict["code"], words, calls=True)
    for signal in look.signals:
        if _does(run, signal) == plan.WAIT:
            # What cannot be read for a moment is nobody's business yet.
            yield kept(SPEAKS[signal.name], f"{signal.words}; nothing advances", calls=signal.name not in NOT_SEEN)
    if look.flag_code == FLAG_CHANGED:
        words = f"{look.flag_words}; nothing advances, and nothing is written over it"
        if look.said.do in (ADVANCE, FINISH):
            words += f"; {look.said.words}: that is not followed, say it again once the flag is put back"
        yield kept(FLAG_CHANGED, words, calls=True)
    if drifted := drift(run, look):
        found = ", ".join(f"{name} has {share:.1%}" for name, share in drifted.items())
        yield kept("ROUTER_CHANGED", f"{found} where {run.share:.1%} was set: somebody changed the router", calls=True)
    if unmet := run.exposure.words:
        words = f"{unmet}: the router does not do what it was told" if run.exposure.calls else unmet
        code = "SHARE_NEVER_MET" if run.exposure.calls else "SHARE_NOT_MET"
        yield kept(code, f"{words}; nothing advances, the release is not blamed", calls=run.exposure.calls)
    if run.unwell >= UNWELL_TICKS:
        words = f"the live release itself has failed far more than usual for {run.unwell} ticks; nothing advances"
        yield kept("BASELINE_UNWELL", words, calls=True)
    if look.paused:
        yield kept("PAUSED", look.paused)
    if run.at_comparison and run.verdict.get("action") == Action.WITHDRAW:
        yield kept(run.verdict["code"], f"{run.verdict['words']}; nothing is decided", calls=True)
    points = [point for point in run.canary.hold_at if point not in run.past_holds]
    if any(abs(point - run.allowed) <= TOLERANCE for point in points):
        words = f"at {run.allowed:.0%} a person decides: slipway advance {run.stage.promotion} {run.stage.plan.name}"
        yield kept("HOLD_POINT", words, calls=True)


def drift(run: RampRun, look: Look) -> dict[str, float]:
    """The shares that are not what was set, where the router took what was set."""
    if run.refused:
        return {}
    return {name: share for name, share in look.shares.items() if abs(share - run.share) > TOLERANCE}


def to_set(run: RampRun, look: Look, share: float) -> list[str]:
    """The targets whose router is to be told. More than the share is always taken back; less is left to whoever wanted
    it so, until the share changes."""
    if look.flag_code == FLAG_CHANGED and share > 0:
        return []  # somebody's flag is written over only to switch it off
    anew = run.refused > 0 or abs(share - run.share) > TOLERANCE
    names = [target.name for target in run.divided]
    return [name for name in names if anew or look.shares.get(name, share) > share + TOLERANCE]


def is_stopped_at_once(run: RampRun, move: Move) -> bool:
    """Whether the release's side is stopped before a Front Door is told: edges drop it `drop_s` later, and until then
    its requests fail. That costs less than waiting for the weights when the release fails more often than `drop_s` is a
    part of the time that Front Door settles, and a person's word means now."""
    door = run.canary.front_door
    if door is None or not run.drop_s or move.outcome != Outcome.FAILED or door.stop_on_harm == front_door.NEVER:
        return False
    if door.stop_on_harm == front_door.ALWAYS or move.code in ("PROBE_FAILED", "COUNTERS_FAILED", "TAKEN_BACK"):
        return True
    return _excess_of_failures(run) * run.canary.settle_s > run.drop_s


def _excess_of_failures(run: RampRun) -> float:
    """The part (0..1) of the release's requests that failed beyond what is usual for the live one."""
    for metric in run.verdict.get("metrics", ()):
        if metric["name"] == FAILURES and metric["canary_requests"]:
            usual = metric["baseline_bad"] / max(metric["baseline_requests"], 1)
            return float(metric["canary_bad"] / metric["canary_requests"] - usual)
    return 0.0


def _as_judged(run: RampRun) -> Move:
    verdict = run.verdict
    if verdict.get("action") == Action.ADVANCE and run.allowed >= 1:
        return Move(1.0, verdict["code"], verdict["words"], Outcome.PASSED)
    return Move(run.allowed, verdict.get("code", "TOO_SOON"), verdict.get("words", "no tick was judged yet"))


def _does(run: RampRun, signal: Signal) -> str:
    if signal.name == LIVE:
        return plan.ROLL_BACK
    return plan.WAIT if signal.name in (REGION, *NOT_SEEN) else str(getattr(run.canary.signals, signal.name))
