"""Where an environment could go back to right now, and how fast. Pure, from the state of its lock.

A deployment takes the idle side, so the reach is one release, and ends with the next deployment. A blue-green stage
stops the old side when it has kept it for long enough: the way back takes longer from then on, and is there.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from slipway.promotion.database_schema import against_way_back, before_of
from slipway.promotion.release_parts.before import would_bring
from slipway.promotion.release_parts.known import leads_to

SECONDS, MINUTES, NONE = "seconds", "minutes", "none"
HOW = (SECONDS, MINUTES, NONE)  # the shortest way first


@dataclass(frozen=True)
class Reach:
    """`version` is what would serve again (empty: nothing), `how` soon after somebody says so. `until`: when that
    changes by itself, or empty. `brings` and `leaves`: in words what of the release before would come back, and what
    not."""

    how: str
    version: str = ""
    until: str = ""
    words: str = ""
    brings: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()

    def dump(self) -> dict[str, Any]:
        return asdict(self)


def reach_of(lock: dict[str, Any]) -> Reach:
    """The reach by what a lock knows: what is live, what was before it, and whether its side still stands."""
    reach = _of_the_code(lock)
    if reach.how == NONE:
        return reach
    told = would_bring(*leads_to(lock))
    return replace(reach, brings=(f"code {reach.version}", *told.brings), leaves=told.leaves)


def _of_the_code(lock: dict[str, Any]) -> Reach:
    live = lock["live"]
    before = _before(lock)
    if not live or not before:
        return Reach(NONE, words="there was no release here before")
    if lock["broken"]:
        return Reach(NONE, before, words="the lock is broken: a person must look first")
    if lock["holder"]:
        return Reach(NONE, before, words=f"{lock['holder']['version']} is on its way there and has the lock")
    if live.get("old_side_gone"):
        return Reach(NONE, before, words=f"a later deployment took the side on which {before} stood")
    if beyond := against_way_back(lock):
        return Reach(NONE, before, words=beyond)
    if not _is_proven(lock):
        return Reach(NONE, before, words=f"{before} was never proven here")
    if stopped := live.get("old_side_stopped"):
        words = f"its side was stopped at {stopped}: it is started first, then switched to, until the next deployment"
        return Reach(MINUTES, before, words=words)
    watch = lock.get("watch") or {}
    if watch.get("stops"):
        words = "its side stands ready; then it is stopped, and a way back takes minutes, until the next deployment"
        return Reach(SECONDS, before, watch["until"], words)
    return Reach(SECONDS, before, words="its side stands ready, until the next deployment")


def reach_among(lock: dict[str, Any], beside: Mapping[str, dict[str, Any]]) -> Reach:
    """The same where `lock` may be that of a group, or of a member whose release came with one: they go back as one, so
    it is the worst of all. `beside`: the locks of all services there."""
    live = lock["live"] or {}
    if live.get("members"):
        return _reach_of_group(lock, beside)
    group = beside.get(live.get("group", ""))
    if group is None or (group["live"] or {}).get("promotion") != live["promotion"]:
        return reach_of(lock)
    whole, own = _reach_of_group(group, beside), reach_of(lock)
    return replace(whole, version=own.version, words=f"with {live['group']}, as one: {whole.words}")


def _reach_of_group(lock: dict[str, Any], beside: Mapping[str, dict[str, Any]]) -> Reach:
    live, found = lock["live"], [reach_of(lock)]
    for service, version in live["members"].items():
        there = beside.get(service)
        serves = (there or {}).get("live") or {}
        if there and serves.get("promotion") == live["promotion"]:
            its = reach_of(there)
            found.append(replace(its, words=f"{service}: {its.words}"))
        elif serves.get("version") != version:
            words = (
                f"{service} serves {serves.get('version') or 'nothing that is known'} by itself: take that back first"
            )
            found.append(Reach(NONE, words=words))
    worst = max(found, key=lambda each: HOW.index(each.how))
    untils = [each.until for each in found if each.until]
    return replace(worst, version=found[0].version, until=min(untils) if untils and worst.how != NONE else "")


def _before(lock: dict[str, Any]) -> str:
    before = before_of(lock)
    return str(before["version"]) if before else ""


def _is_proven(lock: dict[str, Any]) -> bool:
    """What was there before Slipway came is taken to be good."""
    return bool(not lock["previous"] or lock["previous"][0]["proven"])
