"""What a stage on its way is made of: the sites of its targets, the steps done to them, how it ends."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """A target as it was found before the stage changed anything: addresses, and the versions that answered. `live`
    is where the live release answers whatever its share of `production`."""

    production: str
    idle: str
    previous: str
    idle_was: str
    live: str = ""


@dataclass(frozen=True)
class Step:
    """One thing done to one target, as people see it. `operation` is its id, and its orchestration's; `log` the end of
    what it printed, where it did not pass."""

    name: str
    target: str
    operation: str
    state: str = "running"
    started_at: str = ""
    ended_at: str = ""
    words: str = ""
    log: str = ""


@dataclass(frozen=True)
class Ending:
    """Why the stage ends, and as what."""

    outcome: str
    code: str = ""
    words: str = ""
