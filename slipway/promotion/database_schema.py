"""The database's schema version beside a release: which versions its code runs on, and where the database is. Pure.

A build declares `schema: {from, to, expand, contract}`: the versions of the database that its code runs on, the one
that its migration expands it to before the deployment, and the one that it contracts it to once the release before is
gone. The lock of an environment keeps where its database is: `version`, and `towards` while a migration is on its way
there, or has failed on it. Until that has ended well nobody knows which of the two it is, so both count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

OUT_OF_RANGE = "SCHEMA_OUT_OF_RANGE"


@dataclass(frozen=True)
class Range:
    """`expand` and `contract` are 0 where the build brings none."""

    first: int
    last: int
    expand: int = 0
    contract: int = 0

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> "Range | None":
        """As a message or a release has it; None where nothing was declared, so that there are no limits."""
        if not told:
            return None
        return cls(told["from"], told["to"], told.get("expand", 0), told.get("contract", 0))

    def excludes(self, versions: Iterable[int]) -> list[int]:
        """Those of the database's versions on which the code does not run."""
        return [version for version in sorted(set(versions)) if not self.first <= version <= self.last]

    @property
    def words(self) -> str:
        return f"{self.first} to {self.last}" if self.first != self.last else f"{self.first} alone"


def versions_of(database: Mapping[str, Any] | None) -> list[int]:
    """What the database may be at, as far as its lock knows: none where nothing is known."""
    return [database[key] for key in ("version", "towards") if database.get(key)] if database else []


def expands_to(database: Mapping[str, Any] | None, own: Range | None, migrates: bool) -> int:
    """The version to which a stage that `migrates` expands the database for a build; 0 where it is there already, or
    the build says none. What has not ended well on its way beyond that is not run again for it."""
    if not migrates or own is None:
        return 0
    return own.expand if own.expand > (database or {}).get("version", 0) else 0


def must_expand(database: Mapping[str, Any] | None, own: Range | None, migrates: bool) -> bool:
    """Whether the migration runs: for a build that declares nothing always, its image knows what is left to do."""
    return migrates and (own is None or expands_to(database, own, migrates) > 0)


def against_switch(
    database: Mapping[str, Any] | None,
    version: str,
    declared: Mapping[str, Any] | None,
    live: Mapping[str, Any] | None,
    migrates: bool,
) -> str:
    """What speaks against releasing `version`, in words: its own code, or that of what is `live`, would stand on a
    schema that it does not run on. Empty where nothing does."""
    own, there = Range.of(declared), versions_of(database)
    to = expands_to(database, own, migrates)
    if own and database and database.get("towards") and not database.get("version") and not to:
        words = f"a migration of the database to {database['towards']} has not ended well, and where it is is not known"
        return f"{words}: {version} brings none that would go on from there"
    if migrates and own is None and there:
        words = f"the database is at {_where(database)}, and {version} does not say on which versions of it it runs"
        return f"{words}: nobody would know where its migration leads"
    after = [to, *(each for each in there if each > to)] if to else there
    if own and own.excludes(after):
        where = f"would be at {_listed(after)}" if to else f"is at {_where(database)}"
        return f"the database {where}, and {version} runs on {own.words}"
    serving = Range.of((live or {}).get("schema"))
    if live and serving and to and live["version"] != version and serving.excludes([to]):
        words = f"it would expand the database to {to}, and {live['version']}, which is live, runs on {serving.words}"
        return f"{words}: there would be no way back"
    return ""


def against_return(
    database: Mapping[str, Any] | None, before: Mapping[str, Any] | None, live: Mapping[str, Any] | None = None
) -> str:
    """What speaks against going back from what is `live` to the release `before`, in words: the schema is never taken
    back. One that declares nothing has no limits, but for a contract of what is live: that takes away what only the
    release before it needed."""
    code, own = Range.of((before or {}).get("schema")), Range.of((live or {}).get("schema"))
    there = versions_of(database)
    if before and code and code.excludes(there):
        return f"the database is at {_where(database)}, and {before['version']} runs on {code.words}"
    if before and live and not code and own and own.contract and there and max(there) >= own.contract:
        for_whom = f"the database is contracted to {own.contract} for {live['version']}"
        return f"{for_whom}, and {before['version']} does not say that it runs on it"
    return ""


def against_way_back(lock: Mapping[str, Any]) -> str:
    """What speaks against going back to what the lock leads back to, in words."""
    return against_return(lock.get("schema"), before_of(lock), lock["live"])


def before_of(lock: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The release that the lock leads back to. Of one that was there before Slipway came only the version is known, or
    the versions of several targets; None where nothing was there."""
    if lock["previous"]:
        release: Mapping[str, Any] = lock["previous"][0]
        return release
    replaced = ((lock["live"] or {}).get("replaced") or {}).values()
    versions = ", ".join(sorted({version for version in replaced if version}))
    return {"version": versions} if versions else None


def _where(database: Mapping[str, Any] | None) -> str:
    found = versions_of(database)
    unknown = ", nobody knows which" if found[1:] else ""
    return f"{_listed(found)}{unknown}"


def _listed(versions: list[int]) -> str:
    return " or ".join(map(str, versions))
