"""What an image printed without what may be a secret; of a plan its summary, which comes last, and the end of the rest
for people to read. Pure.

The summary is one line of JSON, `{"add": 1, "change": 2, "destroy": 0}`.
"""

import json
import re
from collections.abc import Callable

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

_COUNTS = {"add": CREATE, "change": MODIFY, "destroy": DELETE}
_MOST = 100_000
_ASSIGNED = re.compile(r"(?P<name>[^=:]+?)\s*(?P<sign>=|:)\s*(?P<value>.+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_HEREDOC = re.compile(r"<<[-~]?\"?(?P<end>\w+)\"?$")
_HEREDOC_ENDS = re.compile("EO[TF]")  # as Terraform and people name them
_KEY_BEGINS, _KEY_ENDS = "-----BEGIN", "-----END"


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
    """The counts, then the end of the rest of `log`, which is shown as it is."""
    words = changes_of(summary).words.removesuffix(", 0 unchanged")
    lines = [line for line in log.splitlines() if summary_of(line) is None]
    kept: list[str] = []
    room = LONGEST_TEXT - len(words) - 1
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            break
        kept.insert(0, line)
    return shortened([words, *kept], LONGEST_TEXT)


def without_secrets(log: str) -> str:
    """The log without colours and empty lines, and without what is named or looks like a secret: values, and as a whole
    heredocs, keys in PEM, and lists and maps of such a name. Of a block that began before the log does, its end is
    known."""
    kept: list[str] = []
    is_end: Callable[[str], bool] | None = None
    for line in (_COLOURS.sub("", each).rstrip() for each in log.splitlines()):
        if is_end:
            is_end = None if is_end(line) else is_end
        elif heredoc := _HEREDOC.search(line):
            kept.append(f"{line[: heredoc.start()]}{HIDDEN}")
            is_end = _marked(heredoc["end"])
        elif _KEY_BEGINS in line:
            kept.append(HIDDEN)
            is_end = None if _KEY_ENDS in line else _ends_key
        elif _ends_key(line) or _HEREDOC_ENDS.fullmatch(line.strip()):
            kept = [HIDDEN]
        elif line:
            shown = _hidden(line)
            kept.append(shown)
            is_end = _closed(line) if shown != line and line.endswith(("[", "{", "(")) else None
    return "\n".join(kept)


def _hidden(line: str) -> str:
    found = _ASSIGNED.fullmatch(line)
    if found and (looks_secret(found["name"]) or looks_secret("", found["value"].strip('" '))):
        return f"{found['name']} {found['sign']} {HIDDEN}"
    return HIDDEN if looks_secret("", line) else line


def _ends_key(line: str) -> bool:
    return _KEY_ENDS in line


def _marked(end: str) -> Callable[[str], bool]:
    return lambda line: line.split()[:1] == [end]


def _closed(opening: str) -> Callable[[str], bool]:
    """The bracket that closes it stands no further in than its name."""
    column = len(opening) - len(opening.lstrip(" +-~/<="))
    return lambda line: line.lstrip()[:1] in ("]", "}", ")") and len(line) - len(line.lstrip()) <= column


def _counts(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
