"""Whether a service has a version, or a later one, live: by the order of its own ledger, else by the numbers of both.

Elsewhere versions are never compared: builds of one service are ordered by their times. Whoever writes `4.2` into
another service's pipeline knows no time, so this is the one place that reads a version; and it does so only where the
service's ledger says nothing.
"""

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from slipway.promotion.outcomes import moment

_NUMBERS = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})(?:([-+._])(.*))?\Z")


def missing(lock: Mapping[str, Any], service: str, environment: str, at_least: str) -> str:
    """What keeps those who wait for it, in words; empty when it is there. `lock`: that of the service."""
    wanted = f"{service} {at_least} or later to be live in {environment}"
    live = lock.get("live")
    if not live:
        return f"{wanted}: nothing is yet"
    version = str(live["version"])
    later = is_later(lock, version, at_least)
    if later is None:
        return f"{wanted}: {version} is, and cannot be compared with it"
    if not later:
        return f"{wanted}: {version} is"
    return "" if live["proven"] else f"{wanted}: {version} is not proven yet"


def is_later(lock: Mapping[str, Any], version: str, at_least: str) -> bool | None:
    """Whether `version` is `at_least` or came after it; None when nobody can tell."""
    if version == at_least:
        return True
    ages = {each["version"]: moment(each["finished_at"]) for each in reversed(lock.get("releases", ()))}
    if version in ages and at_least in ages:
        return ages[version] >= ages[at_least]
    mine, wanted = _read(version), _read(at_least)
    return None if mine is None or wanted is None else mine >= wanted


def _read(version: str) -> "_Version | None":
    found = _NUMBERS.match(version)
    if found is None:
        return None
    numbers = tuple(int(each) for each in found[1].split("."))
    return _Version(numbers, is_release=found[2] != "-")


class _Version:
    """Dotted numbers; what is missing at the end counts as 0. Before a release come those with a hyphen after it, as in
    `4.2-rc.1`; two of these of the same numbers are not told apart, and count as equal."""

    def __init__(self, numbers: tuple[int, ...], is_release: bool) -> None:
        self.numbers, self.is_release = numbers, is_release

    def __ge__(self, other: "_Version") -> bool:
        for mine, theirs in zip_longest(self.numbers, other.numbers, fillvalue=0):
            if mine != theirs:
                return mine > theirs
        return self.is_release >= other.is_release
