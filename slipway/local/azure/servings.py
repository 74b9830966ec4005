"""Who served what share of a site's traffic, since when: a history that survives a restart."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS servings (site TEXT, since TEXT, shares TEXT NOT NULL, PRIMARY KEY (site, since));
"""


@dataclass(frozen=True)
class Serving:
    """A release that gets `share` (0..1) of the requests, by these instances, with the faults of its package."""

    service: str
    version: str
    share: float
    instances: tuple[str, ...]
    faults: dict[str, float | int | bool]


class Servings:
    """`now` says what time it is."""

    def __init__(self, database: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self._db = database
        self._now = now
        database.executescript(SCHEMA)

    def note(self, site: str, shares: Sequence[Serving]) -> None:
        """From now on it is these; nothing is written when it was these before."""
        text = json.dumps([asdict(each) for each in shares], sort_keys=True)
        latest = self._db.execute(
            "SELECT since, shares FROM servings WHERE site = ? ORDER BY since DESC LIMIT 1", (site,)
        ).fetchone()
        if latest is None or latest["shares"] != text:
            # Two changes in one moment of a clock that stands: the later one counts.
            row = (site, _text(self._now()), text)
            self._db.execute("INSERT OR REPLACE INTO servings (site, since, shares) VALUES (?, ?, ?)", row)

    def serving_at(self, site: str, at: datetime) -> tuple[Serving, ...]:
        """What served then; of a moment before the history, what served first. Less than 1 in all when the rest of
        the requests found nobody."""
        earlier = "SELECT shares FROM servings WHERE site = ? AND since <= ? ORDER BY since DESC LIMIT 1"
        first = "SELECT shares FROM servings WHERE site = ? ORDER BY since LIMIT 1"
        row = self._db.execute(earlier, (site, _text(at))).fetchone() or self._db.execute(first, (site,)).fetchone()
        return tuple(_serving(each) for each in json.loads(row["shares"])) if row else ()


def _serving(told: dict[str, Any]) -> Serving:
    return Serving(**{**told, "instances": tuple(told["instances"])})


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
