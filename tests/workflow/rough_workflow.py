"""The workflow in a rough world: one event loop, no threads, virtual time, so that the same actions always come to the
same end. Nudges get lost, the host is killed in the middle of an episode, and everything that happens is observed.
"""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

from slipway.local.functions.durable.engine import ActivityFailed
from slipway.promotion.outcomes import passed
from tests.workflow import observing
from tests.workflow.rough_world import RoughWorld
from tests.workflow.virtual import Workflow, WorldFunctions, raise_nudge, start_orchestration

MOST_TURNS = 100_000


class Killed(BaseException):
    """The host dies: what it was at is not kept."""


class RoughFunctions(WorldFunctions):
    """What the engine calls: our orchestrators and entities, watched, and the activities of a rough world."""

    def __init__(self, flow: "RoughWorkflow") -> None:
        super().__init__(flow.rough)
        self._flow = flow

    def orchestrate(self, name: str, body: str) -> str:
        answer = super().orchestrate(name, body)
        if name == "stage":
            observing.of_a_stage(self._flow.seen, body, answer)
        self._flow.most_events = max(self._flow.most_events, body.count('"EventType"'))
        self._flow.die_if_it_is_time()
        return answer

    def run_entity(self, name: str, body: str) -> str:
        observing.of_an_entity(self._flow.seen, name, body)
        answer = super().run_entity(name, body)
        self._flow.die_if_it_is_time()
        return answer

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        flow, order = self._flow, json.loads(input_json)
        if name == "nudge":
            for waiter in order["waiters"]:
                await flow.nudge(waiter)
            return json.dumps(passed().dump())
        if name == "start_orchestration":
            return await start_orchestration(flow.engine, order)
        try:
            answer = await flow.rough.answer_slowly(name, order)
        except RuntimeError as error:
            raise ActivityFailed("RuntimeError", str(error)) from error
        if name == "mirror_environment" and not answer.running:
            await flow.mirror(order)
        flow.die_if_it_is_time()
        return json.dumps(answer.dump())


class RoughWorkflow(Workflow):
    """`turns`, `settle`, `wait` and `until_row` let things go on. `seen`: every transition so far. `nudges`: whether
    they arrive. `wrong`: writes on behalf of one who did not hold the lock. `state`: a file for the engine.
    """

    def __init__(self, world: RoughWorld, environments: dict[str, tuple[str, ...]], state: str) -> None:
        self.rough, self._environments = world, environments
        self.seen = observing.nothing_seen()
        self.most_events = 0
        self.nudges = "arrive"
        self.wrong: list[str] = []
        self._nudged = 0
        self._dies_in = 0
        super().__init__(world, state)
        world.now, world.written = self.clock.now, self.written

    def functions(self) -> WorldFunctions:
        return RoughFunctions(self)

    # how it goes on

    async def turns(self, n: int) -> None:
        """Let things go on for `n` turns of the event loop: somewhere in the middle of what they are at."""
        for _ in range(n):
            await asyncio.sleep(0)
        await self._rise_again()

    async def settle(self) -> None:
        """Let things go on until only time can move them."""
        for _ in range(MOST_TURNS):
            await asyncio.sleep(0)
            if self.is_quiet() and not await self._rise_again():
                return
        raise AssertionError(f"still at work: {sorted(self.engine._driven)}")

    async def wait(self, seconds: float) -> None:
        """Let time pass, from timer to timer."""
        until = self.clock.now() + timedelta(seconds=seconds)
        await self.settle()
        while (due := self.next_due()) is not None and due <= until:
            await self.move_to(due)
        await self.move_to(until)

    async def until_row(self, promotion: str, state: str, stage: str) -> None:
        """Let time pass until a stage's row says that state, and not a turn more."""
        for _ in range(MOST_TURNS):
            row = self.rough.of(promotion).rows.get(f"stage:{stage}")
            if row and row["doc"]["state"] == state:
                return
            await self.turns(1)
            if self.is_quiet():
                due = self.next_due()
                assert due is not None, f"{promotion}:{stage} was never {state}: {self.rough.actions()}"
                self.clock.advance_to(due)
                self.rough.move_on()
        raise AssertionError(f"{promotion}:{stage} was not {state} in time: {self.rough.actions()}")

    async def move_to(self, when: datetime) -> None:
        """Time jumps to `when`, and what is due then happens."""
        self.clock.advance_to(when)
        self.rough.move_on()
        await self.settle()

    def is_quiet(self) -> bool:
        """Whether only time can move anything."""
        due = self.engine.next_due()
        asleep = sum(not woken.done() for _, woken in self.rough.sleepers)
        return len(self.engine._tasks) == asleep and (due is None or due > self.clock.now())

    def next_due(self) -> datetime | None:
        """When something happens next: a timer, the end of an activity or of an operation."""
        return min((due for due in (self.engine.next_due(), self.rough.next_due()) if due), default=None)

    # how it is disturbed

    def dies_in(self, calls: int) -> None:
        """The host will be killed in so many calls of an orchestrator, entity or activity: after what it does, and
        before that is kept."""
        self._dies_in = calls

    def die_if_it_is_time(self) -> None:
        """Raises Killed."""
        self._dies_in -= 1
        if self._dies_in == 0:
            raise Killed

    async def _rise_again(self) -> bool:
        """Whether the host was killed; then it comes back."""
        failure = self.engine._failure
        if isinstance(failure, Killed):
            await self.restart()
            return True
        if failure is not None:
            raise failure
        return False

    async def nudge(self, waiter: str) -> None:
        """A nudge on its way: it arrives, is lost, arrives twice, or every other one is lost."""
        self._nudged += 1
        times = {"arrive": 1, "lost": 0, "doubled": 2, "every other lost": self._nudged % 2}[self.nudges]
        for _ in range(times):
            await raise_nudge(self.engine, waiter)

    # what the tables hold, and who writes to a target

    async def mirror(self, order: dict[str, Any]) -> None:
        """The read model's copy of a lock; an older one never takes the place of a newer one."""
        key = f"{order['environment']}--{order['service']}"
        copied = await self.entity("environment", key)
        if copied and copied["rev"] >= self.rough.environments.get(key, copied)["rev"]:
            self.rough.environments[key] = copied
            self.rough.copy_ledger(key, copied)

    async def written(self, order: dict[str, Any]) -> None:
        """A write to a target has begun: only on behalf of whoever holds its lock. Traffic that goes back to what is
        live does no harm whoever sends it: its fence keeps it from the next release."""
        if order.get("share") == 0:
            return
        target = order["target"]["name"]
        environment = next(name for name, targets in self._environments.items() if target in targets)
        holder = (await self.lock(environment))["holder"]
        if holder is None or holder["promotion"] != order["promotion"]:
            held = holder["promotion"] if holder else "nobody"
            self.wrong.append(f"{order['operation']} wrote to {target} while {held} held the lock")
