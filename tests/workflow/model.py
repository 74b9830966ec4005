"""Promotions in a rough world, driven one action at a time, and what must hold whatever the order of the actions.

Everything runs on one event loop, without threads and in virtual time, so that the same actions always come to the
same end. An action returns at once; `turns` and `wait` let things go on.
"""

import asyncio
import json
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from slipway.local.functions.durable.engine import ActivityFailed, RpcRequest
from slipway.local.functions.durable.model import Selection
from slipway.promotion.approval import APPROVE, Person, Vote
from slipway.promotion.build import Build
from slipway.promotion.ids import child_id, stage_id
from slipway.promotion.outcomes import Outcome, iso, moment, passed
from slipway.promotion.plan import LoadTest, StagePlan, Target
from slipway.promotion.stage_run import LOCK, ROLLED_BACK, StageRun
from tests.promotion.builders import ALICE, BOB, CAROL, NOON, a_build, a_policy, a_stage
from tests.workflow import observing
from tests.workflow.ledgers import check_ledger
from tests.workflow.rough_world import RoughWorld, three_sites
from tests.workflow.virtual import Workflow, WorldFunctions, raise_nudge

DAVE = Person("oid-dave", "Dave", roles=("approver", "release-manager"))
PEOPLE = {person.name: person for person in (ALICE, BOB, CAROL, DAVE)}  # Bob writes the builds, Carol may not approve
ENVIRONMENTS = {"dev": ("checkout-dev",), "production": ("weu", "neu")}
LOAD = LoadTest("peak", rate_per_s=40, duration_s=4, path="/", p95_ms=300, error_rate=0.02, against="previous")
LONGEST = timedelta(days=30)
MOST_EVENTS = 200
MOST_TURNS = 100_000


class AtOnce(Executor):
    """Runs what it is given before it answers: no thread, and so no chance in the order of things."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as problem:  # noqa: BLE001 - it belongs to whoever waits for the future
            future.set_exception(problem)
        return future


class RoughFunctions(WorldFunctions):
    """What the engine calls: our orchestrators and entities, watched, and the activities of a rough world."""

    def __init__(self, model: "Model") -> None:
        super().__init__(model.world)
        self._model = model

    def orchestrate(self, name: str, body: str) -> str:
        answer = super().orchestrate(name, body)
        if name == "stage":
            observing.of_a_stage(self._model.seen, body, answer)
        self._model.most_events = max(self._model.most_events, body.count('"EventType"'))
        return answer

    def run_entity(self, name: str, body: str) -> str:
        observing.of_an_entity(self._model.seen, name, body)
        return super().run_entity(name, body)

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        model, order = self._model, json.loads(input_json)
        if name == "nudge":
            for waiter in order["waiters"]:
                await model.nudge(waiter)
            return json.dumps(passed().dump())
        begun = model.world.begun
        try:
            answer = await model.world.answer_slowly(name, order)
        except RuntimeError as error:
            raise ActivityFailed("RuntimeError", str(error)) from error
        finally:
            if model.world.begun > begun:
                await model.written(order)
        if name == "mirror_environment" and not answer.running:
            await model.mirror(order)
        return json.dumps(answer.dump())


class RoughWorkflow(Workflow):
    def __init__(self, model: "Model", state: str) -> None:
        self._model = model
        super().__init__(model.world, state)

    def functions(self) -> WorldFunctions:
        return RoughFunctions(self._model)

    def _engine(self) -> Any:
        engine = super()._engine()
        engine._pool = engine._orchestrations._pool = engine._entities._pool = AtOnce()
        return engine


@dataclass(frozen=True)
class Cast:
    """A vote that its promotion took, in answer to the asking of which attempt."""

    vote: Vote
    asked: str


class Model:
    """`submit`, `vote`, `tell`, `roll_back`, `hold`, `lift`, `restart`, … are what may happen; `check` and
    `check_the_end` say what must hold. `state`: a file for the engine."""

    def __init__(self, state: str) -> None:
        self.world = RoughWorld(three_sites())
        self.flow = RoughWorkflow(self, state)
        self.world.now = self.flow.clock.now
        self.seen = observing.nothing_seen()
        self.most_events = 0
        self.nudges = "arrive"
        self.builds: dict[str, Build] = {}
        self.stages: dict[str, tuple[StagePlan, ...]] = {}
        self.casts: dict[str, list[Cast]] = {}
        self.touched: set[str] = set()
        self._nudged = 0
        self._commands = 0
        self._fences = dict.fromkeys(ENVIRONMENTS, 0)
        self._checked = 0
        self._wrong: list[str] = []
        self.broken: set[str] = set()
        self.terminated: set[str] = set()
        self.first = dict.fromkeys(ENVIRONMENTS, "1.0.0")

    async def __aenter__(self) -> "Model":
        await self.flow.engine.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.flow.engine.stop()

    @property
    def now(self) -> datetime:
        return self.flow.clock.now()

    def states(self, promotion: str) -> list[str]:
        """The states of its stages, as their rows say."""
        rows = self.world.of(promotion).rows.items()
        return [row["doc"]["state"] for key, row in rows if key.startswith("stage:")]

    def nothing_is_live(self, environment: str) -> None:
        """The environment is new: whatever comes there is its first release. Before any build only."""
        self.first[environment] = ""
        for name in ENVIRONMENTS[environment]:
            self.world.sites[name].live = ""

    # what CI and people do

    async def submit(
        self,
        version: str,
        stages: Iterable[str] = ENVIRONMENTS,
        *,
        finished: float = 0,
        flaw: str = "",
        mode: str = "queue",
        at_least: int = 1,
        load: bool = False,
    ) -> str:
        """A build that CI finished `finished` minutes after noon begins its way through some of the stages."""
        build = a_build(version, finished_at=NOON + timedelta(minutes=finished))
        if flaw:
            self.world.flaws[version] = flaw
        names = list(stages)
        plans = {
            "dev": a_stage("dev", bake_s=60, retry_within_s=7200, loads=(LOAD,) if load else ()),
            "production": a_stage(
                "production",
                tuple(name for name in names if name == "dev"),
                approval=a_policy(at_least=at_least, within_s=7200),
                targets=tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in ("weu", "neu")),
                bake_s=120,
                retry_within_s=3600,
            ),
        }
        chosen = tuple(replace(plans[name], on_newer_build=mode) for name in names)
        if build.promotion not in self.builds:
            self.builds[build.promotion], self.stages[build.promotion] = build, chosen
        received_at = self.now + timedelta(microseconds=len(self.builds))
        await self.flow.begin(build, *chosen, token=self._key(), received_at=received_at)
        return build.promotion

    async def vote(
        self, promotion: str, person: str, decision: str = APPROVE, *, late_s: float | None = None, key: str = ""
    ) -> int:
        """A person's yes or no to production, at this moment, or so many seconds after its deadline."""
        before = (await self._decisions(promotion)).get("stages", {}).get("production", {})
        at = self.now
        if late_s is not None and "deadline" in before:
            at = moment(before["deadline"]) + timedelta(seconds=late_s)
        vote = Vote(PEOPLE[person], decision, at, author_oid=BOB.oid)
        given = {"command": f"{person}:{key or self._key()}", "stage": "production", "vote": vote.dump()}
        status, known = await self._decide(promotion, "vote", given)
        after = (await self._decisions(promotion)).get("stages", {}).get("production", {})
        if status == 200 and not known:
            self.casts.setdefault(promotion, []).append(Cast(vote, after["asked"]))
        return status

    async def tell(
        self, promotion: str, command: str, *, key: str = "", stage: str = "", mark: bool = True, ago_s: float = 0
    ) -> int:
        """`abort`, `retry`, `pause` or `resume`. Without `mark` whoever takes an abort dies before he marks the row."""
        at = iso(self.now - timedelta(seconds=ago_s))
        given = {"command": f"Alice:{key or self._key()}", "by": "Alice", "at": at, "reason": ""}
        status, _ = await self._decide(promotion, command, {**given, "stage": stage})
        if command == "abort" and status == 200 and mark:
            kept = self.world.of(promotion)
            kept.aborted = True
            for name, row in kept.rows.items():
                for step in row["doc"]["steps"] if name.startswith("stage:") else ():
                    if step["state"] == "running":
                        await self.nudge(step["operation"])
        return status

    async def roll_back(self, promotion: str, stage: str, by: str = "Alice", reason: str = "") -> bool:
        """As the trigger does it: by what the read model says."""
        build, row = self.builds[promotion], self.world.environments.get(f"{stage}--checkout")
        plans = [plan for plan in self.stages[promotion] if plan.name == stage]
        live = row and row["live"]
        if not plans or not live or live["promotion"] != promotion or not live["proven"]:
            return False
        instance = child_id(stage_id(promotion, stage), "back", self._key())
        received_at = str(self.world.of(promotion).rows["promotion"]["doc"]["received_at"])
        run = StageRun(promotion, instance, plans[0], build, "", received_at, phase=LOCK, goes_back=True)
        run = replace(run, asked_by=by, reason=reason)
        await self.flow.post(f"orchestrators/stage/{instance}", json.dumps(run.dump()))
        return True

    async def hold(self, environment: str, minutes: float) -> str:
        id = f"{environment}.checkout.{self._key()}"
        expires_at = iso(self.now + timedelta(minutes=minutes))
        given = {"id": id, "by": "Dave", "reason": "stocktaking", "at": iso(self.now), "expires_at": expires_at}
        await self._intend("hold", environment, given)
        return id

    async def lift(self, environment: str, id: str = "broken") -> None:
        """Take a hold back; or open a lock that a rollback left broken."""
        if id == "broken" and (await self.flow.lock(environment)).get("broken"):
            self.touched.add(environment)
        await self._intend("lift", environment, {"id": id})

    # what happens to the machinery

    async def restart(self) -> None:
        """The host is killed, whatever it is at, and comes back."""
        await self.flow.restart()

    async def terminate(self, instance: str) -> None:
        """Somebody ends a stage's orchestration at the runtime's own address."""
        answer = await self.flow.engine.handle(
            RpcRequest("POST", f"instances/{instance}/terminate", {"reason": "by hand"}, {})
        )
        if answer.status == 202:
            self.terminated.add(instance)

    async def janitor(self) -> None:
        """As the timer trigger does it: a sweep in the place of a holder that is no more, and no dead in the queue."""
        for key, lock in list(self.world.environments.items()):
            environment = key.partition("--")[0]
            if lock["holder"] and (holder := self._ended(lock["holder"]["holder"])):
                run = StageRun.load(json.loads(json.loads(holder.input))).sweeping(child_id(holder.id, "sweep"))
                await self.flow.post(f"orchestrators/stage/{run.instance}", json.dumps(run.dump()))
            for entry in lock["queue"]:
                if self._ended(entry["holder"]):
                    await self._intend("leave", environment, {"holder": entry["holder"], "id": entry["holder"]})

    def _ended(self, instance: str) -> Any:
        found = self.flow.engine._store.instance(instance)
        return found if found and found.status.ended else None

    async def turns(self, n: int) -> None:
        """Let things go on for `n` turns of the event loop: somewhere in the middle of what they are at."""
        for _ in range(n):
            await asyncio.sleep(0)
        self._raise_what_failed()

    async def settle(self) -> None:
        """Let things go on until only time can move them."""
        for _ in range(MOST_TURNS):
            await asyncio.sleep(0)
            if self.is_quiet():
                self._raise_what_failed()
                return
        raise AssertionError(f"still at work: {sorted(self.flow.engine._driven)}")

    async def wait(self, seconds: float) -> None:
        """Let time pass, from timer to timer."""
        until = self.now + timedelta(seconds=seconds)
        await self.settle()
        while (due := self._next_due()) is not None and due <= until:
            await self._move_to(due)
        await self._move_to(until)

    async def until(self, promotion: str, state: str, stage: str = "dev") -> None:
        """Let time pass until a stage's row says that state, and not a turn more."""
        for _ in range(MOST_TURNS):
            row = self.world.of(promotion).rows.get(f"stage:{stage}")
            if row and row["doc"]["state"] == state:
                return
            await self.turns(1)
            if self.is_quiet():
                due = self._next_due()
                assert due is not None, f"{promotion}:{stage} was never {state}: {self.world.actions()}"
                self.flow.clock.advance_to(due)
                self.world.move_on()
        raise AssertionError(f"{promotion}:{stage} was not {state} in time: {self.world.actions()}")

    async def nudge(self, waiter: str) -> None:
        """A nudge on its way: it arrives, is lost, arrives twice, or every other one is lost."""
        self._nudged += 1
        times = {"arrive": 1, "lost": 0, "doubled": 2, "every other lost": self._nudged % 2}[self.nudges]
        for _ in range(times):
            await raise_nudge(self.flow.engine, waiter)

    async def mirror(self, order: dict[str, Any]) -> None:
        """The read model's copy of a lock; an older one never takes the place of a newer one."""
        key = f"{order['environment']}--{order['service']}"
        copied = await self.flow.entity("environment", key)
        if copied and copied["rev"] >= self.world.environments.get(key, copied)["rev"]:
            self.world.environments[key] = copied
            self.world.copy_ledger(key, copied)

    async def written(self, order: dict[str, Any]) -> None:
        """A write to a target has begun: only on behalf of whoever holds its lock."""
        target = order["target"]["name"]
        environment = next(name for name, targets in ENVIRONMENTS.items() if target in targets)
        holder = (await self.flow.lock(environment))["holder"]
        if holder is None or holder["promotion"] != order["promotion"]:
            held = holder["promotion"] if holder else "nobody"
            self._wrong.append(f"{order['operation']} wrote to {target} while {held} held the lock")

    # what must hold

    async def check(self) -> None:
        """At every moment."""
        assert not self._wrong, self._wrong
        for environment, fence in self._fences.items():
            lock = await self.flow.lock(environment)
            if lock:
                assert lock["fence"] >= fence, f"the fence of {environment} fell from {fence} to {lock['fence']}"
                assert not (lock["holder"] and lock["broken"]), f"{environment} is broken and held"
                self._fences[environment] = lock["fence"]
                (self.broken.add if lock["broken"] else self.broken.discard)(environment)
        for operation, times in self.world.effects.items():
            assert times == 1, f"{operation} had its effect {times} times"
        for live in self.world.went_live[self._checked :]:
            await self._check_that_it_may_be_live(live)
        self._checked = len(self.world.went_live)
        badly = self.flow.engine._store.select(Selection(statuses=frozenset({"Failed", "Terminated"})))
        ended_badly = [(each.id, each.output) for each in badly if each.id not in self.terminated]
        assert not ended_badly, ended_badly
        assert self.most_events < MOST_EVENTS

    async def check_that_nothing_is_stuck(self) -> None:
        """When all is quiet: whoever has not ended waits for a child, an activity or a timer, and says until when."""
        store = self.flow.engine._store
        at_work = {each.instance for each in (*store.timers(), *store.activities())}
        live = store.live_instances()
        for each in (store.instance(id) for id in live):
            assert each is not None
            parents = {child.parent.instance for id in live if (child := store.instance(id)) and child.parent}
            assert each.id in at_work or each.id in parents, f"{each.id} waits for nothing: {each.custom_status}"
            said = json.loads(each.custom_status or "{}")
            if not said.get("waits_for", "stage").startswith("stage"):  # other stages have deadlines of their own
                assert said.get("deadline"), f"{each.id} waits for {said['waits_for']} without a deadline"
            events = sum(len(episode) for episode in store.history(each.id))
            assert events < MOST_EVENTS, f"{each.id} has {events} events"

    async def check_the_end(self) -> None:
        """Enough time passes: everything has ended as it should."""
        await self.settle()
        await self.check_that_nothing_is_stuck()
        for promotion in self.builds:
            if (await self._decisions(promotion)).get("paused"):
                await self.tell(promotion, "resume")
        if self.terminated:
            await self.janitor()
        await self._until_over()
        await self.check()
        live = self.flow.engine._store.live_instances()
        assert not live, f"stuck: {live}"
        for environment in ENVIRONMENTS:
            await self._check_the_end_of_the_lock(environment)
            check_ledger(self.world.ledger(environment), await self.flow.lock(environment))
        for promotion in self.builds:
            self._check_the_end_of(promotion)

    async def _until_over(self) -> None:
        limit = self.now + LONGEST
        await self.settle()
        while (due := self._next_due()) is not None:
            assert due <= limit, f"not over after {LONGEST}: {self.flow.engine._store.live_instances()}"
            await self._move_to(due)
            if self.terminated:
                await self.janitor()
                await self.settle()

    async def _check_the_end_of_the_lock(self, environment: str) -> None:
        lock = await self.flow.lock(environment)
        if not lock:
            return
        left = {key: lock[key] for key in ("holder", "queue", "announced") if lock[key]}
        assert not left, f"the lock of {environment} was left behind: {left}"
        assert not lock["broken"] or lock["broken"]["words"]
        shown = self.world.environments.get(f"{environment}--checkout", lock)
        older = {key for key in shown if key not in ("rev", "announced") and shown[key] != lock[key]}
        assert not older, f"the read model shows an older lock: {older}"
        if lock["broken"] or environment in self.touched:
            return
        ledger = lock["live"]["version"] if lock["live"] else self.first[environment]
        live = {name: self.world.sites[name].live for name in ENVIRONMENTS[environment]}
        assert set(live.values()) == {ledger}, f"{environment} should serve {ledger}: {live}"
        assert not lock["live"] or lock["live"]["proven"], f"{ledger} was left unproven in {environment}"

    def _check_the_end_of(self, promotion: str) -> None:
        kept = self.world.of(promotion)
        assert kept.ended, f"{promotion} has not ended"
        assert kept.rows["promotion"]["doc"]["state"] in set(Outcome)
        said = [each["action"] for each in self.world.records if each["id"].startswith(f"{promotion}:")]
        assert sum(action.startswith("promotion.") for action in said) == 2, f"one beginning, one end: {said}"
        for plan in self.stages[promotion]:
            if stage_id(promotion, plan.name) in self.terminated:
                continue
            row = kept.rows[f"stage:{plan.name}"]["doc"]
            assert row["state"] in {*Outcome, ROLLED_BACK}, row["state"]
            assert not row["waits_for"], f"{row['instance']} ended, and its row waits for {row['waits_for']}"
            assert row["state"] == Outcome.PASSED or (row["code"] and row["words"]), f"no reason: {row}"
            unknown = plan.environment in self.broken | self.touched
            if row["state"] == Outcome.PASSED or ":back:" in row["instance"] or unknown:
                continue
            version = self.builds[promotion].version
            live = [target.name for target in plan.targets if self.world.sites[target.name].live == version]
            assert not live, f"{version} ended {row['state']} in {plan.name} and is live on {live}"

    async def _check_that_it_may_be_live(self, live: Any) -> None:
        environment = next(name for name, targets in ENVIRONMENTS.items() if live.site in targets)
        if "swap-back" in live.operation:
            return
        promotion = a_build(live.version).promotion
        if environment == "production":
            stage = (await self._decisions(promotion))["stages"]["production"]
            taken = [cast.vote for cast in self.casts.get(promotion, ()) if cast.asked == stage["asked"]]
            yes = {vote.person.name for vote in taken if vote.decision == APPROVE}
            assert yes <= {"Alice", "Dave"}, f"{yes} approved {live.version}"
            assert all(vote.at <= moment(stage["deadline"]) for vote in taken)
            assert len(yes) >= stage["policy"]["at_least"] and len(yes) == len(taken), f"{live.version}: {taken}"
        before = self.builds.get(a_build(live.before).promotion)
        if before and environment not in self.touched:
            assert self._age(promotion) > self._age(before.promotion), f"{live.version} over the newer {live.before}"

    def _age(self, promotion: str) -> tuple[datetime, datetime]:
        row = self.world.of(promotion).rows["promotion"]["doc"]
        return self.builds[promotion].finished_at, moment(row["received_at"])

    # how it is done

    async def _decide(self, promotion: str, command: str, given: dict[str, Any]) -> tuple[int, bool]:
        """As `triggers.deciding` does it: signal, read the answer back, nudge. Whether the command was known."""
        known = given["command"] in (await self._decisions(promotion)).get("answers", {})
        path = f"entities/decisions/{promotion}"
        assert (await self.flow.post(path, json.dumps(given), {"op": command})).status == 202
        state: dict[str, Any] = {}
        for _ in range(MOST_TURNS):
            state = await self._decisions(promotion)
            if given["command"] in state.get("answers", {}):
                break
            await asyncio.sleep(0)
        answer = state["answers"][given["command"]]
        for waiter in state["waiters"]:
            await self.nudge(waiter)
        return answer["status"], known

    async def _decisions(self, promotion: str) -> dict[str, Any]:
        return await self.flow.entity("decisions", promotion)

    async def _intend(self, operation: str, environment: str, given: dict[str, Any]) -> None:
        order = {"operation": operation, "given": given, "environment": environment, "service": "checkout"}
        instance = f"intent:{operation}:{given['id']}:{self._key()}"
        await self.flow.post(f"orchestrators/intent/{instance}", json.dumps({**order, "by": "oid", "words": "?"}))

    def _key(self) -> str:
        self._commands += 1
        return f"k{self._commands}"

    def is_quiet(self) -> bool:
        """Whether only time can move anything."""
        engine = self.flow.engine
        due = engine.next_due()
        asleep = sum(not woken.done() for _, woken in self.world.sleepers)
        return len(engine._tasks) == asleep and (due is None or due > self.now)

    def _next_due(self) -> datetime | None:
        return min((due for due in (self.flow.engine.next_due(), self.world.next_due()) if due), default=None)

    async def _move_to(self, when: datetime) -> None:
        self.flow.clock.advance_to(when)
        self.world.move_on()
        await self.settle()

    def _raise_what_failed(self) -> None:
        if self.flow.engine._failure is not None:
            raise self.flow.engine._failure
