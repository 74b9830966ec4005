"""What must hold of a ledger once all is quiet, whatever happened before."""

from typing import Any

from slipway.promotion.ledger import PROVEN, REPLACED, live_entry
from slipway.promotion.outcomes import moment


def check_ledger(copied: list[dict[str, Any]], lock: dict[str, Any]) -> None:
    """`copied` is the read model's, newest first, `lock` the state of the entity. Raises AssertionError."""
    if not lock:
        assert not copied
        return
    told = lock["releases"]
    assert copied[: len(told)] == told, "the copy is the lock's own"
    live, open_entries = lock["live"], [each for each in copied if not each["until"]]
    assert len(open_entries) <= 1, f"two serve: {open_entries}"
    assert bool(live) == bool(open_entries), f"the lock says {live}, the ledger {open_entries}"
    entry = live_entry(copied)
    if live and entry:
        assert (entry["version"], entry["state"] == PROVEN) == (live["version"], live["proven"])
    order = [(moment(each["since"]), each["fence"]) for each in copied]
    assert order == sorted(order, reverse=True)
    for each in copied:
        assert bool(each["until"]) == (each["state"] not in ("unproven", PROVEN)), each
        assert bool(each["replaced_by"]) == (each["state"] == REPLACED), each
        assert each["state"] not in ("undone", "rolled back") or (each["by"] and each["code"] and each["words"]), each
        assert each["commit"] and each["stage"] and each["targets"], each
