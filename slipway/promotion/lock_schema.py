"""Where the database of an environment is, kept at its lock: said before a migration begins, and after it ended well.

Whoever changes it says so first, so that nobody goes back meanwhile to code that cannot read what comes. Only the
holder of the lock does, or the watch of what is live while nobody holds it: its contract is noted beside the version,
and builds wait for its end as for a holder's.
"""

from typing import Any

from slipway.promotion import ledger

State = dict[str, Any]
Answer = dict[str, Any]
Given = dict[str, Any]


def migrates(state: State, given: Given) -> tuple[State, Answer]:
    """A migration `towards` a version begins. `given`: towards, at, and holder with fence, or by_watch with promotion
    and until. Answers `go`, `there` when it is that far already, or `not yours`."""
    if not _may_begin(state, given):
        return state, {"lock": "not yours", "nudge": []}
    there = state.get("schema") or {}
    if there.get("version", 0) >= given["towards"]:
        return state, {"lock": "there", "nudge": []}
    kept = {**there, "towards": max(there.get("towards", 0), given["towards"]), "at": given["at"]}
    if given.get("by_watch"):
        told = {"by": given["by_watch"], "since": given["at"]}
        kept["contract"] = {**told, **{key: given[key] for key in ("towards", "promotion", "until")}}
    return {**state, "schema": kept}, {"lock": "go", "nudge": []}


def migrated(state: State, given: Given) -> tuple[State, Answer]:
    """It has ended well: the database is at `version`. `given` as above, with promotion. What had been on its way
    beyond that, and not come there, stays in doubt. After a contract what is live says so in the ledger."""
    there, by_watch = state.get("schema") or {}, given.get("by_watch")
    if not (_contracts(state, by_watch) if by_watch else _holds(state, given)):
        return state, {"lock": "not yours", "nudge": []}
    version, towards = max(there.get("version", 0), given["version"]), there.get("towards", 0)
    kept = {"version": version, "at": given["at"], "promotion": given["promotion"]}
    kept |= {"towards": towards} if towards > version else {}
    if not by_watch:
        kept |= {"contract": there["contract"]} if there.get("contract") else {}
        return {**state, "schema": kept}, {"lock": "go", "nudge": []}
    live, releases = state["live"], state.get("releases", [])
    if live and live["promotion"] == given["promotion"]:
        releases = ledger.with_database(releases, version, state["rev"] + 1)
    return {**state, "schema": kept, "releases": releases}, {"lock": "go", "nudge": _first(state)}


def without_contract(state: State, watch: str) -> tuple[State, list[str]]:
    """After the end of the watch, however its contract ended: nobody waits for it any more. And whom to wake."""
    if not _contracts(state, watch):
        return state, []
    kept = {key: value for key, value in state["schema"].items() if key != "contract"}
    return {**state, "schema": kept}, _first(state)


def _may_begin(state: State, given: Given) -> bool:
    if not given.get("by_watch"):
        return _holds(state, given)
    return bool((state.get("watch") or {}).get("id") == given["by_watch"])  # a holder has set it aside


def _holds(state: State, given: Given) -> bool:
    holder = state["holder"]
    return bool(holder and holder["holder"] == given["holder"] and holder["fence"] == given["fence"])


def _contracts(state: State, watch: str) -> bool:
    contract = (state.get("schema") or {}).get("contract") or {}
    return bool(contract.get("by") == watch)


def _first(state: State) -> list[str]:
    """Who waits for it first: what keeps that one out is told to the next."""
    return [entry["holder"] for entry in state["queue"][:1]]


OPERATIONS = {"migrates": migrates, "migrated": migrated}
