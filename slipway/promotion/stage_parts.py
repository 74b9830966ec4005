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
    """A target as it was found, by a stage before it changed anything: addresses, and the versions that answered.
    `live` is where the live release answers whatever its share of `production`, `held` the version that the platform
    itself says is live, empty where it says none. Where the release is planned first, `changes` says what it would
    change, in words, and `planned` is the fingerprint of that."""

    production: str
    idle: str
    previous: str
    idle_was: str
    live: str = ""
    held: str = ""
    changes: str = ""
    planned: str = ""

    def has(self, version: str, before: str) -> bool:
        """Whether the release is live there that is to go back to `before`, or a part of it.

        One that is down answers nothing. Then the platform's word counts; and where it has none, that the other side
        answers `before`: who had gone back already would have that one live.
        """
        if self.previous or self.held:
            return holds(self.previous or self.held, version)
        return bool(before) and self.idle_was == before

    def is_as(self, before: "Site") -> bool:
        """Whether what serves here is what did `before`. Of what was down already the platform's word counts."""
        if before.held and not before.previous:
            return (self.previous or self.held) == before.held
        return self.previous == before.previous

    @property
    def says_nothing(self) -> bool:
        """Whether nobody knows what is live there."""
        return not (self.previous or self.held or self.idle_was)


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
