"""What must hold of promotions in a rough world: at every moment, whenever all is quiet, and at the end."""

import json
from datetime import datetime, timedelta
from typing import Any

from slipway.local.functions.durable.model import Instance, Selection
from slipway.promotion.approval import APPROVE
from slipway.promotion.outcomes import Outcome, moment
from slipway.promotion.ramp_run import RampRun
from slipway.promotion.stage_phases import ROLLED_BACK
from tests.promotion.builders import a_build
from tests.workflow.ledgers import check_ledger
from tests.workflow.model import ENVIRONMENTS, Model
from tests.workflow.rough_world import WentLive

MOST_EVENTS = 200
LONGEST = timedelta(days=30)
OVERTIME = timedelta(hours=2)  # past its deadline a wait may go on for its grace and for a call that is slow
LOOK_EVERY = timedelta(minutes=6)


class MustHold:
    """Looks at a model; each look raises AssertionError for what is not as it must be."""

    def __init__(self, model: Model) -> None:
        self.model, self.world, self.flow = model, model.world, model.flow
        self._fences = dict.fromkeys(ENVIRONMENTS, 0)
        self._checked = self._shared = 0

    async def at_every_moment(self) -> None:
        """One holder a lock, fences only grow, no effect twice, nothing live that may not be, nothing failed."""
        assert not self.flow.wrong, self.flow.wrong
        for environment, fence in self._fences.items():
            lock = await self.flow.lock(environment)
            if lock:
                assert lock["fence"] >= fence, f"the fence of {environment} fell from {fence} to {lock['fence']}"
                assert not (lock["holder"] and lock["broken"]), f"{environment} is broken and held"
                self._fences[environment] = lock["fence"]
                (self.model.broken.add if lock["broken"] else self.model.broken.discard)(environment)
                self._no_share_is_left(environment, lock)
        for operation, times in self.world.effects.items():
            assert times == 1, f"{operation} had its effect {times} times"
        self._shares_are_allowed()
        for live in self.world.went_live[self._checked :]:
            await self._may_be_live(live)
        self._checked = len(self.world.went_live)
        badly = self.flow.engine._store.select(Selection(statuses=frozenset({"Failed", "Terminated"})))
        ended_badly = [(each.id, each.output) for each in badly if each.id not in self.model.lost]
        assert not ended_badly, ended_badly
        assert self.flow.most_events < MOST_EVENTS

    def _shares_are_allowed(self) -> None:
        """A release has no more of the traffic than judge and people let it have, and none beside another's."""
        for given in self.world.given[self._shared :]:
            assert given.share <= given.allowed, f"more than allowed: {given}"
            assert given.idle == given.version, f"the slot has another release: {given}"
            assert given.beside <= {given.promotion}, f"two releases ramp: {given}"
        self._shared = len(self.world.given)
        for promotion, records in self.world.by_hand.items():
            words = self.model.said.count((promotion, "advance"))
            assert len(records) <= words, f"{promotion} advanced {len(records)} times, as people said {words} times"
        accused = {each["promotion"] for each in self.world.records if each["action"] == "ramp.router-changed"}
        lost = {promotion for promotion in accused for id in self.model.lost if id.startswith(promotion)}
        assert accused <= lost, f"nobody has changed the router: {accused}"

    def _no_share_is_left(self, environment: str, lock: dict[str, Any]) -> None:
        """Nobody is at work there, so nobody looks after a release that has a part of the traffic."""
        if lock["holder"] or lock["broken"] or environment in self.model.touched:
            return
        left = {name: self.world.shares.get(name, 0.0) for name in ENVIRONMENTS[environment]}
        assert not any(left.values()), f"{environment} is at rest, and routers divide its traffic: {left}"

    async def when_all_is_quiet(self) -> None:
        """Every wait has a deadline: whoever has not ended has a timer of its own, or an activity that is at work, or
        a child that has. Who waits for a child that was purged is ended by the janitor."""
        store = self.flow.engine._store
        moving = {each.instance for each in (*store.timers(), *store.activities())}
        live = [found for id in store.live_instances() if (found := store.instance(id))]
        parents = {each.parent.instance for each in live if each.parent}
        for each in live:
            below = each.id.partition(":rollback:")[0]  # what a rollback starts stands below its stage
            left_alone = any(lost.startswith(f"{below}:") for lost in self.model.lost)
            assert each.id in moving | parents or left_alone, f"{each.id} waits for nothing: {each.custom_status}"
            if not left_alone:
                self._has_a_deadline(each)
            if each.name.lower() == "canary_ramp":
                await self._its_stage_is_at_work(each)
            events = sum(len(episode) for episode in store.history(each.id))
            assert events < MOST_EVENTS, f"{each.id} has {events} events"

    async def _its_stage_is_at_work(self, ramp: Instance) -> None:
        """A ramp looks every 15 s, and hears then that its stage has ended."""
        given = json.loads(ramp.input or "")
        stage = RampRun.load(json.loads(given) if isinstance(given, str) else given).stage
        known = (await self.model.decisions(stage.promotion))["stages"].get(stage.plan.name, {})
        if known.get("over"):
            row = self.world.of(stage.promotion).rows[f"stage:{stage.plan.name}"]["doc"]
            ago = self.model.now - moment(row["ended_at"])
            assert ago < OVERTIME, f"{ramp.id} goes on, {ago} after its stage ended {row['state']}"

    def _has_a_deadline(self, each: Instance) -> None:
        said = json.loads(each.custom_status or "{}")
        waits_for = said.get("waits_for", "")
        if not waits_for or waits_for.startswith("stage"):
            return
        assert said.get("deadline"), f"{each.id} waits for {waits_for} without a deadline"
        late = self.model.now - moment(said["deadline"])
        assert late < OVERTIME, f"{each.id} still waits for {waits_for}, {late} after its deadline"

    async def at_the_end(self) -> None:
        """After enough time everything has ended as it should, and the janitor has nothing left to watch."""
        model = self.model
        await model.settle()
        await self.when_all_is_quiet()
        for promotion in model.builds:
            if (await model.decisions(promotion)).get("paused"):
                await model.tell(promotion, "resume")
        await self._until_over()
        await self.at_every_moment()
        live = self.flow.engine._store.live_instances()
        assert not live, f"stuck: {live}"
        assert not model.records.entries, f"still watched: {model.records.entries}"
        for environment in ENVIRONMENTS:
            await self._the_lock_is_free(environment)
            check_ledger(self.world.ledger(environment), await self.flow.lock(environment))
        for promotion in model.builds:
            await self._has_ended(promotion)

    async def _until_over(self) -> None:
        """The janitor comes while something is lost, and after all is over."""
        limit = self.model.now + LONGEST
        await self.model.settle()
        while self.flow.engine._store.live_instances() or self.model.records.entries:
            await self._somebody_decides()
            due = self.flow.next_due()
            if self.model.lost or due is None:
                await self.model.janitor()
                await self.model.settle()
                soon = self.model.now + LOOK_EVERY
                due = min(soon, self.flow.next_due() or soon)
            assert due <= limit, f"not over after {LONGEST}: {self.flow.engine._store.live_instances()}"
            await self.flow.move_to(due)

    async def _somebody_decides(self) -> None:
        """A ramp that stays beyond its deadline stays until a person says something."""
        store = self.flow.engine._store
        for id in self.model.running("canary_ramp"):
            ramp = store.instance(id)
            said = json.loads((ramp and ramp.custom_status) or "{}")
            if said.get("code") in ("RAMP_TIME_OVER", "HOLD_POINT"):
                await self.model.tell(id.partition(":")[0], "rollback")

    async def _the_lock_is_free(self, environment: str) -> None:
        lock = await self.flow.lock(environment)
        if not lock:
            return
        left = {key: lock[key] for key in ("holder", "queue", "announced") if lock[key]}
        assert not left, f"the lock of {environment} was left behind: {left}"
        assert not lock["broken"] or lock["broken"]["words"]
        shown = self.world.environments.get(f"{environment}--checkout", lock)
        older = {key for key in shown if key != "rev" and shown[key] != lock[key]}
        assert not older, f"the read model shows an older lock: {older}"
        if lock["broken"] or environment in self.model.touched:
            return
        ledger = lock["live"]["version"] if lock["live"] else self.model.first[environment]
        live = {name: self.world.sites[name].live for name in ENVIRONMENTS[environment]}
        assert set(live.values()) == {ledger}, f"{environment} should serve {ledger}: {live}"
        assert not lock["live"] or lock["live"]["proven"], f"{ledger} was left unproven in {environment}"

    async def _has_ended(self, promotion: str) -> None:
        kept = self.world.of(promotion)
        assert kept.ended, f"{promotion} has not ended"
        assert kept.rows["promotion"]["doc"]["state"] in set(Outcome)
        said = [each["action"] for each in self.world.records if each["id"].startswith(f"{promotion}:")]
        assert sum(action.startswith("promotion.") for action in said) == 2, f"one beginning, one end: {said}"
        known = (await self.model.decisions(promotion))["stages"]
        for plan in self.model.stages[promotion]:
            assert known[plan.name].get("over"), f"{promotion} ended, and its stage {plan.name} never reported"
            row = kept.rows[f"stage:{plan.name}"]["doc"]
            assert row["state"] in {*Outcome, ROLLED_BACK}, row["state"]
            assert not row["waits_for"], f"{row['instance']} ended, and its row waits for {row['waits_for']}"
            assert row["state"] == Outcome.PASSED or (row["code"] and row["words"]), f"no reason: {row}"
            unknown = plan.environment in self.model.broken | self.model.touched
            if row["state"] == Outcome.PASSED or ":back:" in row["instance"] or unknown:
                continue
            version = self.model.builds[promotion].version
            live = [target.name for target in plan.targets if self.world.sites[target.name].live == version]
            assert not live, f"{version} ended {row['state']} in {plan.name} and is live on {live}"

    async def _may_be_live(self, live: WentLive) -> None:
        """It was approved, by whom and when it should, and it is newer than what it replaces."""
        environment = next(name for name, targets in ENVIRONMENTS.items() if live.site in targets)
        if "swap-back" in live.operation:
            return
        promotion = a_build(live.version).promotion
        plan = next(each for each in self.model.stages[promotion] if each.environment == environment)
        if plan.canary:
            self._was_let_through(live, promotion)
        if plan.approval:
            stage = (await self.model.decisions(promotion))["stages"]["production"]
            taken = [cast.vote for cast in self.model.casts.get(promotion, ()) if cast.asked == stage["asked"]]
            yes = {vote.person.name for vote in taken if vote.decision == APPROVE}
            assert yes <= {"Alice", "Dave"}, f"{yes} approved {live.version}"
            assert all(vote.at <= moment(stage["deadline"]) for vote in taken)
            assert len(yes) >= stage["policy"]["at_least"] and len(yes) == len(taken), f"{live.version}: {taken}"
        before = self.model.builds.get(a_build(live.before).promotion)
        if before and environment not in self.model.touched:
            assert self._age(promotion) > self._age(before.promotion), f"{live.version} over the newer {live.before}"

    def _was_let_through(self, live: WentLive, promotion: str) -> None:
        """What does harm that the judge can see has all the traffic by a person's word only, or by the pipeline's."""
        harmful = self.world.flaws.get(live.version) in ("harmful", "sick while ramping")
        by_person = {(promotion, "promote"), (promotion, "advance")} & set(self.model.said)
        told = [each["action"] for each in self.world.records if each.get("promotion") == promotion]
        others = {"stage.not-ramped", "ramp.ramp-time-over"} & set(told)
        assert not harmful or by_person or others, f"{live.version} does harm and went live: {told}"

    def _age(self, promotion: str) -> tuple[datetime, datetime]:
        row: dict[str, Any] = self.world.of(promotion).rows["promotion"]["doc"]
        return self.model.builds[promotion].finished_at, moment(row["received_at"])


async def check_the_end(model: Model) -> None:
    """Let enough time pass; everything has ended as it should then."""
    holds = MustHold(model)
    await holds.at_the_end()
    await holds.at_every_moment()
