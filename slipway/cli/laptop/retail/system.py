"""What the demo of a retailer tells and asks the running system: builds in CI's words, its users, its database."""

import json
import sqlite3
import uuid
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from slipway.cli.laptop.layout import Layout
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.virtual.system import VirtualSystem

SERVICE, PIPELINE = "storefront", "storefront.yaml"
LOAD, LOAD_HERE = (
    "duration: 5m",
    "duration: 8s",
)  # in the pipeline, and in the demo, whose machine takes its time for it
KEEP, KEEP_HERE = "keep: 14d", "keep: 6h"
INSTEAD = {LOAD: LOAD_HERE, KEEP: KEEP_HERE}
PAYLOAD = Path("examples", "azure-devops-build-complete.json")
VISITS = 40


class System(VirtualSystem):
    """A laptop that has just started, with a clock that stands."""

    def __init__(self, laptop: Laptop, layout: Layout) -> None:
        super().__init__(laptop)
        self._payload = json.loads((layout.root / PAYLOAD).read_text(encoding="utf-8"))
        self._volumes = layout.state / "azure" / "volumes"
        self.ends: dict[str, str] = laptop.azure["sites"]

    def event(self, version: str, schema: str) -> dict[str, Any]:
        """The `build.complete` that Azure DevOps sends when a build of bob's has just finished, tagged with what it
        runs on (`from-13-to-15`)."""
        event: dict[str, Any] = json.loads(json.dumps(self._payload))
        said = f"Build {version} succeeded"
        event |= {"id": str(uuid.uuid4()), "createdDate": _iso(self.now()), "message": {"text": said}}
        event["resource"] |= {
            "buildNumber": version,
            "finishTime": _iso(self.now()),
            "sourceVersion": uuid.uuid5(uuid.NAMESPACE_URL, version).hex + "0" * 8,
            "tags": [f"slipway-schema-{schema}"],
        }
        return event

    def met(self, front_end: str, visits: int = VISITS) -> Counter[str]:
        """Which versions so many users meet there, each with a request of their own; "" is nothing."""
        with httpx.Client(timeout=5.0, trust_env=False) as http:
            return Counter(self._version(http, f"{self.ends[front_end]}/version") for _ in range(visits))

    def visit(self, front_end: str, path: str, visits: int) -> Counter[int]:
        """The status codes that so many users get for that path."""
        with httpx.Client(timeout=5.0, trust_env=False) as http:
            return Counter(http.get(self.ends[front_end] + path).status_code for _ in range(visits))

    def schema(self, database: str) -> int:
        """The version that the database is at, as its own file says; 0 where it is not there yet."""
        file = self._volumes / f"{database}.sqlite"
        if not file.exists():
            return 0
        with closing(sqlite3.connect(file)) as connection:
            return int(connection.execute("SELECT max(version) FROM schema_version").fetchone()[0])

    def columns(self, database: str, table: str) -> list[str]:
        """The columns of one of its tables."""
        with closing(sqlite3.connect(self._volumes / f"{database}.sqlite")) as connection:
            return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]

    @staticmethod
    def _version(http: httpx.Client, url: str) -> str:
        try:
            answer = http.get(url)
        except httpx.TransportError:
            return ""
        return str(answer.json()["version"]) if answer.status_code == 200 else ""


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
