"""Where the database of an environment is, kept at its lock: said before a migration begins, and after it ended well.

Whoever changes it says so first, so that nobody goes back meanwhile to code that cannot read what comes. Only the
holder of the lock does, or the watch of what is live.
"""

from typing import Any

from slipway.promotion import ledger

State = dict[str, Any]
Answer = dict[str, Any]
Given = dict[str, Any]


def migrates(state: State, given: Given) -> tuple[State, Answer]:
    """A migration `towards` a version begins. `given`: towards, at, and holder with fence, or by_watch. Answers `go`,
    `there` when it is that far already, or `not yours`."""
    if not _may(state, given):
        return state, {"lock": "not yours", "nudge": []}
    there = state.get("schema") or {}
    if not there.get("towards") and there.get("version", 0) >= given["towards"]:
        return state, {"lock": "there", "nudge": []}
    kept = {**there, "towards": given["towards"], "at": given["at"]}
    return {**state, "schema": kept}, {"lock": "go", "nudge": []}


def migrated(state: State, given: Given) -> tuple[State, Answer]:
    """It has ended well: the database is at `version`. `given` as above, with promotion. After a contract what is live
    says so in the ledger."""
    if not _may(state, given):
        return state, {"lock": "not yours", "nudge": []}
    kept = {key: given[key] for key in ("version", "at", "promotion")}
    rev: int = state["rev"] + 1
    releases = state.get("releases", [])
    if given.get("by_watch"):
        releases = ledger.with_database(releases, given["version"], rev)
    return {**state, "schema": kept, "releases": releases}, {"lock": "go", "nudge": []}


def _may(state: State, given: Given) -> bool:
    if state["broken"]:
        return False
    if given.get("by_watch"):
        return any((state.get(key) or {}).get("id") == given["by_watch"] for key in ("watch", "aside"))
    holder = state["holder"]
    return bool(holder and holder["holder"] == given["holder"] and holder["fence"] == given["fence"])


OPERATIONS = {"migrates": migrates, "migrated": migrated}
