"""What a way back leads to, and what it brought: code, configuration and flags, each by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.plain import plain
from slipway.promotion.release_parts.configuration import KeptConfiguration
from slipway.promotion.release_parts.flag_wish import ChangedFlag
from slipway.promotion.stored import known

SAME, CHANGED, GONE, UNREAD, NONE = "same", "changed", "gone", "unread", "none"
DATABASES = "databases: what a release changed in one stays as it is"


@dataclass(frozen=True)
class Before:
    """The release that a way back leads to; `state` is what was seen of its configuration, empty before a look."""

    version: str = ""
    configuration: KeptConfiguration = field(default_factory=KeptConfiguration)
    state: str = ""
    words: str = ""

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "Before":
        data = data or {}
        return cls(**{**known(cls, data), "configuration": KeptConfiguration.load(data.get("configuration"))})


@dataclass(frozen=True)
class Brought:
    """What a way back brought: `code` and `configuration` in words, `flags` that are as they were before, and what it
    could not bring (`left`)."""

    code: str = ""
    configuration: str = ""
    flags: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """All but the code, which whoever proved it has said."""
        told = [f"configuration: {self.configuration}"] if self.configuration else []
        told += [f"flags: {', '.join(self.flags)}"] if self.flags else []
        told += [f"not brought back: {'; '.join(self.left)}"] if self.left else []
        return "; ".join(told)

    def dump(self) -> dict[str, Any]:
        return dict(plain(self))

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "Brought":
        data = data or {}
        lists = {name: tuple(data.get(name, ())) for name in ("flags", "left")}
        return cls(**{**known(cls, data), **lists})


def brought(before: Before, code: str, flags: Iterable[str], left: Iterable[str]) -> Brought:
    """What a way back that ended brought."""
    seen, not_brought = before.state, list(left)
    if seen in (CHANGED, GONE, UNREAD):
        not_brought.insert(0, f"configuration: {before.words}")
    return Brought(code, before.words if seen in (SAME, NONE) else "", tuple(flags), tuple(not_brought))


def would_bring(before: Before, changed: Sequence[ChangedFlag]) -> Brought:
    """What a way back would bring, as far as is known without a look at the store."""
    fixed = before.configuration
    told = f"label {fixed.label}, which is looked at first" if fixed.label else "none was fixed with it"
    flags = tuple(f"{each.where} as before: {each.was}" for each in changed)
    left = (DATABASES, *(() if fixed.label else ("configuration: what the services find is what they read",)))
    return Brought(before.version, told, flags, left)
