"""A ramp as its audit records and the API tell it, and what users met meanwhile."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from slipway.cli.laptop.users import Met

IN_EFFECT_AFTER = timedelta(seconds=2)  # after its record: router and front end follow, requests end
FEWEST_REQUESTS = 300
SIGMAS = 5.0


class Counted(Protocol):
    """Whoever knows what users met."""

    def between(self, begin: datetime, end: datetime) -> Met: ...


@dataclass(frozen=True)
class Move:
    """What the ramp did or found: from when on, the release's share (0..1) of the traffic, its code, and words."""

    at: datetime
    share: float
    code: str
    words: str


@dataclass(frozen=True)
class Held:
    """A share that the release had for a while, and the part of the users' requests that it then answered."""

    share: float
    begin: datetime
    end: datetime
    requests: int
    answered: int

    @property
    def is_true(self) -> bool:
        """Whether that part is the share, as far as so many requests can tell."""
        spread = math.sqrt(self.share * (1 - self.share) / max(self.requests, 1))
        return abs(self.answered / max(self.requests, 1) - self.share) <= SIGMAS * spread + 0.005


@dataclass(frozen=True)
class RampSeen:
    """`moves` in their order. `judge` is what the judge said last."""

    moves: tuple[Move, ...] = ()
    judge: str = ""

    @property
    def share(self) -> float:
        return self.moves[-1].share if self.moves else 0.0

    @property
    def steps(self) -> list[Move]:
        """Those of the moves that changed the share, the first one too."""
        return [
            move
            for before, move in zip((None, *self.moves), self.moves, strict=False)
            if before is None or before.share != move.share
        ]

    @property
    def begins(self) -> int:
        """How often it began: once, however often the host was killed."""
        return sum(move.code == "begins" for move in self.moves)

    def held(self, version: str, users: Counted, settled: timedelta = IN_EFFECT_AFTER) -> list[Held]:
        """Each share below 100 % that was there for long enough to be counted, without the time in which it settled."""
        found = []
        for step, following in zip(self.steps, self.steps[1:], strict=False):
            begin, end = step.at + settled, following.at
            met = users.between(begin, end) if end > begin else Met()
            if step.share < 1 and met.total >= FEWEST_REQUESTS:
                found.append(Held(step.share, begin, end, met.total, met.requests.get(version, 0)))
        return found


def ramp_seen(records: Sequence[dict[str, Any]], shown: dict[str, Any] | None = None) -> RampSeen:
    """From a promotion's audit `records`, and the `ramp` that the API shows of its stage, if it does."""
    moves = tuple(_move(record) for record in records if record["action"].startswith("ramp."))
    judge = str((shown or {}).get("words", ""))
    return RampSeen(moves, judge or (moves[-1].words if moves else ""))


def _move(record: dict[str, Any]) -> Move:
    words = record["words"]
    told = words.partition(" of the traffic: ")[2] or words  # without the share, which stands beside it
    code = record["action"].removeprefix("ramp.")
    return Move(datetime.fromisoformat(record["at"]), float(record["evidence"]["share"]), code, told)
