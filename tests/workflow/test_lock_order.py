"""Groups that share members, and these members' own promotions between them: whoever comes when, all come to their end,
one after the other, and no lock stays behind. GROUP_LIVES says how many lives, GROUP_SEED which."""

import os
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from slipway.promotion.build import Build
from slipway.promotion.plan import StagePlan
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build, later
from tests.workflow.groups import (
    AFTER,
    BEFORE,
    PRODUCTION,
    a_group,
    a_group_stage,
    a_member_stage,
    a_world,
    check_free,
    live,
    locks,
)
from tests.workflow.virtual import Workflow, stage_state

LIVES = int(os.environ.get("GROUP_LIVES", "8"))
SEED = os.environ.get("GROUP_SEED") or "2034"
MEMBERS = tuple(BEFORE)
Promoted = tuple[Build, StagePlan]


def another_group(service: str, members: tuple[str, ...], version: str, minutes: float, **more: Any) -> Promoted:
    """A group of some of the members, in the order that is given here; each in the version of the group."""
    build = a_build(
        version,
        service=service,
        finished_at=later(minutes=minutes),
        members=dict.fromkeys(members, f"{version}.{service}"),
    )
    return build, a_group_stage(levels=tuple((each,) for each in members), **more)


def test_every_group_takes_the_locks_in_the_same_order() -> None:
    orders = [
        StageRun("p", "i", stage, build, "").locks
        for build, stage in (
            another_group("suite", ("api", "web", "worker"), "1", 0),
            another_group("bundle", ("worker", "web", "api"), "1", 0),
        )
    ]
    assert orders == [("api", "suite", "web", "worker"), ("api", "bundle", "web", "worker")]


async def test_two_groups_in_opposite_order_and_a_members_own_release_between_them_all_pass() -> None:
    async with Workflow(a_world()) as flow:
        one = await flow.promote(*another_group("bundle", ("worker", "web", "api"), "7.0", 1, bake_s=120))
        await flow.until(lambda: stage_state(flow.world, PRODUCTION) == "baking")
        own = await flow.begin(
            a_build("3.0.5", service="web", finished_at=later(minutes=2)), a_member_stage("web", bake_s=120)
        )
        two = await flow.begin(*another_group("suite", ("api", "web", "worker"), "8.0", 3, bake_s=120))
        ended = [await flow.until_ended(id) for id in (one, own, two)]
        assert [each["outcome"] for each in ended] == ["passed", "passed", "passed"]
        assert live(flow.world) == dict.fromkeys(MEMBERS, "8.0.suite")
        assert [each["version"] for each in flow.world.ledger(PRODUCTION, "web")] == [
            "8.0.suite",
            "3.0.5",
            "7.0.bundle",
        ]
        await check_free(flow, "api", "web", "worker", "suite", "bundle")


def drawn(random: Random) -> list[Promoted]:
    """Builds of two groups and of members, in the order in which they come, which need not be that of their ages."""
    builds: list[Promoted] = []
    for number in range(random.randint(3, 6)):
        more: dict[str, Any] = {
            "bake_s": random.choice([0, 45, 120]),
            "lock_within_s": random.choice([120, 3600, 36_000]),
        }
        more["on_newer_build"] = random.choice(["queue", "queue", "supersede", "ignore"])
        version, minutes = f"{number + 5}.0", random.randint(1, 9)
        if random.random() < 0.6:
            members = tuple(random.sample(MEMBERS, random.randint(1, 3)))
            builds.append(another_group(random.choice(["suite", "bundle"]), members, version, minutes, **more))
        else:
            service = random.choice(MEMBERS)
            build = a_build(f"{version}.{service}", service=service, finished_at=later(minutes=minutes))
            builds.append((build, a_member_stage(service, **more)))
    return builds


@pytest.mark.parametrize("number", range(LIVES))
async def test_whoever_comes_when_all_come_to_an_end_and_no_lock_stays_behind(number: int) -> None:
    random = Random(f"{SEED}:{number}")
    builds = drawn(random)
    async with Workflow(a_world()) as flow:
        flow.world.sick_live |= {each.version for each, _ in builds if random.random() < 0.15}
        ids = []
        for build, stage in builds:
            ids.append(await flow.begin(build, stage))
            for _ in range(random.randrange(40)):
                due = flow.engine.next_due()
                await flow.engine.until_idle()
                if due is not None:
                    flow.clock.advance_to(due)
            if random.random() < 0.2:
                await flow.abort(random.choice(ids))
        await flow.until(lambda: all(flow.world.of(id).ended for id in ids), within=timedelta(days=2))
        await check_free(flow, *MEMBERS, "suite", "bundle")
        for service, lock in (await locks(flow, *MEMBERS)).items():
            said = lock["live"]["version"] if lock.get("live") else BEFORE[service]
            assert flow.world.sites[service].live == said, f"{service} (seed {SEED}, {number})"


def test_the_members_of_the_tests_are_those_of_the_group() -> None:
    assert a_group().members == AFTER and set(AFTER) == set(MEMBERS)
