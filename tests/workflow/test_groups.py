"""Groups through the real orchestrators and entities, in virtual time: several services that are switched as one."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from slipway.promotion.groups import MOST_MEMBERS, GroupPlan
from slipway.promotion.outcomes import moment
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build, a_stage, later
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
from tests.workflow.world import Order, Sides, World


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(a_world()) as workflow:
        yield workflow


async def reaches(flow: Workflow, state: str, stage: str = PRODUCTION) -> None:
    await flow.until(lambda: stage_state(flow.world, stage) == state)


def states_of(flow: Workflow, promotion: str, stage: str = PRODUCTION) -> str:
    row = flow.world.of(promotion).rows.get(f"stage:{stage}")
    return str(row["doc"]["state"]) if row else ""


def swaps(flow: Workflow) -> list[str]:
    """The steps of the switch and of the way back, in the order of their effects: `api:swap`."""
    steps = [each.split(":")[-3:-1] for each in flow.world.effects]
    return [":".join(step) for step in steps if step[1].startswith("swap")]


# -- one switch


async def test_members_go_live_level_by_level_each_verified_live_before_the_next(flow: Workflow) -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    async def watching(activity: str, order: Order) -> None:
        if activity == "record" and order["action"] in ("stage.rolling-out", "stage.verifying-live"):
            seen.append((order["action"][6:], live(flow.world)))

    flow.world.meanwhile = watching
    id = await flow.promote(a_group(), a_group_stage())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    first = {**BEFORE, "api": AFTER["api"]}
    assert seen == [
        ("rolling-out", BEFORE),
        ("verifying-live", first),
        ("rolling-out", first),
        ("verifying-live", AFTER),
    ]
    assert set(flow.world.effects.values()) == {1}, "each effect once"
    await check_free(flow)


async def test_each_member_gets_its_own_package_in_its_own_version_under_its_own_fence(flow: Workflow) -> None:
    deployed: dict[str, Order] = {}

    async def watching(activity: str, order: Order) -> None:
        if activity == "deploy":
            deployed[order["target"]["name"]] = order

    flow.world.meanwhile = watching
    await flow.until_ended(await flow.promote(a_build("1.4.1", service="api"), a_member_stage("api")))
    before = (await locks(flow, "api"))["api"]["fence"]
    await flow.until_ended(await flow.promote(a_group(finished_at=later(hours=1)), a_group_stage()))
    assert {name: order["version"] for name, order in deployed.items()} == AFTER
    assert deployed["web"]["package"] == "https://artifacts/web-3.0.1.zip"
    assert deployed["api"]["fence"] == before + 1 == (await locks(flow, "api"))["api"]["fence"]


async def test_every_members_ledger_says_what_is_live_and_that_it_came_with_the_group(flow: Workflow) -> None:
    id = await flow.promote(a_group(), a_group_stage())
    await flow.until_ended(id)
    for service, lock in (await locks(flow)).items():
        version = {**AFTER, "suite": "2026.48"}[service]
        assert lock["live"]["version"] == version and lock["live"]["proven"], service
        (release,) = flow.world.ledger(PRODUCTION, service)
        assert (release["version"], release["state"], release["promotion"]) == (version, "proven", id)
        assert release.get("group", "") == ("" if service == "suite" else "suite")
    assert (await locks(flow))["suite"]["live"]["members"] == AFTER
    assert (await locks(flow))["api"]["live"]["replaced"] == {"api": "1.4.1"}


async def test_a_member_that_serves_its_version_already_is_left_alone_and_so_is_its_ledger(flow: Workflow) -> None:
    own = await flow.promote(a_build("1.4.2", service="api"), a_member_stage("api"))
    await flow.until_ended(own)
    flow.world.effects.clear()
    id = await flow.promote(a_group(finished_at=later(hours=1)), a_group_stage(bake_s=60))
    await reaches(flow, "baking")
    assert swaps(flow) == ["web:swap", "worker:swap"]
    flow.world.sick_live.add("3.0.1")
    assert (await flow.until_ended(id))["outcome"] == "failed"
    assert live(flow.world) == {**BEFORE, "api": "1.4.2"}
    lock = (await locks(flow, "api"))["api"]
    assert (lock["live"]["promotion"], lock["live"]["proven"], lock["live"]["version"]) == (own, True, "1.4.2")
    assert [each["state"] for each in flow.world.ledger(PRODUCTION, "api")] == ["proven"]
    await check_free(flow)


async def test_unlike_targets_of_one_service_are_ordered_as_well() -> None:
    targets = (Target("app", "container-apps", "/apps/a", ""), Target("site", "app-service", "/sites/s", "staging"))
    stage = a_stage(PRODUCTION, targets=targets, group=GroupPlan((("site",), ("app",))), bake_s=60)
    async with Workflow(World({"app": Sides(), "site": Sides()})) as flow:
        id = await flow.promote(a_build("2.0.0"), stage)
        await reaches(flow, "baking")
        assert swaps(flow) == ["site:swap", "app:swap"]
        flow.world.sick_live.add("2.0.0")
        assert (await flow.until_ended(id))["outcome"] == "failed"
        assert swaps(flow)[2:] == ["app:swap-back", "site:swap-back"]
        assert (await flow.lock(PRODUCTION))["live"] is None, "its own lock alone, as ever"


async def test_with_max_parallel_a_level_is_switched_in_parts(flow: Workflow) -> None:
    stage = replace(a_group_stage(levels=(("api", "web"), ("worker",))), max_parallel=1)
    await flow.until_ended(await flow.promote(a_group(), stage))
    told = [each["words"] for each in flow.world.records if each["action"] == "stage.rolling-out"]
    assert [words.rsplit(" ", 1)[1] for words in told] == ["api", "web", "worker"]


# -- one verdict, one rollback


@pytest.mark.parametrize("where", ["deploy", "verify", "live", "bake"])
@pytest.mark.parametrize("bad", ["api", "worker"])
async def test_one_bad_member_takes_all_back(flow: Workflow, where: str, bad: str) -> None:
    world, version = flow.world, AFTER[bad]
    sick = {"deploy": world.crashing, "verify": world.sick_idle, "live": world.sick_live}.get(where, set())
    sick.add(version)
    id = await flow.promote(a_group(), a_group_stage(bake_s=120))
    if where == "bake":
        await reaches(flow, "baking")
        world.sick_live.add(version)
    output = await flow.until_ended(id)
    assert output["outcome"] == "failed" and bad in output["words"]
    assert live(world) == BEFORE
    for service, lock in (await locks(flow)).items():
        assert lock["live"] is None, f"{service}: what was there before came from elsewhere"
    await check_free(flow)


async def test_the_way_back_is_the_reverse_and_waits_for_each_level(flow: Workflow) -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    async def watching(activity: str, order: Order) -> None:
        if activity == "swap" and not order["handle"] and ":swap-back:" in order["operation"]:
            seen.append((order["target"]["name"], live(flow.world)))

    id = await flow.promote(a_group(), a_group_stage(bake_s=120))
    await reaches(flow, "baking")
    flow.world.meanwhile = watching
    flow.world.sick_live.add(AFTER["web"])
    await flow.until_ended(id)
    assert [name for name, _ in seen] == ["web", "worker", "api"]
    assert seen[-1][1] == {**BEFORE, "api": AFTER["api"]}, "what calls it went back first"


async def test_where_a_level_cannot_go_back_what_it_calls_stays_and_every_lock_is_shut(flow: Workflow) -> None:
    id = await flow.promote(a_group(), a_group_stage(bake_s=120))
    await reaches(flow, "baking")
    flow.world.sick_live.add(AFTER["web"])
    flow.world.swap_back_fails = 99
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "ROLLBACK_FAILED")
    assert live(flow.world) == AFTER
    assert all(lock["broken"] and lock["holder"] is None for lock in (await locks(flow)).values())
    again = await flow.promote(a_build("1.5.0", service="api", finished_at=later(hours=1)), a_member_stage("api"))
    assert (await flow.until_ended(again))["code"] == "LOCK_BROKEN"


async def test_harm_rejects_the_group_and_not_its_members_versions(flow: Workflow) -> None:
    id = await flow.promote(a_group(), a_group_stage(watch_s=3600))
    await flow.until_ended(id)
    flow.world.sick_live.add(AFTER["web"])
    await flow.until(lambda: live(flow.world) == BEFORE)
    await flow.until(lambda: "stage.rolled-back" in [each["action"] for each in flow.world.records])
    await flow.engine.until_idle()
    found = await locks(flow)
    assert [each["version"] for each in found["suite"]["rejected"]] == ["2026.48"]
    assert not any(found[member].get("rejected") for member in AFTER)
    await check_free(flow)
    assert not any(lock["watch"] or lock.get("aside") for lock in found.values())


async def rolled_back(flow: Workflow, id: str, stage: StagePlan) -> dict[str, Any]:
    """As `slipway rollback` starts it. Returns how it ended."""
    instance = f"{id}:{PRODUCTION}:back:1"
    run = StageRun(id, instance, stage, a_group(), "", phase=LOCK, goes_back=True, asked_by="Alice", reason="no")
    await flow.post(f"orchestrators/stage/{instance}", json.dumps(run.dump()))
    status: dict[str, Any] = {}

    async def is_over() -> bool:
        nonlocal status
        status = await flow.status(instance)
        return bool(status.get("runtimeStatus") == "Completed")

    for _ in range(200):
        await flow.engine.until_idle()
        if await is_over():
            return dict(status["output"])
        due = flow.engine.next_due()
        assert due is not None
        flow.clock.advance_to(due)
    raise AssertionError("the rollback never ends")


async def test_one_rollback_takes_all_members_back_in_reverse_order(flow: Workflow) -> None:
    stage = a_group_stage()
    id = await flow.promote(a_group(), stage)
    await flow.until_ended(id)
    assert (await rolled_back(flow, id, stage))["outcome"] == "rolled back"
    assert live(flow.world) == BEFORE
    assert swaps(flow)[3:] == ["web:swap-back", "worker:swap-back", "api:swap-back"]
    for service in ("suite", *AFTER):
        (release,) = flow.world.ledger(PRODUCTION, service)
        assert (release["state"], release["by"]) == ("rolled back", "Alice"), service
    await check_free(flow)


async def test_a_group_does_not_go_back_once_a_member_has_moved_on(flow: Workflow) -> None:
    stage = a_group_stage()
    id = await flow.promote(a_group(), stage)
    await flow.until_ended(id)
    newer = await flow.promote(a_build("1.5.0", service="api", finished_at=later(hours=2)), a_member_stage("api"))
    await flow.until_ended(newer)
    ended = await rolled_back(flow, id, stage)
    assert ended["code"] == "BEHIND" and ended["words"].startswith("1.5.0, a newer build of api")
    assert live(flow.world) == {**AFTER, "api": "1.5.0"}
    await check_free(flow)


# -- the locks


async def test_a_members_own_promotion_waits_for_the_group_and_is_refused_when_it_is_older(flow: Workflow) -> None:
    group = await flow.promote(a_group(finished_at=later(hours=1)), a_group_stage(bake_s=600))
    await reaches(flow, "baking")
    older = await flow.promote(a_build("1.4.1", service="api"), a_member_stage("api"))
    newer = await flow.promote(a_build("3.1.0", service="web", finished_at=later(hours=2)), a_member_stage("web"))
    await flow.engine.until_idle()
    waiting = flow.world.of(newer).rows[f"stage:{PRODUCTION}"]["doc"]
    assert (waiting["state"], waiting["waits_for"]) == ("waiting for the lock", f"the lock, behind {group}")
    assert (await flow.until_ended(older))["code"] == "BEHIND"
    assert (await flow.until_ended(group))["outcome"] == "passed"
    assert (await flow.until_ended(newer))["outcome"] == "passed"
    assert live(flow.world) == {**AFTER, "web": "3.1.0"}
    first, second = flow.world.ledger(PRODUCTION, "web")[::-1]
    assert (first["state"], first["replaced_by"]) == ("replaced", "3.1.0") and second["state"] == "proven"
    await check_free(flow)


async def test_a_group_waits_for_a_members_promotion_and_says_for_whose_lock(flow: Workflow) -> None:
    own = await flow.promote(a_build("3.0.0", service="web"), a_member_stage("web", bake_s=600))
    await flow.until(lambda: states_of(flow, own) == "baking")
    group = await flow.promote(a_group(finished_at=later(hours=1)), a_group_stage())
    await flow.engine.until_idle()
    row = flow.world.of(group).rows[f"stage:{PRODUCTION}"]["doc"]
    assert (row["state"], row["waits_for"]) == ("waiting for the lock", f"the lock of web, behind {own}")
    held = await locks(flow)
    assert held["api"]["holder"]["promotion"] == held["suite"]["holder"]["promotion"] == group
    assert held["web"]["holder"]["promotion"] == own and held["worker"].get("holder") is None
    assert (await flow.until_ended(group))["outcome"] == "passed"
    await check_free(flow)


@pytest.mark.parametrize("how", ["aborted", "paused", "too late", "behind", "broken"])
async def test_who_does_not_get_all_locks_keeps_none(flow: Workflow, how: str) -> None:
    own = await flow.promote(
        a_build("3.0.5", service="web", finished_at=later(hours=2)), a_member_stage("web", bake_s=900)
    )
    await flow.until(lambda: states_of(flow, own) == "baking")
    within = 300 if how == "too late" else 3600
    group = await flow.promote(
        a_group(finished_at=later(hours=3 if how != "behind" else 1)), a_group_stage(lock_within_s=within)
    )
    await flow.engine.until_idle()
    if how == "aborted":
        await flow.abort(group)
    elif how == "paused":
        await flow.signal(
            "decisions",
            group,
            "pause",
            {
                "command": "p",
                "by": "Alice",
                "at": "2026-11-24T12:00:00Z",
                "until": "2026-11-24T13:00:00Z",
                "reason": "",
                "stage": "",
            },
        )
        await flow.engine.until_idle()
        await check_free(flow, "api", "suite", "worker")
        await flow.command(group, "resume", id="r")
        assert (await flow.until_ended(group))["outcome"] == "passed"
        return
    elif how == "broken":
        flow.world.sick_live.add("3.0.5")
        flow.world.swap_back_fails = 99
    output = await flow.until_ended(group)
    code = {"aborted": "ABORTED", "too late": "LOCK_WAIT_OVER", "behind": "BEHIND", "broken": "LOCK_BROKEN"}[how]
    assert output["code"] == code
    assert how == "aborted" or "of web" in output["words"]
    await check_free(flow, "api", "suite", "worker")
    assert flow.world.ledger(PRODUCTION, "api") == []


async def test_a_hold_of_a_member_keeps_the_group_out_and_nobody_else(flow: Workflow) -> None:
    given = {
        "id": "h1",
        "by": "Alice",
        "reason": "incident",
        "at": "2026-11-24T12:00:00Z",
        "expires_at": "2026-11-25T12:00:00Z",
    }
    await flow.signal("environment", f"{PRODUCTION}--web", "hold", given)
    group = await flow.promote(a_group(), a_group_stage(lock_within_s=86_400))
    await flow.engine.until_idle()
    row = flow.world.of(group).rows[f"stage:{PRODUCTION}"]["doc"]
    assert row["waits_for"] == "web: held by Alice: incident"
    own = await flow.promote(a_build("1.4.1", service="api", finished_at=later(minutes=-5)), a_member_stage("api"))
    assert (await flow.until_ended(own))["outcome"] == "passed", "the group keeps no lock while it waits for people"
    at = flow.clock.now()
    lifted = {
        "environment": PRODUCTION,
        "service": "web",
        "operation": "lift",
        "given": {"id": "h1"},
        "by": "a",
        "words": "w",
    }
    await flow.post("orchestrators/intent/intent:lift:h1", json.dumps(lifted))
    assert (await flow.until_ended(group))["outcome"] == "passed"
    assert (flow.clock.now() - at).total_seconds() < 300, "the lift wakes it"
    await check_free(flow)


async def test_a_newer_group_takes_the_place_of_one_that_waits_for_a_member(flow: Workflow) -> None:
    own = await flow.promote(a_build("3.0.0", service="web"), a_member_stage("web", bake_s=900))
    await flow.until(lambda: states_of(flow, own) == "baking")
    stage = a_group_stage(on_newer_build="supersede")
    older = await flow.promote(a_group("2026.48", finished_at=later(hours=1)), stage)
    newer = await flow.promote(a_group("2026.49", finished_at=later(hours=2)), stage)
    assert (await flow.until_ended(newer))["outcome"] == "passed"
    assert (await flow.until_ended(older))["code"] in ("SUPERSEDED", "BEHIND")
    await check_free(flow)


async def test_a_stage_takes_the_locks_of_the_members_that_have_a_target_there_and_no_others(flow: Workflow) -> None:
    first = a_group_stage("test", levels=(("api",),))
    id = await flow.promote(a_group(), first)
    await flow.until_ended(id)
    found = await locks(flow, environment="test")
    assert found["api"]["live"]["version"] == "1.4.2" and found["suite"]["live"]["members"] == {"api": "1.4.2"}
    assert found["web"] == {} and found["worker"] == {}
    assert moment(found["api"]["live"]["at"]) >= later()


async def test_the_largest_group_keeps_every_history_small() -> None:
    names = [f"m{number}" for number in range(MOST_MEMBERS)]
    stage = a_group_stage(levels=tuple((each,) for each in names), bake_s=60, watch_s=600)
    world = World({each: Sides() for each in names}, keeps_receipts=True)
    most: dict[str, int] = {}
    async with Workflow(world) as flow:

        async def counting(activity: str, order: Order) -> None:
            for id in flow.engine._store.live_instances():
                events = sum(len(episode) for episode in flow.engine._store.history(id))
                most[id] = max(most.get(id, 0), events)

        world.meanwhile = counting
        id = await flow.begin(a_group(members=dict.fromkeys(names, "2.0.0")), stage)
        await flow.until_ended(id)
        world.sick_live.add("2.0.0")
        await flow.until(lambda: "stage.rolled-back" in [each["action"] for each in world.records])
        assert {site.live for site in world.sites.values()} == {"1.0.0"}
        await check_free(flow, *names, "suite")
    assert max(most.values()) < 200, most
