"""Promotions of one service, and what may happen to them: one action at a time, in any order.

An action returns at once; `turns` and `wait` let things go on. What must hold whatever happens stands in `must_hold`,
the world that they go through in `rough_world`, and how time passes and the host dies in `rough_workflow`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from slipway.adapters.watched import Watched
from slipway.local.functions.durable.engine import RpcRequest
from slipway.promotion.approval import APPROVE, Person, Vote
from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.build import Build
from slipway.promotion.canary_plan import PROMOTE, STAY, CanaryPlan
from slipway.promotion.ids import child_id, stage_id
from slipway.promotion.judge.policy import Policy
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.plan import LoadTest, StagePlan, Target
from slipway.promotion.rings import STOP, RegionGate, RingPlan
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from slipway.promotion.telemetry import Source
from tests.promotion.builders import ALICE, BOB, CAROL, NOON, a_build, a_policy, a_stage
from tests.workflow.janitor_at_work import EngineRuntime, WorldRecords
from tests.workflow.rough_ramps import RoughRamps
from tests.workflow.rough_workflow import MOST_TURNS, RoughWorkflow
from tests.workflow.rough_world import three_sites
from tests.workflow.virtual import a_run
from triggers.looking_after import Janitor

DAVE = Person("oid-dave", "Dave", roles=("approver", "release-manager"))
PEOPLE = {person.name: person for person in (ALICE, BOB, CAROL, DAVE)}  # Bob writes the builds, Carol may not approve
ENVIRONMENTS = {"dev": ("checkout-dev",), "production": ("weu", "neu")}
LOAD = LoadTest("peak", rate_per_s=40, duration_s=4, path="/", p95_ms=300, error_rate=0.02, against="previous")
_STEPS = Policy(steps=(0.1, 0.5, 1.0), ramp="fixed", tick_s=30, warm_up_s=0, patience_ticks=2, blind_ticks=4)
_QUICK = CanaryPlan(_STEPS, Source("", "checkout"), within_s=1800)
_SWITCH = BlueGreenPlan(keep_s=1800)
RAMPS = {
    "": None,
    "quick": _QUICK,
    "held": replace(_QUICK, hold_at=(0.1,)),
    "long": replace(_QUICK, hold_at=(0.1,), within_s=86_400),
    "held and stays": replace(_QUICK, hold_at=(0.1,), at_deadline=STAY),
    "stays": replace(_QUICK, on_harm=STAY, at_deadline=STAY),
    "promoted": replace(_QUICK, hold_at=(0.5,), at_deadline=PROMOTE),
}


def _as_rings(stages: tuple[StagePlan, ...], on_bad: str, gate: RegionGate | None, parts: int) -> Iterator[StagePlan]:
    """Each a ring after those before it."""
    names = tuple(stage.name for stage in stages)
    for n, stage in enumerate(stages):
        ring = RingPlan("all", "all", stage.name, n + 1, len(stages), names[:n], on_bad, gate)
        yield replace(stage, ring=ring, max_parallel=parts)


@dataclass(frozen=True)
class Cast:
    """A vote that its promotion took, in answer to the asking of which attempt."""

    vote: Vote
    asked: str


class Model:
    """`builds` and `stages` by promotion, `casts` the votes that were taken, `said` the commands. `broken`:
    environments whose lock is so now; `touched`: where somebody changed something past us. `lost`: what was terminated
    or purged. `first`: what each environment served before the first build. `state`: a file for the engine."""

    def __init__(self, state: str) -> None:
        self.world = RoughRamps(three_sites())
        self.flow = RoughWorkflow(self.world, ENVIRONMENTS, state)
        self.records = WorldRecords(self.flow)
        self.builds: dict[str, Build] = {}
        self.stages: dict[str, tuple[StagePlan, ...]] = {}
        self.casts: dict[str, list[Cast]] = {}
        self.said: list[tuple[str, str]] = []
        self.touched: set[str] = set()
        self.broken: set[str] = set()
        self.lost: set[str] = set()
        self.first = dict.fromkeys(ENVIRONMENTS, "1.0.0")
        self._janitor = Janitor(EngineRuntime(self.flow, self.lost), self.records)
        self._commands = 0

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

    async def decisions(self, promotion: str) -> dict[str, Any]:
        """The state of the promotion's entity `decisions`."""
        return await self.flow.entity("decisions", promotion)

    # how it goes on

    async def turns(self, n: int) -> None:
        """Let things go on for so many turns of the event loop."""
        await self.flow.turns(n)

    async def settle(self) -> None:
        """Let things go on until only time can move them."""
        await self.flow.settle()

    async def wait(self, seconds: float) -> None:
        """Let time pass, from timer to timer."""
        await self.flow.wait(seconds)

    async def until(self, promotion: str, state: str, stage: str = "dev") -> None:
        """Let time pass until a stage's row says that state, and not a turn more."""
        await self.flow.until_row(promotion, state, stage)

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
        ramp: str = "",
        switch: str = "",
        rings: str = "",
        gate: RegionGate | None = None,
        parts: int = 0,
    ) -> str:
        """A build that CI finished `finished` minutes after noon begins its way through some of the stages. `ramp`
        names one of `RAMPS` for production, `switch` makes it blue-green: people are `asked` before it, or not, and the
        old side is `kept`; `at_least` 0 asks nobody there before it starts.
        With `rings` (what a bad one does to those before it), a `gate` or `parts` the stages are rings of one."""
        build = a_build(version, finished_at=NOON + timedelta(minutes=finished))
        if flaw:
            self.world.flaws[version] = flaw
        names = list(stages)
        plans = {
            "dev": a_stage("dev", bake_s=60, retry_within_s=7200, loads=(LOAD,) if load else ()),
            "production": a_stage(
                "production",
                tuple(name for name in names if name == "dev"),
                approval=a_policy(at_least=at_least, within_s=7200) if at_least else None,
                targets=tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in ("weu", "neu")),
                bake_s=120,
                retry_within_s=3600,
                canary=RAMPS[ramp],
                blue_green=_SWITCH if switch else None,
                switch_approval=a_policy(within_s=7200) if switch == "asked" else None,
                watch_s=_SWITCH.keep_s if switch else 0,
            ),
        }
        chosen = tuple(replace(plans[name], on_newer_build=mode) for name in names)
        if rings or gate or parts:
            chosen = tuple(_as_rings(chosen, rings or STOP, gate, parts))
        if build.promotion not in self.builds:
            self.builds[build.promotion], self.stages[build.promotion] = build, chosen
        received_at = self.now + timedelta(microseconds=len(self.builds))
        self.records.watch(Watched(build.promotion, build.promotion, self.now, build.dump()))
        self.records.take_in(a_run(build, *chosen, received_at=received_at))
        await self.flow.begin(build, *chosen, token=self._key(), received_at=received_at)
        return build.promotion

    async def vote(
        self, promotion: str, person: str, decision: str = APPROVE, *, late_s: float | None = None, key: str = ""
    ) -> int:
        """A person's yes or no to production, at this moment, or so many seconds after its deadline."""
        before = (await self.decisions(promotion)).get("stages", {}).get("production", {})
        at = self.now
        if late_s is not None and "deadline" in before:
            at = moment(before["deadline"]) + timedelta(seconds=late_s)
        vote = Vote(PEOPLE[person], decision, at, author_oid=BOB.oid)
        given = {"command": f"{person}:{key or self._key()}", "stage": "production", "vote": vote.dump()}
        given |= {"gate": before["gate"]} if "gate" in before else {}
        status, known = await self._decide(promotion, "vote", given)
        after = (await self.decisions(promotion)).get("stages", {}).get("production", {})
        if status == 200 and not known:
            self.casts.setdefault(promotion, []).append(Cast(vote, after["asked"]))
        return status

    async def tell(
        self, promotion: str, command: str, *, key: str = "", stage: str = "", mark: bool = True, ago_s: float = 0
    ) -> int:
        """`abort`, `retry`, `pause`, `resume`, and to a ramp `advance`, `promote` or `rollback`. Without `mark` whoever
        takes an abort dies before he marks the row."""
        at = iso(self.now - timedelta(seconds=ago_s))
        given = {"command": f"Alice:{key or self._key()}", "by": "Alice", "at": at, "reason": ""}
        status, known = await self._decide(promotion, command, {**given, "stage": stage})
        if status == 200 and not known:
            self.said.append((promotion, command))
        if command == "abort" and status == 200 and mark:
            kept = self.world.of(promotion)
            kept.aborted = True
            for name, row in kept.rows.items():
                for step in row["doc"]["steps"] if name.startswith("stage:") else ():
                    if step["state"] == "running":
                        await self.flow.nudge(step["operation"])
        return status

    async def roll_back(self, promotion: str, stage: str, by: str = "Alice", reason: str = "") -> bool:
        """As the trigger does it: by what the read model says."""
        build, row = self.builds[promotion], self.world.environments.get(f"{stage}--checkout")
        plans = [plan for plan in self.stages[promotion] if plan.name == stage]
        live = row and row["live"]
        if not plans or not live or live["promotion"] != promotion or not live["proven"]:
            return False
        if row["previous"] and not row["previous"][0]["proven"]:
            return False
        instance = child_id(stage_id(promotion, stage), "back", self._key())
        received_at = str(self.world.of(promotion).rows["promotion"]["doc"]["received_at"])
        run = StageRun(promotion, instance, plans[0], build, "", received_at, phase=LOCK, goes_back=True)
        run = replace(run, asked_by=by, reason=reason)
        self.records.watch(Watched(instance, promotion, self.now, {}))
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

    async def reject(self, environment: str, version: str) -> None:
        """The lock as it is when a canary of that version was taken back for harm there."""
        build, at = a_build(version), iso(self.now)
        asked = {"holder": f"{build.promotion}:earlier", "waiter": "nobody", "promotion": build.promotion}
        asked |= {"stage": environment, "version": version, "finished_at": iso(build.finished_at), "received_at": at}
        lock = f"entities/environment/{environment}--checkout"
        await self.flow.post(lock, json.dumps({**asked, "at": at}), {"op": "acquire"})
        await self.settle()
        told = {"fence": (await self.flow.lock(environment))["fence"], "result": "unchanged", "rejects": True, "at": at}
        told |= {"code": "HARM_PROVEN", "words": "canary fails 5 × as often"}
        await self.flow.post(lock, json.dumps(asked | told), {"op": "release"})
        await self.settle()

    # what happens to the machinery

    async def restart(self) -> None:
        """The host is killed, whatever it is at, and comes back."""
        await self.flow.restart()

    async def terminate(self, instance: str) -> None:
        """Somebody ends an orchestration at the runtime's own address."""
        answer = await self.flow.engine.handle(
            RpcRequest("POST", f"instances/{instance}/terminate", {"reason": "by hand"}, {})
        )
        if answer.status == 202:
            self.lost.add(instance)

    async def purge(self, instance: str) -> None:
        """Somebody has an orchestration forgotten, while it runs."""
        answer = await self.flow.engine.handle(RpcRequest("DELETE", f"instances/{instance}", {}, {}))
        if answer.status == 200:
            self.lost.add(instance)

    async def suspend(self, instance: str, resume: bool = False) -> None:
        """An operator lets an orchestration do nothing any more, or lets it go on."""
        path = f"instances/{instance}/{'resume' if resume else 'suspend'}"
        answer = await self.flow.engine.handle(RpcRequest("POST", path, {"reason": "by hand"}, {}))
        assert answer.status == 202, answer

    def running(self, orchestration: str) -> list[str]:
        """The instances of that orchestration that have not ended."""
        store = self.flow.engine._store
        live = (store.instance(id) for id in sorted(store.live_instances()))
        return [each.id for each in live if each and each.name.lower() == orchestration]

    async def janitor(self) -> None:
        """The janitor's look, and what comes of it at once."""
        await self._janitor.look(self.now)

    # how it is done

    async def _decide(self, promotion: str, command: str, given: dict[str, Any]) -> tuple[int, bool]:
        """As `triggers.deciding` does it: signal, read the answer back, nudge. Whether the command was known."""
        known = given["command"] in (await self.decisions(promotion)).get("answers", {})
        path = f"entities/decisions/{promotion}"
        assert (await self.flow.post(path, json.dumps(given), {"op": command})).status == 202
        state: dict[str, Any] = {}
        for _ in range(MOST_TURNS):
            state = await self.decisions(promotion)
            if given["command"] in state.get("answers", {}):
                break
            await self.flow.turns(1)
        answer = state["answers"][given["command"]]
        for waiter in state["waiters"]:
            await self.flow.nudge(waiter)
        return answer["status"], known

    async def _intend(self, operation: str, environment: str, given: dict[str, Any]) -> None:
        order = {"operation": operation, "given": given, "environment": environment, "service": "checkout"}
        instance = f"intent:{operation}:{given['id']}:{self._key()}"
        await self.flow.post(f"orchestrators/intent/{instance}", json.dumps({**order, "by": "oid", "words": "?"}))

    def _key(self) -> str:
        self._commands += 1
        return f"k{self._commands}"
