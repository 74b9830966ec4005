"""Whether a ring's users may be moved now, by what its Cosmos DB account shows. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.rings import RegionGate

SUCCEEDED = "Succeeded"
REGION, UNREAD = "region", "region unread"  # the names of its signals between two ticks of a ramp


@dataclass(frozen=True)
class Account:
    """A Cosmos DB account as it was read: the state of each of its regions, and those that are written to. Regions as
    `westeurope`; `state` is the account's own."""

    locations: Mapping[str, str] = field(default_factory=dict)
    write: tuple[str, ...] = ()
    state: str = SUCCEEDED

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> "Account":
        return cls(dict(data["locations"]), tuple(data["write"]), str(data["state"]))


def in_the_way(gate: RegionGate, account: Account, written_before: Collection[str]) -> str:
    """Why the ring waits, in words; empty when it need not. `written_before`: the regions that were written to when the
    account was last looked at for this ring, or for the one before it; none is known for a first look."""
    if gate.region and gate.region not in account.locations:
        there = ", ".join(account.locations) or "no region"
        return f"{gate.region} is none of the regions of {gate.name}, which has {there}"
    unready = [f"{name} is {state}" for name, state in account.locations.items() if state != SUCCEEDED]
    if unready:
        return f"of {gate.name} {', '.join(unready)}"
    if account.state != SUCCEEDED:
        return f"{gate.name} is {account.state}"
    if not account.write:
        return f"{gate.name} names no region that is written to"
    if written_before and set(written_before) != set(account.write):
        moved = f"{', '.join(sorted(written_before))} to {', '.join(account.write)}"
        return f"the writes of {gate.name} have moved from {moved} since the ring before it, or this one, began"
    early = [region for region in account.write if region not in gate.regions[-1:]]
    if gate.write_region_last and early:
        return f"{', '.join(early)} is written to, and is to come last; the last ring is in {gate.regions[-1]}"
    return ""
