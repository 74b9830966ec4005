"""`make bench`: what Slipway's own parts cost, each figure beside its target or a peer's of the same run.

`python -m bench cold_start broker` measures only those.
"""

import importlib
import sys
import time

from bench.figure import header, load_average

MODULES = (
    "cold_start",
    "same_shape",
    "own_promotion",
    "broker",
    "front_end",
    "telemetry",
    "verdict",
    "ramps",
    "tenanthub",
    "thousand_builds",
    "frozen_thousand",
    "adapter_cost",
    "forty_targets",
    "intake",
    "audit",
    "evidence_gate",
)


def main() -> None:
    """Print the table as it grows, and end with 1 when a target was missed."""
    if unknown := [name for name in sys.argv[1:] if name not in MODULES]:
        sys.exit(f"{', '.join(unknown)}: not measured here; there are {', '.join(MODULES)}")
    began, missed = time.monotonic(), 0
    print(header(), flush=True)
    for name in sys.argv[1:] or MODULES:
        for figure in importlib.import_module(f"bench.{name}").figures():
            print(figure.row(), flush=True)
            missed += figure.met is False
    print(f"medians; {time.monotonic() - began:.0f} s in all; {load_average()}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
