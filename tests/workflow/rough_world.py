"""An outside world as rough as the real one: operations go on by themselves once they were started, workers die
between an effect and its record, answers come late. Receipts and fences hold as they do in `activities/`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from slipway.promotion.outcomes import Answer, Outcome, broken, failed, passed, running
from tests.workflow.world import Order, Sides, World

WRITES = ("deploy", "swap", "stop_idle", "split")
OPEN_FOR = timedelta(seconds=60)
LONGEST_WRITE_S = 30.0
POLL_S = 15.0
SICK_AFTER = timedelta(seconds=40)


@dataclass
class Busy:
    """What a site is at: it ends by itself, whoever still waits for it; `refusal` says that it will have failed."""

    operation: str
    until: datetime
    effect: Callable[[], None]
    refusal: str = ""


@dataclass
class Fence:
    """The highest fence that a target has seen, and until when a write under it may be on its way."""

    fence: int
    open_until: datetime


@dataclass(frozen=True)
class Lag:
    """How one call of an activity goes slowly: `before` it does anything, `after` that (its answer is late), or
    while its write is on its way (`writing`); in `forgetting` the worker dies between the effect and its record."""

    where: str
    seconds: float = 0.0


@dataclass(frozen=True)
class WentLive:
    """A release that a site began to serve."""

    site: str
    version: str
    before: str
    operation: str
    at: datetime


async def _nobody_looks(order: Order) -> None: ...


@dataclass
class RoughWorld(World):
    """`flaws`: what is wrong with a version: crashing, bad load, sick idle, sick live, sick later (some time after it
    went live) or endless (its operations take hours). `refused_swaps`: so many of the next swaps fail. `sleepers` are
    activities that come on with time only; `written` is awaited just after a write."""

    now: Callable[[], datetime] = lambda: datetime.max
    takes_s: float = 20.0
    flaws: dict[str, str] = field(default_factory=dict)
    lags: dict[str, list[Lag]] = field(default_factory=dict)
    refused_swaps: int = 0
    busy: dict[str, Busy] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    begun: int = 0
    over: dict[str, str] = field(default_factory=dict)
    live_since: dict[str, datetime] = field(default_factory=dict)
    receipts: dict[str, Order] = field(default_factory=dict)
    fences: dict[str, Fence] = field(default_factory=dict)
    went_live: list[WentLive] = field(default_factory=list)
    environments: dict[str, Order] = field(default_factory=dict)
    written: Callable[[Order], Awaitable[None]] = _nobody_looks
    sleepers: list[tuple[datetime, asyncio.Future[None]]] = field(default_factory=list)

    async def answer_slowly(self, activity: str, order: Order) -> Answer:
        """An activity's answer. Raises RuntimeError when the worker breaks down over it."""
        lag = self.lags[activity].pop(0) if self.lags.get(activity) else Lag("")
        if lag.where == "before":
            await self._sleep(lag.seconds)
        if lag.where == "writing" and activity in WRITES and not self._is_stopped(activity, order):
            if refused := self._claimed(order, open_until=self.now() + OPEN_FOR):
                return refused
            await self._sleep(min(lag.seconds, LONGEST_WRITE_S))
            order = {**order, "despite_abort": True}  # it looked before it wrote
        begun = self.begun
        answer = self.answer(activity, order)
        if self.begun > begun:
            await self.written(order)
        if lag.where == "forgetting" and order.get("operation") in self.receipts:
            self.receipts[order["operation"]] = {}
            raise RuntimeError("the worker died before it kept what it had done")
        if lag.where == "after":
            await self._sleep(lag.seconds)
        return answer

    def answer(self, activity: str, order: Order) -> Answer:
        self.calls.append(activity)
        self.move_on()
        return super().answer(activity, order)

    def move_on(self) -> None:
        """Let end what has ended by now, and wake the activities whose time has come."""
        for site, busy in list(self.busy.items()):
            if busy.until <= self.now():
                del self.busy[site]
                self.over[busy.operation] = busy.refusal
                if not busy.refusal:
                    self.effects[busy.operation] += 1
                    busy.effect()
        due = [woken for until, woken in self.sleepers if until <= self.now()]
        self.sleepers = [each for each in self.sleepers if each[1] not in due and not each[1].done()]
        for woken in due:
            if not woken.done():
                woken.set_result(None)

    def next_due(self) -> datetime | None:
        """When the next activity or operation comes to its end."""
        ends = [until for until, woken in self.sleepers if not woken.done()]
        return min([*ends, *(busy.until for busy in self.busy.values())], default=None)

    async def _sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.now() + timedelta(seconds=seconds), woken))
        await woken

    def _is_stopped(self, activity: str, order: Order) -> bool:
        return (
            activity not in ("stop_idle", "start_idle", "stop_old_side")
            and not order.get("despite_abort")
            and self.of(order["promotion"]).aborted
        )

    def _survey_targets(self, order: Order) -> Answer:
        at_work = [target["name"] for target in order["targets"] if target["name"] in self.busy]
        if at_work:
            return running({}, 1.0, f"{', '.join(at_work)}: another operation is under way")
        return super()._survey_targets(order)

    def _deploy(self, order: Order) -> Answer:
        name, version, site = order["target"]["name"], order["version"], self._site(order["target"])

        def put() -> None:
            site.idle, site.idle_stopped = version, False

        def start(new: bool) -> Answer:
            if not new and (order["operation"] in self.over or self._at(name) == order["operation"]):
                return running({"kind": "started"}, 1.0)
            if name in self.busy:
                return running({"kind": "intended"}, 1.0, "another's deployment is under way")
            if site.idle == version and not site.idle_stopped:
                return passed(already=True)
            refusal = "the container exited with 1" if self.flaws.get(version) == "crashing" else ""
            return self._begin(name, order, put, refusal)

        def poll() -> Answer:
            if self._at(name) == order["operation"]:
                return running({"kind": "started"}, POLL_S)
            refusal = self.over.get(order["operation"], "")
            return failed("DEPLOYMENT_FAILED", refusal) if refusal else passed()

        return self._once(order, start, poll)

    def _swap(self, order: Order) -> Answer:
        name, version, site = order["target"]["name"], order["version"], self._site(order["target"])

        def exchange() -> None:
            self.went_live.append(WentLive(name, site.idle, site.live, order["operation"], self.now()))
            self.live_since[name] = self.now()
            site.live, site.idle = site.idle, site.live

        def start(new: bool) -> Answer:
            if name in self.busy:
                return running({"kind": "intended"}, 2.0, "another operation is under way")
            if site.live == version:
                return passed(already=True)
            if site.idle_stopped:
                site.idle_stopped = False
                return running({"kind": "intended"}, 2.0, "the slot was stopped; started")
            if site.idle != version:
                return broken("IDLE_HOLDS_ANOTHER", f"the slot answers {site.idle}, not {version}")
            refused = self.refused_swaps > 0
            self.refused_swaps -= refused
            return self._begin(name, order, exchange, "Azure refused the swap" if refused else "")

        def poll() -> Answer:
            if name in self.busy:
                return running({"kind": "started"}, POLL_S)
            if site.live == version:
                return passed()
            refusal = self.over.get(order["operation"], "")
            return failed("SWAP_FAILED" if refusal else "SWAP_NOT_EFFECTIVE", refusal or f"{site.live} answers")

        return self._once(order, start, poll)

    def _stop_idle(self, order: Order) -> Answer:
        if refused := self._claimed(order, open_until=self.now()):
            return refused
        self._site(order["target"]).idle_stopped = True
        return passed()

    def _start_idle(self, order: Order) -> Answer:
        return self._claimed(order, open_until=self.now()) or super()._start_idle(order)

    def _stop_old_side(self, order: Order) -> Answer:
        return self._claimed(order, open_until=self.now()) or super()._stop_old_side(order)

    def _check_health(self, order: Order) -> Answer:
        name = order["address"].removeprefix("http://").removesuffix("-idle")
        idle, site, version = order["address"].endswith("-idle"), self.sites[name], order["version"]
        if idle and site.idle_stopped:
            return failed("UNHEALTHY", "nothing answers")
        old = self.now() - self.live_since.get(name, self.now()) >= SICK_AFTER
        sick = {"sick idle": idle, "sick live": not idle, "sick later": not idle and old}
        if sick.get(self.flaws.get(version, ""), False):
            return failed("UNHEALTHY", f"{version} answers 503")
        return super()._check_health(order)

    def _drive_load(self, order: Order) -> Answer:
        self.bad_load = {version for version, flaw in self.flaws.items() if flaw == "bad load"}
        return super()._drive_load(order)

    def _begin(self, name: str, order: Order, effect: Callable[[], None], refusal: str) -> Answer:
        hours = self.flaws.get(order["version"]) == "endless"
        until = self.now() + (timedelta(hours=2) if hours else timedelta(seconds=self.takes_s))
        self.busy[name] = Busy(order["operation"], until, effect, refusal)
        self.begun += 1
        return running({"kind": "started"}, POLL_S)

    def _at(self, name: str) -> str:
        return self.busy[name].operation if name in self.busy else ""

    def _once(self, order: Order, start: Callable[[bool], Answer], poll: Callable[[], Answer]) -> Answer:
        """As `activities.once` does it."""
        handle: Order = order.get("handle") or {}
        known = self.receipts.get(order["operation"])
        if not handle:
            receipt = self.receipts.setdefault(order["operation"], {})
            if "answer" in receipt:
                return Answer.load(receipt["answer"])
            handle = receipt.get("handle", {})
        if handle.get("kind") == "started":
            answer = poll()
        else:
            answer = self._claimed(order, open_until=self.now()) or start(known is None)
        receipt = self.receipts[order["operation"]]
        if not answer.running:
            return Answer.load(receipt.setdefault("answer", answer.dump()))
        if answer.handle:
            receipt["handle"] = answer.handle
        return answer

    def _claimed(self, order: Order, open_until: datetime) -> Answer | None:
        """As `activities.once.fenced` does it: None when the write may go ahead, else why it may not."""
        name, fence = order["target"]["name"], order["fence"]
        there = self.fences.setdefault(name, Fence(fence, self.now()))
        if there.fence > fence:
            return Answer(Outcome.CANCELLED, code="FENCED", words=f"{name} is under fence {there.fence}, not {fence}")
        if there.fence < fence and there.open_until > self.now():
            return running(order.get("handle") or {}, 5.0, "a write may still be on its way")
        self.fences[name] = Fence(fence, open_until)
        return None


def three_sites() -> dict[str, Sides]:
    """One in `dev`, two in `production`, all on 1.0.0."""
    return {name: Sides() for name in ("checkout-dev", "weu", "neu")}
