"""Versions of orchestrations: which one a new instance gets, and which ones this host may run.

Rules: `VersioningSettings` and `TaskOrchestrationDispatcher` of DurableTask.Core. An instance keeps its version for
life, through `continue_as_new` too; what it starts gets this host's own.
"""

import re
from dataclasses import dataclass
from typing import Literal

MatchStrategy = Literal["None", "Strict", "CurrentOrOlder"]
FailureStrategy = Literal["Reject", "Fail"]

MISMATCH = "Orchestration version did not comply with Worker Versioning"  # the dispatcher's words
_DOTNET_VERSION = re.compile(r"\s*\d+\s*(\.\s*\d+\s*){1,3}", re.ASCII)
_LARGEST_PART = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Versioning:
    """`default` is what new instances get, and what this host is; None is older than any version."""

    default: str | None = None
    match: MatchStrategy = "CurrentOrOlder"
    failure: FailureStrategy = "Reject"

    def refuses(self, version: str | None) -> bool:
        """Whether an instance of that version is not for this host."""
        match self.match:
            case "Strict":
                return (version or "") != (self.default or "")
            case "CurrentOrOlder":
                return compare(version, self.default) > 0
        return False


def compare(one: str | None, other: str | None) -> int:
    """Below 0: `one` is older; 0: neither is; above 0: `one` is newer.

    Two to four numbers with dots are compared as numbers, and 1.0 is older than 1.0.0. Anything else, a single number
    too, is compared as text regardless of case, so "10" is older than "9".
    """
    known, against = (one or "").strip(), (other or "").strip()
    if not known or not against:
        return bool(known) - bool(against)
    if (left := _numbers(known)) and (right := _numbers(against)):
        return (left > right) - (left < right)
    mine, theirs = (one or "").upper(), (other or "").upper()
    return (mine > theirs) - (mine < theirs)


def _numbers(version: str) -> tuple[int, ...] | None:
    """As .NET's `System.Version` reads it; None for what that does not take."""
    if not _DOTNET_VERSION.fullmatch(version):
        return None
    numbers = tuple(int(part) for part in version.split("."))
    return numbers if max(numbers) <= _LARGEST_PART else None
