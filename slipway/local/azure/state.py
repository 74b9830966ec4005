"""The state folder: what the stand-in must find again after it was killed at any moment."""

import json
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path


class StateFolder:
    """Small kept values (ports, the identity header) in `kept.json`, all else in SQLite files."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        self.path = path
        self._file = path / "kept.json"
        self._kept: dict[str, str | int] = (
            json.loads(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        )

    def database(self, name: str = "state.sqlite") -> sqlite3.Connection:
        """One connection to the file of that name, in autocommit mode; the stores use `with transaction(...)`.

        WAL with `synchronous=NORMAL`: a commit survives the death of the process, though not of the machine.
        """
        connection = sqlite3.connect(self.path / name, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    def kept(self, key: str) -> str | int | None:
        return self._kept.get(key)

    def keep(self, key: str, value: str | int) -> str | int:
        if self._kept.get(key) != value:
            self._kept[key] = value
            replace(self._file, json.dumps(self._kept, indent=1).encode())
        return value

    def port(self, key: str) -> int | None:
        """The port that `key` had last time."""
        kept = self.kept(f"port:{key}")
        return int(kept) if kept is not None else None

    def keep_port(self, key: str, port: int) -> None:
        self.keep(f"port:{key}", port)

    def secret(self, key: str) -> str:
        """A random text, drawn once."""
        return str(self.kept(key) or self.keep(key, secrets.token_urlsafe(24)))

    def file(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The content of a private file, made once."""
        path = self.path / name
        if not path.exists():
            replace(path, make())
        return path.read_bytes()


def replace(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, readable by its owner only."""
    draft = path.with_name(path.name + ".draft")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    draft.replace(path)


class transaction:
    """Everything within commits together, or nothing does."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        self._database.execute("BEGIN IMMEDIATE")
        return self._database

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        try:
            if failure is None:
                self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:  # also after a commit that the disk did not take
                self._database.execute("ROLLBACK")
