"""How a state looks. The colour says whose turn it is: blue, Slipway works; magenta, a person is asked;
yellow, it waits; red, it speaks against the release; green, done. Icon and word always say the same, so
that nothing is lost without colours."""

from typing import NamedTuple


class Look(NamedTuple):
    """Icon and rich style."""

    icon: str
    style: str


_WORKS = Look("»", "blue")
_LOOKS = {
    "pending": Look("·", "dim"),
    "waiting": Look("?", "magenta"),
    "waiting for approval": Look("?", "magenta"),
    "checking gates": Look("…", "yellow"),
    "waiting for the lock": Look("…", "yellow"),
    "waiting for the region": Look("…", "yellow"),
    "rolling back": Look("↩", "red"),
    "rolled back": Look("↩", "yellow"),
    "unproven": Look("»", "blue"),
    "proven": Look("✓", "green"),
    "replaced": Look("·", "dim"),
    "undone": Look("↩", "red"),
    "passed": Look("✓", "green"),
    "failed": Look("✗", "red"),
    "cancelled": Look("⊘", "dim"),
    "broken": Look("!", "yellow"),
    "not enough evidence": Look("!", "yellow"),
}


def look(state: str) -> Look:
    """Icon and style of a state of a promotion, stage, step or release; an unknown one is something under way."""
    return _LOOKS.get(state, _WORKS)
