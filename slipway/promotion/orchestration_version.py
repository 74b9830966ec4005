"""Versions of orchestrations: what one is begun as, and keeps for life.

New ones get the `defaultVersion` of host.json: the release of Slipway in which an orchestrator last changed what it
calls or in which order. Three numbers, always: the runtime compares "10" and "9" as text, and 1.0 is older than 1.0.0.
"""

import re

_NUMBERS = re.compile(r"\d+\.\d+\.\d+", re.ASCII)


def began_before(version: str | None, changed_in: str) -> bool:
    """Whether an orchestration of `version` began before `changed_in`, and so goes on as it was then.

    None is the version of those that began before there were any. Raises ValueError for anything but three numbers.
    """
    return version is None or numbers(version) < numbers(changed_in)


def numbers(version: str) -> tuple[int, ...]:
    """A version, to be compared. Raises ValueError."""
    if not _NUMBERS.fullmatch(version):
        raise ValueError(f"{version} is not a version of three numbers")
    return tuple(int(part) for part in version.split("."))
