"""What a way back leads to, and what it brought: code, configuration and flags, each by name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.plain import plain
from slipway.promotion.release_parts.configuration import KeptConfiguration
from slipway.promotion.release_parts.flag_wish import ChangedFlag
from slipway.promotion.stored import known

SAME, CHANGED, GONE, UNREAD, NONE = "same", "changed", "gone", "unread", "none"
DATABASES = "what it changed in databases"


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
    could not bring (`left`). Without a `code` that is not proven to be back. `put_back` are the flags
    by name and label.
    """

    code: str = ""
    configuration: str = ""
    flags: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    put_back: tuple[str, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether a way back had more to bring than nothing."""
        return bool(self.code or self.left)

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
        lists = {name: tuple(data.get(name, ())) for name in ("flags", "left", "put_back")}
        return cls(**{**known(cls, data), **lists})


def brought(
    before: Before, code: str, flags: Iterable[str], left: Iterable[str], put_back: tuple[str, ...] = ()
) -> Brought:
    """What a way back that ended brought."""
    seen, not_brought = before.state, list(left)
    if seen in (CHANGED, GONE, UNREAD):
        not_brought.insert(0, f"configuration: {before.words}")
    return Brought(code, before.words if seen in (SAME, NONE) else "", tuple(flags), tuple(not_brought), put_back)


@dataclass(frozen=True)
class WouldBring:
    """What a way back would bring beside the code, and what it would leave, each in words."""

    brings: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()


def would_bring(before: Before, changed: Sequence[ChangedFlag]) -> WouldBring:
    """By what is kept with both releases, and by a look at the configuration if there was one."""
    fixed = before.configuration
    if before.state in (CHANGED, GONE, UNREAD):
        brings, leaves = [], [f"configuration {before.words}"]
    elif fixed.label:
        brings, leaves = [f"configuration {fixed.label} as it was verified (snapshot {fixed.snapshot})"], []
    else:
        brings, leaves = [], ["configuration: none was fixed with the release before"]
    brings += [f"flag {each.where} as it was before: {each.was}" for each in changed]
    return WouldBring(tuple(brings), (*leaves, DATABASES))
