"""`python -m bench.judge.comparisons`: how comparisons of a flag's variants end, looked at every hour for two weeks.

Held against a fixed test of two proportions that is as large as it must be for a power of 80 % at the lift that is
worth having, and against the same test when people look at it every hour and stop when it says 5 %.
"""

import argparse
import math
import time
from collections import Counter
from dataclasses import replace

from slipway.promotion.flags.comparison import CONTROL_BETTER, MISMATCH, NO_DIFFERENCE, TREATMENT_BETTER
from slipway.promotion.judge.simulation.comparisons import DAY_LOOKS, PLAN, World, ended
from slipway.promotion.judge.simulation.figures import wilson

HALF = World("", 0.0)
FEW = replace(HALF, plan=replace(PLAN, share=0.2))
MANY = replace(HALF, converting=0.3)
WORLDS = (
    replace(HALF, name="no difference, 5 % succeed"),
    replace(HALF, name="no difference, 0.5 % succeed", converting=0.005),
    replace(MANY, name="no difference, 30 % succeed"),
    replace(FEW, name="no difference, 20 % have the treatment"),
    replace(HALF, name="half as good as is worth having", lift=0.025),
    replace(HALF, name="as good as is worth having", lift=0.05),
    replace(MANY, name="as good, 30 % succeed", lift=0.05),
    replace(FEW, name="as good, 20 % have the treatment", lift=0.05),
    replace(HALF, name="twice as good", lift=0.10),
    replace(HALF, name="twice as bad", lift=-0.10),
    replace(HALF, name="four times as bad", lift=-0.20),
    replace(HALF, name="no difference, 51.5 % have it where 50 % were set", split=0.515),
)


def row(world: World, comparisons: int, seed: int) -> str:
    ends = [ended(world, f"{seed}:{number}", peeks=world.lift == 0) for number in range(comparisons)]
    counted = Counter(each.code for each in ends)

    def part(*codes: str) -> str:
        return f"{100 * sum(counted[code] for code in codes) / comparisons:.1f}"

    decided = sorted(each.look for each in ends if each.code in (TREATMENT_BETTER, CONTROL_BETTER, NO_DIFFERENCE))
    fixed = world.fixed_days * DAY_LOOKS
    took = " – ".join(f"{decided[int(q * (len(decided) - 1))] / fixed:.2f}" for q in (0.5, 0.9)) if decided else "never"
    wrong = (
        sum(counted[code] for code in (TREATMENT_BETTER, CONTROL_BETTER))
        if world.lift == 0
        else counted[CONTROL_BETTER if world.lift > 0 else TREATMENT_BETTER]
    )
    sure = wilson(wrong, comparisons)
    peeked = f"{100 * sum(each.peeked for each in ends) / comparisons:.0f}" if world.lift == 0 else ""
    cells = (
        world.name,
        part(TREATMENT_BETTER),
        part(CONTROL_BETTER),
        part(NO_DIFFERENCE),
        part(MISMATCH),
        f"{100 * wrong / comparisons:.1f} [{100 * sure.low:.1f}–{100 * sure.high:.1f}]",
        took,
        peeked,
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.judge.comparisons", description=__doc__)
    parser.add_argument("--comparisons", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    print("| % | treatment | control | no difference | mismatch | wrong winner | took, of a fixed test | peeking |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for world in WORLDS:
        print(row(world, asked.comparisons, asked.seed), flush=True)
    print(f"\n{asked.comparisons} comparisons a row, {math.ceil(time.monotonic() - began)} s")


if __name__ == "__main__":
    main()
