"""`python -m bench.judge.users`: how users are counted who come again and again, and what that does to the judge.

Users who always fail (an old browser, an account in an odd state) make the ticks of a flag's ramp depend on each other:
the same few are in the same arm at every tick. Three ways of counting are held against the judge's promise that a
harmless flag is switched off once in a hundred ramps at most, and against a flag that does harm.
"""

import argparse
import random
import time
from collections import Counter
from dataclasses import dataclass

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, begin
from slipway.promotion.judge.verdict import Action
from slipway.promotion.judge.windows import Arm, Half, Window

UNTIL_FAILED, EACH_TICK, FIRST_TICK = "until they failed once", "in each tick", "in their first tick"
HISTORY, LONGEST = 120, 90
POLICY = Policy(steps=(0.05, 0.25, 0.5, 1.0), warm_up_s=0.0)


@dataclass(frozen=True)
class Crowd:
    """`users` of whom each comes with probability `comes` in a tick. Of them the share `always` fails at every visit,
    the others with `rate`; with the flag `harm` comes on top, for the share `hurt` of them."""

    name: str
    users: int
    comes: float
    always: float
    rate: float
    harm: float = 0.0
    hurt: float = 1.0


CROWDS = (
    Crowd("harmless, users who come and go", 40_000, 0.02, 0.005, 0.001),
    Crowd("harmless, users who are always there", 1_500, 0.9, 0.01, 0.001),
    Crowd("harmless, few users who come again", 3_000, 0.3, 0.02, 0.0005),
    Crowd("harm: 3 % of visits", 3_000, 0.3, 0.005, 0.001, 0.03),
    Crowd("harm: one user in twenty, always", 3_000, 0.3, 0.005, 0.001, 1.0, 0.05),
)


class Ramp:
    """One ramp of a crowd. The `flag` order of users is drawn anew, as another flag's hash would."""

    def __init__(self, crowd: Crowd, counting: str, seed: int) -> None:
        self._crowd, self._counting, self._rng = crowd, counting, random.Random(seed)
        count = crowd.users
        self._place = [self._rng.random() for _ in range(count)]
        self._half = [self._rng.random() < 0.5 for _ in range(count)]
        self._rate = [1.0 if self._rng.random() < crowd.always else crowd.rate for _ in range(count)]
        self._hurt = [self._rng.random() < crowd.hurt for _ in range(count)]
        self._out: set[int] = set()
        self._seen: set[tuple[int, bool]] = set()

    def window(self, number: int, share: float) -> Window:
        crowd, rng = self._crowd, self._rng
        counts: Counter[tuple[bool, bool, bool]] = Counter()
        for user in self._visitors():
            on = self._place[user] < share
            rate = self._rate[user] + (crowd.harm if on and self._hurt[user] else 0.0)
            bad = rng.random() < rate
            if self._counts(user, on):
                counts[on, self._half[user], bad] += 1
            if bad and self._counting == UNTIL_FAILED:
                self._out.add(user)
        canary = Arm((_all(counts, True),), (_bad(counts, True),))
        halves = tuple(
            Half(counts[False, half, True] + counts[False, half, False], counts[False, half, True])
            for half in (True, False)
        )
        baseline = Arm((_all(counts, False),), (_bad(counts, False),))
        return Window(number, canary if share else None, baseline, (halves[0], halves[1]))

    def _visitors(self) -> list[int]:
        crowd, rng = self._crowd, self._rng
        if crowd.comes > 0.2:
            return [user for user in range(crowd.users) if rng.random() < crowd.comes]
        return rng.sample(range(crowd.users), round(crowd.users * crowd.comes))

    def _counts(self, user: int, on: bool) -> bool:
        if self._counting == EACH_TICK:
            return True
        if self._counting == UNTIL_FAILED:
            return user not in self._out
        if (user, on) in self._seen:
            return False
        self._seen.add((user, on))
        return True


def outcome(crowd: Crowd, counting: str, seed: int) -> tuple[str, int]:
    """How the ramp ended, and at which tick."""
    before = Ramp(crowd, counting, seed)
    state: State = begin(POLICY, [before.window(number, 0.0) for number in range(HISTORY)])
    ramp = Ramp(crowd, counting, seed + 1)
    for number in range(-59, 1):  # Slipway looks an hour back for users who failed
        ramp.window(number, 0.0)
    for number in range(1, LONGEST + 1):
        state, verdict = tick(state, [ramp.window(number, POLICY.steps[state.step])], number, POLICY)
        if verdict.action in (Action.ROLLBACK, Action.WITHDRAW):
            return str(verdict.action), number
        if verdict.weight >= 1:
            return "everybody", number
    return "no end", LONGEST


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.judge.users", description=__doc__)
    parser.add_argument("--ramps", type=int, default=100)
    asked = parser.parse_args()
    print(f"{asked.ramps} ramps each; how many ended how, and the median tick")
    for crowd in CROWDS:
        print(f"\n{crowd.name}")
        for counting in (UNTIL_FAILED, EACH_TICK, FIRST_TICK):
            began = time.monotonic()
            ends = [outcome(crowd, counting, 1000 * seed) for seed in range(asked.ramps)]
            found = Counter(end for end, _ in ends)
            ticks = sorted(number for _, number in ends)[len(ends) // 2]
            said = ", ".join(f"{end} {count}" for end, count in found.most_common())
            print(f"  counted {counting:24} {said:50} tick {ticks:3}  ({time.monotonic() - began:.0f} s)", flush=True)


def _all(counts: Counter[tuple[bool, bool, bool]], on: bool) -> int:
    return sum(counts[on, half, bad] for half in (True, False) for bad in (True, False))


def _bad(counts: Counter[tuple[bool, bool, bool]], on: bool) -> int:
    return sum(counts[on, half, True] for half in (True, False))


if __name__ == "__main__":
    main()
