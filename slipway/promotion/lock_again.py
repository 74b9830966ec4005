"""A version that is live already, and comes again: what the lock keeps of its release of before.

It is the same version, so what that release replaced is still what a way back leads to; and when the new one is undone
by its own stage, the targets serve what they did, so that the release of before is live again. Pure, on the lock's
state: `again` is what was `live` and its ledger's entry, `switched_under` the fence under which that was last told.
"""

from collections.abc import Sequence
from typing import Any

from slipway.promotion import ledger
from slipway.promotion.release_parts.flag_wish import ChangedFlag

State = dict[str, Any]
Given = dict[str, Any]
OF_THE_OLD_SIDE = ("old_side_stopped", "old_side_gone")


def noted(state: State, given: Given) -> State:
    """Before a switch is told: the release that it finds live, if that is of the same version. A switch may be told in
    parts, under one fence: the first counts."""
    if state.get("switched_under") == given["fence"]:
        return state
    live, entry = state["live"], ledger.live_entry(state.get("releases", []))
    same = bool(live and live["version"] == given["release"]["version"])
    return {**state, "switched_under": given["fence"], "again": {"live": live, "entry": entry} if same else None}


def forgotten(state: State) -> State:
    """After the lock came back: nothing is undone any more."""
    return {key: value for key, value in state.items() if key != "again"}


def replacing(release: dict[str, Any], live: dict[str, Any] | None) -> dict[str, Any]:
    """The release with what it replaces: where the same version served, what that had replaced."""
    if not live or live["version"] != release["version"]:
        return release
    before, brings = live.get("replaced") or {}, {release["version"], *release.get("members", {}).values()}
    replaced = {
        target: before.get(target, version) if version in brings else version
        for target, version in (release.get("replaced") or {}).items()
    }
    return {**release, "replaced": replaced, **{key: live[key] for key in OF_THE_OLD_SIDE if live.get(key)}}


def with_flags_of(live: dict[str, Any], same: dict[str, Any]) -> dict[str, Any]:
    """The release with the flags that it changed when the `same` version was switched to before."""
    own = live.get("changed_flags", [])
    names = {(each["name"], each["label"]) for each in own}
    kept = [each for each in same.get("changed_flags", []) if (each["name"], each["label"]) not in names]
    return {**live, "changed_flags": [*kept, *own]} if kept or own else live


def without_flags(state: State, given: Given) -> State:
    """What is live, with the flags that it still has changed: not those that a way back, half-way, has put back."""
    back = given.get("flags_back", ())
    if not back or not state["live"]:
        return state
    releases = [each if each["until"] else _without(each, back) for each in state.get("releases", [])]
    return {**state, "live": _without(state["live"], back), "releases": releases}


def _without(release: dict[str, Any], back: Sequence[str]) -> dict[str, Any]:
    changed = [each for each in release.get("changed_flags", []) if ChangedFlag.load(each).where not in back]
    return {**release, "changed_flags": changed}


def undone(state: State, given: Given, rev: int) -> State | None:
    """The state once the new release was undone: that of before, and why in the ledger beside it. What spoke `against`
    it speaks against the same version: it is not proven any more. None where there is none of the same version, or
    both are taken back."""
    again = state.get("again")
    if not again or given["as"] != ledger.UNDONE:
        return None
    live, releases = again["live"], state.get("releases", [])
    if given.get("against", True):
        live = {**live, "proven": False}
    if again["entry"]:
        entry = again["entry"] if live["proven"] else ledger.unproven(again["entry"])
        releases = ledger.with_entry_of_before(releases, entry, given, rev)
    return {**state, "live": live, "releases": releases}
