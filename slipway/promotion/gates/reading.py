"""Evidence as the judges get it, and what they refuse to read.

A judge is given a seekable binary file that is decompressed and within the size limit already. What it cannot read
raises `Unreadable`, and `judge` of `kinds.py` makes an answer of it: the check is broken, not the release.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from slipway.promotion.build import Build
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import GateAnswer
from slipway.promotion.gates.plan import GatePlan


@dataclass(frozen=True)
class Asked:
    """A gate, the build that its evidence must speak of, what was `kept` of the live release (None: there is none, or
    it went through no such gate), and the time."""

    gate: GatePlan
    build: Build
    previous: dict[str, Any] | None
    now: datetime

    def setting(self, name: str, unset: Any = None) -> Any:
        value = self.gate.settings.get(name)
        return unset if value is None else value


Judge = Callable[[Asked, BinaryIO], GateAnswer]


class Unreadable(SlipwayError):
    """Evidence that is malformed, cut off, or of another format; `words` say where."""

    def __init__(self, words: str) -> None:
        super().__init__("EVIDENCE_UNREADABLE", words)


class TooLarge(SlipwayError):
    """Evidence with more in it than a gate reads."""

    def __init__(self, words: str) -> None:
        super().__init__("EVIDENCE_TOO_LARGE", words)


class Incomplete(SlipwayError):
    """Sound evidence that lacks what the gate asks about: that proves nothing, so the gate stays shut."""

    def __init__(self, words: str) -> None:
        super().__init__("EVIDENCE_INCOMPLETE", words)


class OfAnotherBuild(SlipwayError):
    """Evidence that names a build which is not this one."""

    def __init__(self, words: str) -> None:
        super().__init__("EVIDENCE_OF_ANOTHER_BUILD", words)
