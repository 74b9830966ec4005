"""`make chaos [KILLS=200] [SEED=…]`: kill and disturb the laptop system, then check every promise."""

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import table, way_to
from tests.chaos.run import Plan, run


def main() -> int:
    """0 when every promise held, else 1; then the state folder stays."""
    arguments = _arguments()
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    print(f"SEED={seed} KILLS={arguments.kills}", flush=True)
    state = Path(tempfile.mkdtemp(prefix="slipway-chaos-"))
    plan = Plan(seed, arguments.kills, time_outs=arguments.kills // 100, full_disks=1 + arguments.kills // 50)
    result = run(plan, state, lambda line: print(line, flush=True))
    print("\n".join(table(result)))
    if result.broken:
        print("\n".join(way_to(result)))
        print(f"the state is kept in {state}; again with: make chaos KILLS={plan.kills} SEED={seed}")
        return 1
    shutil.rmtree(state)
    print("every promise held")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="else one is drawn, and printed first")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
