"""What the demo of a retailer tells and asks the running system: builds in CI's words, its users, its database."""

import json
import sqlite3
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from slipway.cli.laptop.layout import Layout
from slipway.cli.laptop.retail.places import DATABASES
from slipway.cli.laptop.retail.users import Users
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.virtual.system import VirtualSystem
from slipway.local.azure.jobs.images import migrate

SERVICE, PIPELINE = "storefront", "storefront.yaml"
KEEP, KEEP_HERE = "14d", "6h"  # of virtual time, in which release and janitor are looked at again and again
INSTEAD = {f"keep: {KEEP}": f"keep: {KEEP_HERE}"}
PAYLOAD = Path("examples", "azure-devops-build-complete.json")
VISITS = 40


def databases_at(folder: Path, *names: str) -> None:
    """Databases as the release before Slipway left them, of the schema's first version."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        with closing(sqlite3.connect(folder / f"{name}.sqlite", isolation_level=None)) as database:
            migrate.version_of(database)
            migrate.apply(database, migrate.BASELINE, migrate.SCRIPTS[migrate.BASELINE])


class System(VirtualSystem):
    """A laptop that has just started, with a clock that stands."""

    def __init__(self, laptop: Laptop, layout: Layout) -> None:
        super().__init__(laptop)
        self._payload = json.loads((layout.root / PAYLOAD).read_text(encoding="utf-8"))
        self._volumes = layout.state / "azure" / "volumes"
        databases_at(self._volumes, *DATABASES)
        self.ends: Mapping[str, str] = laptop.azure["sites"]
        self.users = Users(self.ends)

    def let_pass(self, seconds: float) -> None:
        """And users come meanwhile."""
        super().let_pass(seconds)
        self.users.come()

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

    def send(self, version: str, schema: str) -> None:
        """CI's word onto the queue."""
        self.put(self.event(version, schema), version)

    def met(self, front_end: str, visits: int = VISITS) -> Counter[str]:
        """Which versions say that they answer there, asked so often; "" is nobody."""
        with httpx.Client(timeout=5.0, trust_env=False) as http:
            return Counter(self._version(http, f"{self.ends[front_end]}/version") for _ in range(visits))

    def schema(self, database: str) -> int:
        """The version that the database is at, as its own file says."""
        with closing(sqlite3.connect(self._volumes / f"{database}.sqlite")) as connection:
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
