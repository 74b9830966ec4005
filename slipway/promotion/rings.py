"""Rings: targets of one stage that are released one group after the other, each compiled to a stage of its own.

So a ring has its own lock, ledger, approval, retry and hold, under the name `{stage}-{ring}`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slipway.promotion.stage_phases import ROLLED_BACK
from slipway.promotion.stored import known

STOP, ROLL_BACK_ALL = "stop", "roll-back-all"
AS_WRITTEN, WRITE_REGION_LAST = "as-written", "write-region-last"

READS_ACCOUNT = "Microsoft.DocumentDB/databaseAccounts/read"  # not a built-in role: the reader's hands out keys, too


def ring_name(whole: str, ring: str) -> str:
    """The stage, or the environment, that a ring of the stage or environment `whole` is compiled to."""
    return f"{whole}-{ring}"


@dataclass(frozen=True)
class RegionGate:
    """A Cosmos DB account that the rings of a stage go by; `account` is its resource id.

    `region` is the ring's own, empty where it has none; `regions` are those of all rings, in their order, and with
    `write_region_last` the one that is written to must be the last of them. Not ready for `within_s`: the ring ends.
    """

    account: str
    region: str = ""
    regions: tuple[str, ...] = ()
    write_region_last: bool = False
    within_s: float = 86_400.0

    @property
    def name(self) -> str:
        """The account's."""
        return self.account.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class RingPlan:
    """Where a stage stands among the rings of the stage `of` (as written, in the environment `environment`).

    `number` of `count`, from 1. `earlier` are the stages of the rings before it, the first one first. `on_bad`: what
    becomes of them when it fails: they stay (`stop`) or go back, too (`roll-back-all`).
    """

    of: str
    environment: str
    name: str
    number: int
    count: int
    earlier: tuple[str, ...] = ()
    on_bad: str = STOP
    gate: RegionGate | None = None

    @property
    def words(self) -> str:
        """`ring 2 of 4 of production`."""
        return f"ring {self.number} of {self.count} of {self.of}"

    @property
    def before(self) -> str:
        """The stage of the ring before it; empty for the first one."""
        return self.earlier[-1] if self.earlier else ""


def load_ring(data: dict[str, Any] | None) -> RingPlan | None:
    """A stage's ring from its JSON, if it is one."""
    if not data:
        return None
    gate = load_gate(data["gate"]) if data.get("gate") else None
    return RingPlan(**{**known(RingPlan, data), "earlier": tuple(data.get("earlier", ())), "gate": gate})


def load_gate(data: dict[str, Any]) -> RegionGate:
    """A ring's gate from its JSON."""
    return RegionGate(**{**known(RegionGate, data), "regions": tuple(data.get("regions", ()))})


def took_back(ended: Iterable[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """What the rings that were to go back came to: those that did, and in words those that did not.

    `ended`: stage, state, code and words of each.
    """
    told = list(ended)
    back = [each["stage"] for each in told if each["state"] == ROLLED_BACK]
    left = [f"{each['stage']} did not go back: {each['words']}" for each in told if each["state"] != ROLLED_BACK]
    return back, left


def still_there(ended: dict[str, Any]) -> bool:
    """Whether a ring that was to go back may still serve the release: not where it went, or had gone before, or where a
    newer build has taken its place."""
    return ended["state"] != ROLLED_BACK and ended.get("code") not in ("NOT_LIVE", "BEHIND")
