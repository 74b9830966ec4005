"""What a plan printed: its summary, which the image prints last, and the end of the rest for people to read. Pure.

The summary is one line of JSON, `{"add": 1, "change": 2, "destroy": 0}`.
"""

import json
import re

from slipway.promotion.planned_changes import (
    CREATE,
    DELETE,
    HIDDEN,
    LONGEST_TEXT,
    MODIFY,
    Change,
    PlannedChanges,
    looks_secret,
    shortened,
)

STALE = "Saved plan is stale"  # Terraform's own words
_COUNTS = {"add": CREATE, "change": MODIFY, "destroy": DELETE}
_MOST = 100_000
_ASSIGNED = re.compile(r"(?P<name>[^=:]+?)\s*(?P<sign>=|:)\s*(?P<value>.+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def summary_of(log: str) -> dict[str, int] | None:
    """The last line that is a summary; None when none is."""
    for line in reversed(log.splitlines()):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and all(_counts(told.get(name)) for name in _COUNTS):
            return {name: told[name] for name in _COUNTS}
    return None


def changes_of(summary: dict[str, int]) -> PlannedChanges:
    """The summary as changes without names."""
    return PlannedChanges(tuple(Change(what, "") for name, what in _COUNTS.items() for _ in range(summary[name])))


def text_of(summary: dict[str, int], log: str) -> str:
    """The counts, then the end of what it printed, without what may be a secret."""
    words = changes_of(summary).words.removesuffix(", 0 unchanged")
    lines = [_hidden(_COLOURS.sub("", line)) for line in log.splitlines() if line.strip()]
    lines = [line for line in lines if summary_of(line) is None]
    kept: list[str] = []
    room = LONGEST_TEXT - len(words) - 1
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            break
        kept.insert(0, line)
    return shortened([words, *kept], LONGEST_TEXT)


def _hidden(line: str) -> str:
    found = _ASSIGNED.fullmatch(line)
    if found and (looks_secret(found["name"]) or looks_secret("", found["value"].strip('" '))):
        return f"{found['name']} {found['sign']} {HIDDEN}"
    return HIDDEN if looks_secret("", line) else line


def _counts(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
