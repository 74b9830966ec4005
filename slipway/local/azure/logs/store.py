"""The workspace's tables, in a DuckDB file of the state folder: requests that front ends served, which are many and
have columns of their own, and what apps told of themselves.

Every call opens a cursor of its own, so that any thread may make it. DuckDB is loaded by the first call: a stand-in
that nobody asks for telemetry starts without it.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from slipway.local.azure.logs.envelopes import TABLES, Told
from slipway.local.azure.logs.served import Served

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEPT = timedelta(days=1)
MOST_ROWS = 5_000_000

TABLE = "Requests"
# What is stored of Azure Monitor's columns, names and types its own; a row's `Number` takes the place of its ids.
STORED = """
    TimeGenerated TIMESTAMP, Number UBIGINT, AppRoleName VARCHAR, AppRoleInstance VARCHAR, AppVersion VARCHAR,
    Url VARCHAR, ResultCode VARCHAR, Success BOOLEAN, DurationMs DOUBLE, ItemCount INTEGER, UserId VARCHAR
"""
# What apps tell, of any table.
TOLD = "Told"
TOLD_STORED = "Kind VARCHAR, TimeGenerated TIMESTAMP, Told JSON"
# And what queries see of what was served.
SEEN = "* EXCLUDE Number, Number::VARCHAR AS Id, Number::VARCHAR AS OperationId, 'GET ' || Url AS Name"
COLUMNS = tuple(TABLES["AppRequests"])
_INSERT = f"""
INSERT INTO {TABLE} SELECT
    (r->>0)::TIMESTAMP, (r->>1)::UBIGINT, r->>2, r->>3, r->>4, r->>5, r->>6, (r->>7)::BOOLEAN, (r->>8)::DOUBLE, 1,
    r->>9
FROM (SELECT unnest(?::JSON[]) AS r)
"""


_TELL = f"INSERT INTO {TOLD} SELECT r->>0, (r->>1)::TIMESTAMP, r->2 FROM (SELECT unnest(?::JSON[]) AS r)"


class LogStore:
    """`threads` for each query; as many as DuckDB likes when left out. One is quicker where questions are small and
    many: most of their time is planning."""

    def __init__(self, file: Path, threads: int | None = None) -> None:
        self._file = file
        self._threads = threads
        self._lock = Lock()
        self._database: DuckDBPyConnection | None = None

    def is_empty(self) -> bool:
        with self.cursor() as cursor:
            return cursor.execute(f"SELECT 1 FROM {TABLE} LIMIT 1").fetchone() is None

    @contextmanager
    def cursor(self) -> Iterator["DuckDBPyConnection"]:
        """A connection of one's own: what is temporary in it is nobody else's."""
        cursor = self._connected()
        try:
            yield cursor
        finally:
            cursor.close()

    def fill(self, rows: str) -> None:
        """Stores the rows of that SQL, in any order."""
        with self.cursor() as cursor:
            cursor.execute("SET preserve_insertion_order = false")
            cursor.execute(f"INSERT INTO {TABLE} {rows}")
            cursor.execute("RESET preserve_insertion_order")

    def append(self, rows: Sequence[Served]) -> None:
        """All of them or none. Raises OSError when the disk does not take them."""
        with _disk_errors(), self.cursor() as cursor:
            cursor.execute(_INSERT, [json.dumps([_row(row) for row in rows])])

    def tell(self, rows: Sequence[Told]) -> None:
        """All of them or none. Raises OSError when the disk does not take them."""
        told = [[each.table, naive(each.at).isoformat(), each.row] for each in rows]
        with _disk_errors(), self.cursor() as cursor:
            cursor.execute(_TELL, [[json.dumps(each) for each in told]])

    def drop_old(self, now: datetime) -> None:
        """What is older than a day, and the oldest of more than five million rows. Raises OSError."""
        found = f"SELECT TimeGenerated FROM {TABLE} ORDER BY TimeGenerated DESC OFFSET {MOST_ROWS} LIMIT 1"
        with _disk_errors(), self.cursor() as cursor:
            one_too_many = cursor.execute(found).fetchone()
            oldest = max([naive(now - KEPT), *(one_too_many or ())])
            cursor.execute(f"DELETE FROM {TABLE} WHERE TimeGenerated <= ?", [oldest])
            cursor.execute(f"DELETE FROM {TOLD} WHERE TimeGenerated <= ?", [naive(now - KEPT)])

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def _connected(self) -> "DuckDBPyConnection":
        import duckdb

        with self._lock:
            if self._database is None:
                self._database = duckdb.connect(self._file)
                self._database.execute("SET TimeZone = 'UTC'")
                if self._threads is not None:
                    self._database.execute(f"SET threads = {self._threads}")
                self._database.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} ({STORED})")
                self._database.execute(f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS UserId VARCHAR")
                self._database.execute(f"CREATE TABLE IF NOT EXISTS {TOLD} ({TOLD_STORED})")
            return self._database.cursor()


@contextmanager
def _disk_errors() -> Iterator[None]:
    """What DuckDB cannot write is an OSError, as with other files."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise OSError(str(error)) from error


def naive(moment: datetime) -> datetime:
    """UTC without saying so, as the table has it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _row(served: Served) -> list[object]:
    return [
        naive(served.at).isoformat(),
        secrets.randbits(64),
        served.role,
        served.instance,
        served.version,
        served.path,
        str(served.status),
        served.success,
        served.duration_ms,
        served.user,
    ]
