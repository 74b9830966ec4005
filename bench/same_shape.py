"""A promotion's own overhead: its shape on our durable engine, and on `durabletask`'s in-memory backend."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench.figure import Figure, at_most
from bench.shape_here import here
from bench.shape_peer import peer

ROUNDS = 25


def figures() -> Iterable[Figure]:
    """Rounds take turns, so that whatever else the machine does falls on both."""
    with tempfile.TemporaryDirectory() as folder, here(Path(folder)) as ours, peer() as theirs:
        ours.once(), theirs.once()
        pairs = [(ours.once(), theirs.once()) for _ in range(ROUNDS)]
    mine, others = zip(*pairs, strict=True)
    name = "4 stages, 18 no-op activities, 1 event; peer: durabletask in memory (ms)"
    yield at_most(name, mine, others, 0.5)
