"""Looks after what the runtime lost: an orchestration that was terminated, purged, or failed tells nobody.

For whatever is watched and not over, the runtime is asked whether its orchestrations are still there; in the place of
one that is not, another is started that brings it to an end. Every start has an id that follows from what was lost, so
that looking twice, or from two places, starts it once.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from slipway.adapters.watched import Watched
from slipway.promotion.audit import AuditRecord
from slipway.promotion.ids import child_id, environment_key, shortened, stage_id
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.precedence import explained
from slipway.promotion.stage_phases import ROLLED_BACK
from slipway.promotion.stage_run import StageRun
from slipway.promotion.views import ENDS
from slipway.promotion.wide_intents import Copy, missing_copies
from triggers.rebuilding import Place, Rows, closing_run, sweeping_run

PAGE = 100
AT_ONCE = 16
QUIET = timedelta(minutes=5)  # by then whatever was on its way to an orchestration has arrived
LONGEST_REST = timedelta(hours=1)  # whoever waits for anything but a child stirs every 15 minutes
GIVEN_UP = timedelta(days=1)  # a build message is given again for two hours

_log = logging.getLogger("slipway.janitor")


@dataclass(frozen=True)
class Found:
    """An orchestration as the runtime shows it: its runtime status, and when something last happened to it."""

    status: str
    updated: datetime

    @property
    def ended(self) -> bool:
        return self.status in ("Completed", "Failed", "Terminated", "Canceled")


class Runtime(Protocol):
    """The durable runtime. `start` and `terminate` are safe to repeat."""

    async def found(self, instance: str) -> Found | None: ...
    async def given(self, instance: str) -> Any:
        """The input of the orchestration's present generation; None when it is gone."""

    async def decisions(self, promotion: str) -> dict[str, Any]: ...
    async def start(self, orchestration: str, instance: str, given: dict[str, Any]) -> None: ...
    async def terminate(self, instance: str, reason: str) -> None: ...
    async def nudge(self, waiters: list[str]) -> None: ...


class Records(Protocol):
    """What is watched, and the read model."""

    async def watched(self, after: str | None, top: int) -> list[Watched]: ...
    async def rows(self, promotion: str) -> Rows: ...
    async def locks(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(environment, service, copy of its lock)."""

    async def unwatch(self, instance: str) -> None: ...
    async def behind(self) -> bool:
        """Whether a newer package has worked here: this one's runtime leaves that one's orchestrations as they are."""

    async def audit(self, promotion: str, record: AuditRecord) -> None:
        """Keep the record; one of the same id is kept once."""


class Janitor:
    """One for the life of a process, which remembers from one look to the next what it has seen."""

    def __init__(self, runtime: Runtime, records: Records) -> None:
        self.runtime, self.records = runtime, records
        self._revs: dict[str, int] = {}
        self._still: dict[str, tuple[datetime | None, datetime]] = {}
        self._still_before = self._still
        self._lost: set[str] = set()
        self._behind = False

    async def look(self, now: datetime) -> None:
        """Once over everything. Raises ExceptionGroup for what could not be seen to; all the rest was."""
        self._behind = await self.records.behind()
        self._still_before, self._still = self._still, {}
        after, problems = None, []
        while page := await self.records.watched(after, PAGE):
            problems += await _each(self._see_to(entry, now) for entry in page)
            after = page[-1].instance
        locks = await self.records.locks()
        places = [
            Place(environment, service, entry)
            for environment, service, lock in locks
            for entry in (lock.get("holder"), *lock.get("queue", ()))
            if entry
        ]
        problems += await _each(self._see_to_place(place, now) for place in places)
        problems += await _each(self._tell_of(copy) for copy in missing_copies(locks, iso(now)))
        watches = [lock for _, _, lock in locks if lock.get("watch") and lock.get("live")]
        problems += await _each(self._see_to_watch(lock, now) for lock in watches)
        if problems:
            raise ExceptionGroup("not everything could be looked after; the next look tries again", problems)

    async def _tell_of(self, copy: Copy) -> None:
        """A lock that is newer than a stop of everything hears of it, as that person's word."""
        words = f"{copy.said['by']} has said so of all, and it came since: {explained(copy.said)}"
        order = {"operation": copy.said["kind"], "given": copy.said, "by": copy.said["oid"], "words": words}
        instance = shortened(f"intent:copy:{copy.said['id']}:{environment_key(copy.environment, copy.service)}")
        order |= {"environment": copy.environment, "service": copy.service}
        await self.runtime.start("intent", instance, order)

    async def _see_to(self, entry: Watched, now: datetime) -> None:
        if entry.instance == entry.promotion:
            await self._see_to_promotion(entry, now)
        else:
            await self._see_to_rollback(entry, now)

    async def _see_to_promotion(self, entry: Watched, now: datetime) -> None:
        id = entry.promotion
        found, decisions = await self.runtime.found(id), await self.runtime.decisions(id)
        await self._wake(id, decisions)
        stages = decisions.get("stages", {})
        left = [name for name, stage in stages.items() if not stage.get("over")]
        for name in left:
            instance = stage_id(id, name)
            stage = await self.runtime.found(instance)
            begun = found is None or found.ended or self._rests(instance, found, now)
            if stage.ended if stage else begun:
                await self._replace(instance, id, name, entry)
            elif stage:
                await self._see_to_children(instance, stage, now)
        if found and not found.ended:
            # A runtime with a long backlog rests for minutes with what it has heard; an hour is no backlog.
            if stages and not left and self._rests(id, found, now, LONGEST_REST):
                await self.runtime.terminate(id, "its stages are over, and it has not heard so")
            return
        rows = await self.records.rows(id)
        intake = rows.get("intake", {}).get("state")
        waits_for_its_message = found is None and intake in (None, "new") and now - entry.since < GIVEN_UP
        if (intake is None and not waits_for_its_message) or (intake == "ended" and not left):
            await self._forget(entry)
        elif intake != "ended" and not waits_for_its_message:
            words = f"the orchestration of the promotion was {found.status.lower() if found else 'purged'}"
            _log.warning("%s: %s, and the promotion is not over", id, words)
            run = closing_run(entry, rows, await self.runtime.given(id), words)
            await self.runtime.start("promotion", id, run.dump())

    async def _see_to_rollback(self, entry: Watched, now: datetime) -> None:
        found = await self.runtime.found(entry.instance)
        if found and not found.ended:
            await self._see_to_children(entry.instance, found, now)
            return
        rows = await self.records.rows(entry.promotion)
        # A rollback has a row of its own until it is done, and the stage's from then on.
        kept = [row for prefix in ("stage:", "rollback:") for key, row in rows.items() if key.startswith(prefix)]
        row = next((row for row in kept if row["instance"] == entry.instance), None)
        if row is None:
            if found is not None or now - entry.since >= QUIET:
                await self._forget(entry)  # it never said anything, and what it holds or waits for is seen to as such
        elif row["state"] in {*ENDS, ROLLED_BACK} or await self._replace(
            entry.instance, entry.promotion, row["name"], entry
        ):
            await self._forget(entry)

    async def _see_to_place(self, place: Place, now: datetime) -> None:
        """Who holds a lock, or waits for it."""
        instance = place.entry["holder"]
        found = await self.runtime.found(instance)
        if found.ended if found else self._rests(instance, None, now):
            await self._replace(instance, place.entry["promotion"], place.entry["stage"], place, again=True)

    async def _see_to_watch(self, lock: dict[str, Any], now: datetime) -> None:
        """The watch of a release after its stage, and after its time while it contracts the database. One that was
        terminated begins again where it was; where that cannot be, a person hears that nobody watches."""
        watch, contract = lock["watch"], (lock.get("schema") or {}).get("contract") or {}
        instance, until = watch["id"], contract.get("until", watch["until"])
        found = await self.runtime.found(instance)
        if now >= moment(until) or (found and found.status == "Completed"):
            return
        if found and not found.ended:
            if self._rests(instance, found, now, LONGEST_REST):  # it stirs every 15 minutes
                await self.runtime.terminate(instance, "what it waits for is no more")
            return
        given = await self.runtime.given(instance) if found and found.status != "Failed" else None
        if given is not None:
            _log.warning("%s was ended from outside; it begins again", instance)
            await self.runtime.start("release_watch", instance, given)
        elif (found or self._rests(instance, None, now)) and instance not in self._lost:
            await self.records.audit(lock["live"]["promotion"], _lost_watch(watch, found, now))
            self._lost.add(instance)

    async def _see_to_children(self, instance: str, stage: Found, now: datetime) -> None:
        """A stage hears nothing of a child that was purged. It stirs every 15 minutes, as do its approval and its ramp,
        unless it waits for operations, and those have deadlines; so who rests for longer waits for nothing, and is
        ended."""
        if now - stage.updated < LONGEST_REST:
            return
        run = StageRun.load(await self.runtime.given(instance))
        below = ("approval", "switch-approval", "ramp", "rollback")
        children = [child_id(instance, name, str(run.attempt)) for name in below]
        for child in (*children, *(child_id(instance, "back", ring) for ring in run.takes_back)):
            found = await self.runtime.found(child)
            if found and not found.ended:
                instance, stage = child, found
        if self._rests(instance, stage, now, LONGEST_REST + timedelta(seconds=run.plan.longest_operation_s)):
            await self.runtime.terminate(instance, "what it waits for is no more")

    async def _replace(
        self, instance: str, promotion: str, stage: str, known: Watched | Place, again: bool = False
    ) -> bool:
        """Start what stands in the place of a stage's orchestration. Whether such a one has been there and is over
        (`again`: then once more)."""
        heir = child_id(instance, "sweep")
        while (there := await self.runtime.found(heir)) and there.ended and there.status != "Completed":
            instance, heir = heir, child_id(heir, "sweep")
        if there and not (there.ended and again):
            return there.ended
        _log.warning("%s is no more; %s stands in its place", instance, heir)
        given, rows = await self.runtime.given(instance), await self.records.rows(promotion)
        run = sweeping_run(instance, heir, promotion, stage, known, rows, given)
        await self.runtime.start("stage", heir, run.dump())
        return False

    async def _wake(self, promotion: str, decisions: dict[str, Any]) -> None:
        """Whoever decides nudges; if that was lost, with its process say, the next look makes up for it."""
        rev = decisions.get("rev", 0)
        if decisions.get("waiters") and self._revs.get(promotion) != rev:
            await self.runtime.nudge(decisions["waiters"])
        self._revs[promotion] = rev

    def _rests(self, instance: str, found: Found | None, now: datetime, patience: timedelta | None = None) -> bool:
        """Whether nothing has happened to it (or it has been away) for so long, QUIET when left out, though an operator
        has not suspended it, and it does not wait for a newer package. The looks must have seen so for a while: after
        an outage everything takes a moment to go on."""
        if found and (found.status == "Suspended" or self._behind):
            return False
        updated = found.updated if found else None
        before, since = self._still_before.get(instance, (updated, now))
        self._still[instance] = updated, since if before == updated else now
        seen_for = now - self._still[instance][1]
        return seen_for >= QUIET and (updated is None or now - updated >= (QUIET if patience is None else patience))

    async def _forget(self, entry: Watched) -> None:
        await self.records.unwatch(entry.instance)
        self._revs.pop(entry.promotion, None)


def _lost_watch(watch: dict[str, Any], found: Found | None, now: datetime) -> AuditRecord:
    how = found.status.lower() if found else "purged"
    words = (
        f"a person must look: the watch of {watch['version']} was {how}, and nobody watches it until {watch['until']}"
    )
    evidence = {"calls": True, "code": "WATCH_LOST"}
    return AuditRecord(f"{watch['id']}:lost", now, "slipway", "watch.lost", words=words, evidence=evidence)


async def _each(things: Iterable[Coroutine[Any, Any, None]]) -> list[Exception]:
    """Do all, some at a time. Returns what went wrong."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(thing: Coroutine[Any, Any, None]) -> None:
        async with room:
            await thing

    ended = await asyncio.gather(*(one(thing) for thing in things), return_exceptions=True)
    return [each for each in ended if isinstance(each, Exception)]
