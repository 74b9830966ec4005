"""What keeps a build from its work in a stage: the rules of the promotion, and those of the environment's lock.

Pure. Each rule stands here once: the entities `decisions` and `environment` act on the first barrier, `may_promote`
tells all of them. A barrier is a stable `code` and what is in the way, as the entity's state has it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

from slipway.promotion import ledger, precedence
from slipway.promotion.barrier import Barrier as Barrier  # beside the rules
from slipway.promotion.database_schema import OUT_OF_RANGE, against_switch, against_way_back
from slipway.promotion.outcomes import Outcome, moment

State = Mapping[str, Any]
ABORTED, PAUSED, PAUSE_OVER = "ABORTED", "PAUSED", "PAUSE_OVER"
NEED_NOT_PASSED, NEED_NOT_OVER = "NEED_NOT_PASSED", "NEED_NOT_OVER"
LOCK_BROKEN, BEHIND, SUPERSEDED, IGNORED = "LOCK_BROKEN", "BEHIND", "SUPERSEDED", "IGNORED"
REJECTED = precedence.REJECTED
SCHEMA = OUT_OF_RANGE
LOCK_TAKEN, QUEUED_BEHIND = "LOCK_TAKEN", "QUEUED_BEHIND"
CONTRACTING = "DATABASE_CONTRACTING"
SUPERSEDE, QUEUE, IGNORE = "supersede", "queue", "ignore"
LATEST, EACH = "latest", "each"


def in_the_promotion(decisions: State, stage: State) -> Iterator[Barrier]:
    """What the promotion's own state has against a `stage` that would begin its work.

    `stage`: its needs, at, and `past_pause` where a pause does not count, because what is under way goes on.
    """
    if decisions["aborted"]:
        yield Barrier(ABORTED, decisions["aborted"])
    needs = [{**decisions["stages"].get(name, {}), "name": name} for name in stage.get("needs", ())]
    yield from (Barrier(NEED_NOT_PASSED, each) for each in needs if _missed(each))
    yield from (Barrier(NEED_NOT_OVER, each) for each in needs if not each.get("over"))
    paused = decisions["paused"]
    if paused and not stage.get("past_pause"):
        over = moment(stage["at"]) >= moment(paused["until"])
        yield Barrier(PAUSE_OVER if over else PAUSED, paused)


def at_the_lock(lock: State, build: State) -> Iterator[Barrier]:
    """What keeps `build` from the lock; nothing when it has it. The lock grants exactly when there is nothing.

    `build`: holder (the stage's instance id), promotion, version, finished_at, received_at, on_newer_build, at,
    goes_back; `schema` and `migrates` where the build declares the one and the stage does the other; `in_group` where
    the lock is that of a member of its group; what `precedence.against` has of the rest.
    """
    holder = lock["holder"]
    if holder and holder["holder"] == build["holder"]:
        return
    if lock["broken"]:
        yield Barrier(LOCK_BROKEN, lock["broken"])
    if behind_live(lock, build):
        yield Barrier(BEHIND, lock["live"])
    yield from overtaken(lock, build)
    if not build.get("goes_back"):
        yield from precedence.against(lock, build)
    if holder:
        yield Barrier(LOCK_TAKEN, holder)
    if not build.get("goes_back") and (contract := contract_at_work(lock, build["at"])):
        yield Barrier(CONTRACTING, contract)
    yield from (Barrier(QUEUED_BEHIND, entry) for entry in _ahead(lock, build))
    if words := beyond_the_schema(lock, build):
        yield Barrier(SCHEMA, {"words": words})


def beyond_the_schema(lock: State, build: State) -> str:
    """Why the build, or the release that it goes back to, must not meet the database, in words; empty when it may."""
    if build.get("goes_back"):
        return against_way_back(lock)
    if build.get("in_group"):
        return _against_member(lock, build["version"])
    declared, migrates = build.get("schema"), bool(build.get("migrates"))
    return against_switch(lock.get("schema"), build["version"], declared, lock["live"], migrates)


def _against_member(lock: State, version: str) -> str:
    """What the lock of a member knows against the version of it that a group brings, which declares nothing of the
    member's database: only what was released here before can be judged."""
    database, live = lock.get("schema"), lock["live"] or {}
    if live.get("version") == version or not (database or live.get("schema")):
        return ""
    if declared := ledger.declared(lock.get("releases", ()), version):
        return against_switch(database, version, declared, live, migrates=False)
    words = f"its builds say on which versions of their database they run, and a group says nothing of {version}"
    return f"{words}: release it by its own pipeline"


def contract_at_work(lock: State, at: str) -> dict[str, Any] | None:
    """The contract of the database that the watch of what is live runs: nobody deploys until it has ended. One that has
    not said so by its `until` counts no more; what it may have come to still does."""
    contract = (lock.get("schema") or {}).get("contract")
    return contract if contract and moment(at) < moment(contract["until"]) else None


def behind_live(lock: State, build: State) -> bool:
    """Whether a newer build than this one is live already."""
    live = lock["live"]
    return bool(live and live["promotion"] != build["promotion"] and is_newer(live, build))


def overtaken(lock: State, build: State) -> Iterator[Barrier]:
    """The other build for whose sake this one has to go, by its own pipeline's `on_newer_build`."""
    others = [entry for entry in lock["announced"] if entry["promotion"] != build["promotion"]]
    newer = [entry for entry in others if is_newer(entry, build)]
    older = [entry for entry in others if is_newer(build, entry)]
    mode = build.get("on_newer_build", QUEUE)
    if mode in (SUPERSEDE, LATEST) and newer:
        yield Barrier(SUPERSEDED, newer[-1])
    elif mode == IGNORE and older:
        yield Barrier(IGNORED, older[0])


def is_newer(one: State, other: State) -> bool:
    return age(one) > age(other)


def age(build: State) -> tuple[datetime, datetime]:
    """What orders builds: when CI finished them, then when their messages were taken in."""
    return moment(build["finished_at"]), moment(build.get("received_at") or build["finished_at"])


def _missed(need: State) -> bool:
    return bool(need.get("over") and need["outcome"] != Outcome.PASSED)


def _ahead(lock: State, build: State) -> list[dict[str, Any]]:
    """Whose turn is before: the older builds', and of two of one age theirs who asked first; not of those who wait for
    what this one need not wait for. Where each has its turn, also of those who wait for people before they ask."""
    me, queue = build["holder"], lock["queue"]
    if any(entry["holder"] == me for entry in queue):
        before = list(takewhile(lambda entry: entry["holder"] != me, queue))
    else:
        before = [entry for entry in queue if not is_newer(entry, build)]
    if build.get("on_newer_build") == EACH:
        known = {entry["holder"] for entry in (*queue, lock["holder"] or {"holder": me})}
        announced = [entry for entry in lock["announced"] if entry["holder"] not in known]
        before = sorted([*before, *(entry for entry in announced if is_newer(build, entry))], key=age)
    return [entry for entry in before if not _is_kept(entry, build["at"])]


def _is_kept(entry: State, at: str) -> bool:
    return "kept_until" in entry and moment(at) < moment(entry["kept_until"])
