"""A barrier: one thing that keeps a build from its work in a stage."""

from typing import Any, NamedTuple


class Barrier(NamedTuple):
    """`by` is what is in the way: the pause, the stage that is needed, the hold, the holder, the live release …"""

    code: str
    by: dict[str, Any]
