"""One simulated ramp under one rule."""

from dataclasses import dataclass

from slipway.promotion.judge.simulation.harm import Harm
from slipway.promotion.judge.simulation.rule import PROMOTED, Rule
from slipway.promotion.judge.simulation.scenario import LONGEST
from slipway.promotion.judge.simulation.stream import Stream
from slipway.promotion.judge.simulation.wald import Wald

MISSED, UNDECIDED = "missed", "undecided"
CHARGED_MINUTES = 15  # at 100 %, for harm that was promoted


@dataclass(frozen=True)
class RampResult:
    """`ended`: promoted, rolled back, withdrawn, missed (promoted although harmful) or undecided, at the end of
    `tick`. `excess`: failures beyond those of a healthy release, with fifteen more minutes at 100 % for a miss.
    `bound`: the same until Wald's test would have stopped, at the same weights; None for a healthy release.
    `weights`: of each tick. `words`: the rule's last."""

    ended: str
    tick: int
    excess: float
    bound: float | None
    weights: tuple[float, ...]
    words: str = ""


def run(rule: Rule, stream: Stream, harm: Harm, wald: Wald | None = None, longest: int = LONGEST) -> RampResult:
    """Lead one ramp to its end, with Wald's test beside it if there is one."""
    weight, weights = rule.weight, list[float]()
    excess = bound = 0.0
    ended, words, tick = UNDECIDED, "", 0
    while tick < longest:
        tick += 1
        weights.append(weight)
        window = stream.window(tick, weight, harm)
        excess += stream.excess
        if wald and not wald.stopped:
            bound += stream.excess
            wald.after(window, harm.ratio(tick))
        move = rule.after(window)
        words = move.words or words
        if move.ended:
            ended = move.ended
            break
        weight = move.weight
    if wald:
        bound += _until_stopped(wald, stream, harm, tick, weights[-1], longest)
    if ended == PROMOTED and harm.is_harm:
        ended = MISSED
        for later in range(tick + 1, tick + 1 + stream.ticks_in(CHARGED_MINUTES)):
            stream.window(later, 1.0, harm)
            excess += stream.excess
    return RampResult(ended, tick, excess, bound if wald else None, tuple(weights), words)


def _until_stopped(wald: Wald, stream: Stream, harm: Harm, tick: int, weight: float, longest: int) -> float:
    """What goes on failing until Wald's test stops a ramp that the judge has ended already."""
    bound = 0.0
    while not wald.stopped and tick < longest:
        tick += 1
        window = stream.window(tick, weight, harm)
        bound += stream.excess
        wald.after(window, harm.ratio(tick))
    return bound
