"""What a stage on its way is made of: the sites of its targets, the steps done to them, how it ends."""

from dataclasses import dataclass


def not_whole(version: str) -> str:
    """What a target says that holds a version only in part. No version reads like this, so it is never taken for one
    that is live already."""
    return f"{version} (not whole)"


def holds(said: str, version: str) -> bool:
    """Whether a target that says so holds that version, or a part of it."""
    return said in (version, not_whole(version))


@dataclass(frozen=True)
class Site:
    """A target as it was found before the stage changed anything: addresses, and the versions that answered. `live`
    is where the live release answers whatever its share of `production`. Where the release is planned first, `changes`
    says what it would change, in words, and `planned` is the fingerprint of that."""

    production: str
    idle: str
    previous: str
    idle_was: str
    live: str = ""
    changes: str = ""
    planned: str = ""


@dataclass(frozen=True)
class Step:
    """One thing done to one target, as people see it. `operation` is its id, and its orchestration's."""

    name: str
    target: str
    operation: str
    state: str = "running"
    started_at: str = ""
    ended_at: str = ""
    words: str = ""


@dataclass(frozen=True)
class Ending:
    """Why the stage ends, and as what."""

    outcome: str
    code: str = ""
    words: str = ""
