"""What somebody says of an origin's health: its probes then find that, whatever is there."""

import sqlite3
from datetime import UTC, datetime

from slipway.local.azure.front_door.store import LONG_AGO

SCHEMA = """
CREATE TABLE IF NOT EXISTS front_door_health (profile TEXT, origin TEXT, since TEXT, healthy INTEGER,
    PRIMARY KEY (profile, origin, since));
"""


class ToldHealth:
    """`origin` is the path of its resource."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        database.executescript(SCHEMA)

    def tell(self, profile: str, origin: str, since: datetime, healthy: bool | None) -> None:
        """None: from then on its probes tell the truth again."""
        row = (profile, origin, _text(since), healthy)
        self._db.execute("INSERT OR REPLACE INTO front_door_health VALUES (?, ?, ?, ?)", row)

    def at(self, profile: str, origin: str, moment: datetime) -> bool | None:
        """None when nobody said anything."""
        row = self._db.execute(
            "SELECT healthy FROM front_door_health WHERE profile = ? AND origin = ? AND since <= ?"
            " ORDER BY since DESC LIMIT 1",
            (profile, origin, _text(moment)),
        ).fetchone()
        return None if row is None or row["healthy"] is None else bool(row["healthy"])

    def moments(self, profile: str, begins: datetime = LONG_AGO) -> list[datetime]:
        """When something was said, after `begins`."""
        rows = self._db.execute(
            "SELECT DISTINCT since FROM front_door_health WHERE profile = ? AND since > ?", (profile, _text(begins))
        )
        return [datetime.fromisoformat(row["since"]) for row in rows]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
