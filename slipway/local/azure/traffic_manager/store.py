"""What must survive a kill of Traffic Manager profiles: their settings and their endpoints'."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS traffic_managers (profile TEXT PRIMARY KEY, properties TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS traffic_manager_endpoints (
    profile TEXT, name TEXT, properties TEXT NOT NULL, PRIMARY KEY (profile, name));
"""

Document = dict[str, Any]


class ProfileStore:
    """By the names of profiles and endpoints, in small letters. `on_change` hears of profiles."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self.on_change: Callable[[str], None] = lambda _: None
        database.executescript(SCHEMA)

    def install(self, profile: str, properties: Document, endpoints: dict[str, Document]) -> None:
        """As configured; what has been there before stays as it is."""
        row = profile.lower(), json.dumps(properties)
        self._db.execute("INSERT OR IGNORE INTO traffic_managers VALUES (?, ?)", row)
        for name, each in endpoints.items():
            endpoint = profile.lower(), name.lower(), json.dumps(each)
            self._db.execute("INSERT OR IGNORE INTO traffic_manager_endpoints VALUES (?, ?, ?)", endpoint)

    def profile(self, profile: str) -> Document:
        """Raises KeyError."""
        query = "SELECT properties FROM traffic_managers WHERE profile = ?"
        row = self._db.execute(query, (profile.lower(),)).fetchone()
        if row is None:
            raise KeyError(profile)
        return dict(json.loads(row["properties"]))

    def endpoint(self, profile: str, name: str) -> Document:
        """Raises KeyError."""
        query = "SELECT properties FROM traffic_manager_endpoints WHERE profile = ? AND name = ?"
        row = self._db.execute(query, (profile.lower(), name.lower())).fetchone()
        if row is None:
            raise KeyError(name)
        return dict(json.loads(row["properties"]))

    def change_profile(self, profile: str, changed: Document) -> None:
        text = json.dumps({**self.profile(profile), **changed})
        self._db.execute("UPDATE traffic_managers SET properties = ? WHERE profile = ?", (text, profile.lower()))
        self.on_change(profile)

    def change_endpoint(self, profile: str, name: str, changed: Document) -> None:
        text = json.dumps({**self.endpoint(profile, name), **changed})
        self._db.execute(
            "UPDATE traffic_manager_endpoints SET properties = ? WHERE profile = ? AND name = ?",
            (text, profile.lower(), name.lower()),
        )
        self.on_change(profile)
