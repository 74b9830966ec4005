"""One chaos run: a shop releases while a seeded plan kills and disturbs; then quiet, then the ledger."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from azure.servicebus import ServiceBusReceivedMessage

from slipway.cli.laptop.users import Users
from tests.chaos.chronicle import Chronicle
from tests.chaos.ci import Ci, taken_off
from tests.chaos.disk import FullDisks
from tests.chaos.evidence import Evidence, Row, promotions
from tests.chaos.ledger_of_letters import Balance, Sent, balance, broken_about_letters
from tests.chaos.ledger_of_ramps import broken_about_ramps
from tests.chaos.ledger_of_sites import broken_about_sites
from tests.chaos.ledger_of_state import broken_about_state, orphans
from tests.chaos.letters import letters
from tests.chaos.people import Deed, People
from tests.chaos.promises import Broken
from tests.chaos.quiet import until_quiet
from tests.chaos.reapers import Reaper, Sniper, seeded_kills
from tests.chaos.shop import SERVICES, USERS_PER_S, shop_in
from tests.chaos.weather import Storm
from tests.chaos.world import World

CHOSEN = 0.25  # the share of the kills that comes at chosen points
IN_RAMPS = 0.25  # and the share that comes while a ramp's router is told something
PROGRESS_EVERY_S = 5.0


@dataclass(frozen=True)
class Plan:
    """How rough it gets. `pace_s` is the mean pause between two seeded kills; `full_disks` is for each part; no more
    builds are sent while `most_builds` are on their way. Each release runs as `instances` processes."""

    seed: int
    kills: int
    pace_s: float = 0.8
    letter_every_s: float = 1.6
    fault_every_s: float = 1.2
    time_outs: int = 0
    full_disks: int = 1
    most_builds: int = 12
    quiet_within_s: float = 300.0
    instances: int = 2

    def random(self, of: str) -> Random:
        """One stream of chance for each who acts, so that none changes another's."""
        return Random(f"{self.seed}:{of}")


@dataclass
class Result:
    """What a run showed. `broken` is empty when every promise held."""

    plan: Plan
    chronicle: Chronicle
    evidence: Evidence
    balance: Balance
    took_s: float
    quiet_after_s: float
    broken: list[Broken] = field(default_factory=list)


def run(plan: Plan, state: Path, say: Callable[[str], None]) -> Result:
    """Live through the plan in the folder `state`, which must be new."""
    began = time.monotonic()
    chronicle = Chronicle()
    with World(shop_in(state, instances=plan.instances), chronicle) as world, users_of(world):
        post = letters(plan.random("letters"), SERVICES, copies=0.2, poison=0.1)
        ci = Ci(world, post, _pauses(plan), lambda: ci.builds - promotions(state)[0] < plan.most_builds)
        people = People(world, plan.random("people"), SERVICES)
        storm = Storm(world, plan.random("weather"), plan.fault_every_s, plan.time_outs)
        chosen, in_ramps = round(plan.kills * CHOSEN), round(plan.kills * IN_RAMPS)
        at_random = plan.kills - chosen - in_ramps
        reaper = Reaper(world, seeded_kills(plan.random("kills"), at_random, plan.pace_s))
        sniper = Sniper(world, plan.random("moments"), chosen + in_ramps, plan.pace_s * 2, in_ramps)
        disks = FullDisks(world, plan.full_disks, plan.kills * plan.pace_s / (6 * plan.full_disks + 1))
        for each in (ci, people, storm, reaper, sniper, disks):
            each.start()
        _watch(world, plan, say, lambda: any(each.is_alive() for each in (reaper, sniper, disks)))
        storm.calm.set()
        ci.enough.set()
        people.leave.set()
        for thread in (storm, ci, people):
            thread.join()
        calm_at = time.monotonic()
        busy = until_quiet(world, people.tidy_up, plan.quiet_within_s)
        quiet_after_s = time.monotonic() - calm_at
        say(f"{chronicle.now_s():6.0f} s  quiet {quiet_after_s:.0f} s after the last kill")
        leavings = left_on_queues(world)
    evidence = Evidence(state, *leavings)
    sent = Sent(ci.sent, ci.tried, ci.taken)
    broken = [Broken(f"not over {plan.quiet_within_s:.0f} s after the last kill: {each}") for each in busy]
    broken += audited(world, evidence, sent, people.deeds)
    took_s = time.monotonic() - began
    return Result(plan, chronicle, evidence, balance(evidence, sent), took_s, quiet_after_s, broken)


def users_of(world: World) -> Users:
    """Users of every site where releases ramp: a context."""
    ramping = [stage for service in world.layout.services for stage in service.stages if stage.ramps]
    where = [world.azure["sites"][site] for stage in ramping for site in stage.sites]
    return Users(where, USERS_PER_S, world.layout.log("users"))


def left_on_queues(world: World) -> tuple[list[Row], list[Row]]:
    """What the system put on its own queues for others: rejects and events, taken off."""
    rejected = [_reject(message) for message in taken_off(world, "builds-rejected")]
    return rejected, [{"id": str(message.message_id)} for message in taken_off(world, "promotions/audit")]


def audited(world: World, evidence: Evidence, sent: Sent, deeds: Iterable[Deed]) -> Iterator[Broken]:
    """Every ledger over what a stopped system left."""
    yield from (Broken(words) for words in world.broken)
    yield from broken_about_letters(evidence, sent)
    yield from broken_about_sites(evidence, world.layout.services)
    yield from broken_about_ramps(evidence, world.layout.services)
    yield from broken_about_state(evidence, deeds)
    yield from orphans(world.layout.state, world.pids)


def _pauses(plan: Plan) -> Iterator[float]:
    random = plan.random("post")
    while True:
        yield random.uniform(0.3, 1.7) * plan.letter_every_s


def _watch(world: World, plan: Plan, say: Callable[[str], None], goes_on: Callable[[], bool]) -> None:
    """Say how far it is, every few seconds."""
    chronicle, next_s = world.chronicle, PROGRESS_EVERY_S
    while goes_on():
        if world.lost.wait(0.1):
            raise RuntimeError("; ".join(world.broken))
        if chronicle.now_s() >= next_s:
            next_s += PROGRESS_EVERY_S
            done = f"{chronicle.count('kill')} of {plan.kills} kills, {chronicle.count('fault')} faults"
            ended, on_the_way = promotions(world.layout.state)
            builds = f"{ended} builds ended, {on_the_way} on their way"
            say(f"{chronicle.now_s():6.0f} s  {done}, {chronicle.count('letter')} letters, {builds}")


def _reject(message: ServiceBusReceivedMessage) -> Row:
    properties: Any = message.application_properties  # names and texts come as bytes
    told = {name: properties[name.encode()].decode() for name in ("message_id", "code")}
    return {"id": str(message.message_id), **told}
