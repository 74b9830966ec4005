"""Who served what share of a site's traffic, since when: a history that survives a restart."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS servings (site TEXT, since TEXT, shares TEXT NOT NULL, PRIMARY KEY (site, since));
"""


@dataclass(frozen=True)
class Serving:
    """A release that gets `share` (0..1) of the requests, by these instances, with the faults of its package; `slot`
    is where it runs (the revision, of a container app). Behind a Front Door `site` says of which site, and `origin` is
    the origin's host name."""

    service: str
    version: str
    share: float
    instances: tuple[str, ...]
    faults: dict[str, float | int | bool]
    slot: str = ""
    site: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Stretch:
    """From `begins` until before `ends` it was these; less than 1 in all when the rest of the requests found nobody."""

    begins: datetime
    ends: datetime
    served: tuple[Serving, ...]


class Servings:
    """`now` says what time it is; `heard` hears of each site that is served by others than before."""

    def __init__(self, database: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self._db = database
        self._now = now
        self.heard: Callable[[str], None] = lambda _: None
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
            self.heard(site)

    def between(self, site: str, begins: datetime, ends: datetime) -> list[Stretch]:
        """What served in that time, in its order."""
        changes = "SELECT since, shares FROM servings WHERE site = ? AND since > ? AND since < ? ORDER BY since"
        rows = self._db.execute(changes, (site, _text(begins), _text(ends))).fetchall()
        served = [self.serving_at(site, begins), *(_servings(row["shares"]) for row in rows)]
        moments = [begins, *(datetime.fromisoformat(row["since"]) for row in rows), ends]
        return [Stretch(*span, each) for span, each in zip(pairwise(moments), served, strict=True)]

    def moments(self, site: str, begins: datetime, ends: datetime) -> list[datetime]:
        """When something else began to serve, after `begins` and before `ends`."""
        query = "SELECT since FROM servings WHERE site = ? AND since > ? AND since < ? ORDER BY since"
        rows = self._db.execute(query, (site, _text(begins), _text(ends)))
        return [datetime.fromisoformat(row["since"]) for row in rows]

    def serving_at(self, site: str, at: datetime) -> tuple[Serving, ...]:
        """What served then; of a moment before the history, what served first."""
        earlier = "SELECT shares FROM servings WHERE site = ? AND since <= ? ORDER BY since DESC LIMIT 1"
        first = "SELECT shares FROM servings WHERE site = ? ORDER BY since LIMIT 1"
        row = self._db.execute(earlier, (site, _text(at))).fetchone() or self._db.execute(first, (site,)).fetchone()
        return _servings(row["shares"]) if row else ()


def _servings(text: str) -> tuple[Serving, ...]:
    told: list[dict[str, Any]] = json.loads(text)
    return tuple(Serving(**{**each, "instances": tuple(each["instances"])}) for each in told)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
