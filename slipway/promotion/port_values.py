"""The values that cross the ports, apart from them: a cold start has no need of the Protocols."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from slipway.promotion.outcomes import Answer

Cell = str | int | float | bool | datetime


@dataclass(frozen=True)
class Row:
    """A stored row. `values["doc"]`, when there, is JSON text for what does not fit into columns."""

    partition: str
    key: str
    values: dict[str, Cell]
    etag: str = ""

    @property
    def doc(self) -> Any:
        """The nested part, parsed; an empty dict when the row has none."""
        return json.loads(str(self.values["doc"])) if "doc" in self.values else {}


@dataclass(frozen=True)
class SiteState:
    """What a target answers now. A version is None when the side does not say one.

    `production_address` is the users'; while traffic is divided, `live_address` is where only the live release
    answers. `held_version` is what the platform itself says is live, whatever answers; empty where it does not say.
    """

    production_address: str
    live_address: str
    idle_address: str
    production_version: str | None
    idle_version: str | None
    in_progress: bool
    last_swap_at: datetime | None
    idle_state: str
    held_version: str = ""

    @classmethod
    def without_address(cls, version: str, previous: str, in_progress: bool = False) -> "SiteState":
        """Of what answers nowhere: the version that is applied, and the one before it; empty where there is none."""
        return cls("", "", "", version or None, previous or None, in_progress, last_swap_at=None, idle_state="Stopped")


@dataclass(frozen=True)
class Split:
    """How a target's router divides new requests now, as the platform says it.

    `share` (0..1) goes to the release that a ramp brings, the rest to the live one. `others` names rules or weights
    that are not ours: they are left alone, and people are told. `in_progress`: the platform still carries out a
    change, so the share may not be in effect yet.
    """

    share: float
    in_progress: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class SwitchState:
    side: str  # "blue" | "green" | "" (nobody is sent anywhere yet): where all users, or most, go
    users: str  # address of the users
    sides: dict[str, str]  # address of each side by name, reachable whatever the switch says
    share: float = 0.0  # 0..1 of the users on the other side
    in_progress: bool = False


@dataclass(frozen=True)
class Receipt:
    """What is known of an operation: when it was first meant, what was started, how it ended.

    `new` is true for exactly one `begin`: whoever sees false may be repeating something that had its effect.
    """

    new: bool
    intent_at: datetime
    handle: dict[str, Any] | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class ProbeResult:
    """One look at a running release. `status` is 0 when nothing answered; `words` say what was wrong."""

    ok: bool
    status: int
    version: str | None
    latency_ms: float
    words: str = ""


class PipelineText(NamedTuple):
    """A pipeline as it lies in its file; `digest` is `sha256:…` of the text."""

    text: str
    file: str
    digest: str
