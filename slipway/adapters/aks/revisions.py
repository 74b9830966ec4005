"""Helm's own record of a release: its revisions, and what we have written into their descriptions. Pure.

Helm keeps each revision in a secret; its description is ours to choose and survives whatever the chart does. Ours is
`slipway {version} {package} {operation}`: so a repeated operation finds what the first one did.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_OURS = re.compile(r"slipway (?P<version>\S+) (?P<package>[0-9a-f]{12}) (?P<operation>\S+)")
_NEVER = datetime.min.replace(tzinfo=UTC)
_BACK = re.compile(r"Rollback to (\d+)")


@dataclass(frozen=True)
class Revision:
    number: int
    status: str
    description: str
    at: datetime


@dataclass(frozen=True)
class Release:
    """What a side holds: the newest revision, with what it said of itself; all are "" where it is not ours. `sound` is
    the number of the newest revision that Helm calls deployed, 0 when there is none; `given` the version of the newest
    one that is ours, whatever came after it. `words` are the newest one's description."""

    number: int = 0
    status: str = ""
    version: str = ""
    package: str = ""
    operation: str = ""
    at: datetime = _NEVER
    sound: int = 0
    given: str = ""
    words: str = ""

    @property
    def pending(self) -> bool:
        return self.status.startswith("pending-")

    @property
    def by_somebody_else(self) -> bool:
        """Whether the newest revision is deployed, and not by an upgrade of ours; a rollback by Helm never is."""
        return self.status == "deployed" and not _OURS.fullmatch(self.words)

    def holds(self, version: str, package: str) -> bool:
        return (self.status, self.version, self.package) == ("deployed", version, package)


def description(version: str, package: str, operation: str) -> str:
    return f"slipway {version} {package} {operation}"


def package_digest(package: str, values: str) -> str:
    """What tells one unit of chart, image and values from another."""
    return hashlib.sha256(f"{package}\n{values}".encode()).hexdigest()[:12]


def release_of(revisions: Sequence[Revision]) -> Release:
    """What the revisions say; a rollback by Helm holds what the revision did to which it went back."""
    if not revisions:
        return Release()
    by_number = {each.number: each for each in revisions}
    newest = by_number[max(by_number)]
    sound = max((each.number for each in revisions if each.status == "deployed"), default=0)
    said, seen = newest, set[int]()
    while (back := _BACK.fullmatch(said.description)) and said.number not in seen and int(back[1]) in by_number:
        seen.add(said.number)
        said = by_number[int(back[1])]
    ours = _OURS.fullmatch(said.description)
    told = (ours["version"], ours["package"], ours["operation"]) if ours else ("", "", "")
    given = (_OURS.fullmatch(by_number[number].description) for number in sorted(by_number, reverse=True))
    last = next((each["version"] for each in given if each), "")
    return Release(newest.number, newest.status, *told, newest.at, sound, last, newest.description)


def from_secrets(found: dict[str, Any]) -> list[Revision]:
    """Revisions from the list of a release's secrets. Raises ValueError for one that is none of Helm's."""
    return [_from_secret(each) for each in found.get("items") or ()]


def from_history(text: str) -> list[Revision]:
    """Revisions from `helm history -o json`. Raises ValueError."""
    try:
        return [
            Revision(int(each["revision"]), str(each["status"]), str(each["description"]), _moment(each["updated"]))
            for each in json.loads(text)
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a history of Helm's: {error}") from error


def _from_secret(secret: dict[str, Any]) -> Revision:
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        record = json.loads(gzip.decompress(packed))
        info = record["info"]
        words = str(info.get("description") or "")
        return Revision(int(record["version"]), str(info["status"]), words, _moment(info.get("last_deployed")))
    except (KeyError, TypeError, OSError, EOFError) as error:
        raise ValueError(f"not a record of Helm's: {error}") from error


def _moment(text: Any) -> datetime:
    """Go writes nanoseconds, which Python's parser cuts off by itself."""
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
