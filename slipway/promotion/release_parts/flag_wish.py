"""Flags that a stage switches with its release, and what is told of one that a release changed."""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.stored import known


@dataclass(frozen=True)
class FlagWish:
    """The flag `name` with `label` is on for everybody once the release is live, or off for everybody. `owner` and
    `pipeline` are noted on it where nobody has written them before."""

    name: str
    label: str = ""
    on: bool = True
    owner: str = ""
    pipeline: str = ""

    @property
    def where(self) -> str:
        return f"{self.name} ({self.label})" if self.label else self.name

    @classmethod
    def load(cls, data: dict[str, Any]) -> "FlagWish":
        return cls(**known(cls, data))


@dataclass(frozen=True)
class ChangedFlag:
    """A flag that a release changed: `was` and `now` in words. Its document of before is kept with `release`, the id of
    its stage."""

    name: str
    label: str = ""
    was: str = ""
    now: str = ""
    release: str = ""

    @property
    def where(self) -> str:
        return f"{self.name} ({self.label})" if self.label else self.name

    @classmethod
    def load(cls, data: dict[str, Any]) -> "ChangedFlag":
        return cls(**known(cls, data))
