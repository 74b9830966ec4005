"""A figure of the bench: what was measured, what it is held against, and whether it is good enough."""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`ours` and, where there is one, `peer` are medians; `target` is in words, `met` None where there is none."""

    name: str
    ours: float
    peer: float | None = None
    target: str = ""
    met: bool | None = None

    def row(self) -> str:
        ratio = f"{self.ours / self.peer:7.2f}" if self.peer else " " * 7
        peer = f"{self.peer:9.1f}" if self.peer is not None else " " * 9
        mark = {True: "✓", False: "✗", None: " "}[self.met]
        return f"{self.name:74} {self.ours:9.1f} {peer} {ratio}  {mark} {self.target}"


def header() -> str:
    return f"{'figure':74} {'ours':>9} {'peer':>9} {'ratio':>7}    target"


def at_most(name: str, ours: Sequence[float], peer: Sequence[float], ratio: float) -> Figure:
    """Medians; ours may be `ratio` times the peer's."""
    mine, other = statistics.median(ours), statistics.median(peer)
    return Figure(name, mine, other, f"ratio <= {ratio:g}", mine / other <= ratio)


def per_second(name: str, ours: Sequence[float], least: float | None) -> Figure:
    mine = statistics.median(ours)
    return Figure(name, mine, None, f">= {least:g}/s" if least else "", mine >= least if least else None)


def ms(work: Callable[[], object]) -> float:
    """How long `work` takes, in milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def load_average() -> str:
    return "load average " + ", ".join(f"{each:.1f}" for each in os.getloadavg())
