"""Rings through the real orchestrators and entities, in virtual time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from slipway.promotion.outcomes import moment
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.rings import ROLL_BACK_ALL, RegionGate, RingPlan
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import ALICE, a_build, a_policy, a_stage, a_vote, later
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World, an_account

SITES = ("tenants", "weu", "neu", "sdc", "contoso")
RINGS = {"canary": ("tenants",), "eu": ("weu", "neu", "sdc"), "contoso": ("contoso",)}
FIRST, SECOND, THIRD = "production-canary", "production-eu", "production-contoso"
REGIONS = ("northeurope", "westeurope")
GATE = RegionGate("/subscriptions/s/databaseAccounts/hub", regions=REGIONS, within_s=7200)


def rings(on_bad: str = "stop", gate: RegionGate | None = None, **changes: Any) -> list[StagePlan]:
    """Three rings of production, as they are compiled: the first in North Europe, the second in West Europe."""
    stages: list[StagePlan] = []
    regions = dict(zip(RINGS, (*REGIONS, ""), strict=True))
    for number, (name, sites) in enumerate(RINGS.items(), 1):
        earlier = tuple(stage.name for stage in stages)
        own = replace(gate, region=regions[name]) if gate else None
        ring = RingPlan("production", "production", name, number, len(RINGS), earlier, on_bad, own)
        targets = tuple(Target(site, "app-service", f"/sites/{site}", "staging") for site in sites)
        more = {"targets": targets, "ring": ring, "bake_s": 120, "retry_within_s": 86_400, **changes}
        stages.append(a_stage(f"production-{name}", earlier[-1:], **more))
    return stages


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({name: Sides() for name in SITES})) as workflow:
        yield workflow


def live(flow: Workflow) -> dict[str, str]:
    return {name: site.live for name, site in flow.world.sites.items()}


def on(*sites: str, version: str = "2.0.0") -> dict[str, str]:
    """What is live where when `version` is on `sites` alone."""
    return {name: version if name in sites else "1.0.0" for name in SITES}


async def reaches(flow: Workflow, stage: str, state: str) -> None:
    await flow.until(lambda: stage_state(flow.world, stage) == state)


def told(flow: Workflow, stage: str) -> list[str]:
    return [action.partition("/")[2] for action in flow.world.actions() if action.startswith(f"{stage}/")]


async def test_a_good_build_goes_from_ring_to_ring_and_each_is_proven_before_the_next(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings())
    await reaches(flow, FIRST, "baking")
    assert live(flow) == on("tenants")
    await reaches(flow, SECOND, "baking")
    assert live(flow) == on("tenants", "weu", "neu", "sdc")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert set(live(flow).values()) == {"2.0.0"}
    ended = [moment(flow.world.rows[f"stage:{name}"]["doc"]["ended_at"]) for name in (FIRST, SECOND, THIRD)]
    assert all(120 <= (b - a).total_seconds() < 300 for a, b in pairwise(ended))


async def test_the_stages_approval_is_asked_once_and_a_tenants_own_before_its_ring(flow: Workflow) -> None:
    one, two, three = rings()
    asked = replace(three, approval=a_policy(approvers=("group:team-checkout",), not_author=False))
    id = await flow.promote(a_build("2.0.0"), replace(one, approval=a_policy()), two, asked)
    assert stage_state(flow.world, FIRST) == "waiting for approval"
    await flow.vote(id, FIRST, a_vote(ALICE))
    await reaches(flow, THIRD, "waiting for approval")
    assert live(flow) == on("tenants", "weu", "neu", "sdc")
    await flow.vote(id, THIRD, replace(a_vote(ALICE), at=flow.clock.now()), command="c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert [action for action in flow.world.actions() if action.endswith("/approved")] == [
        f"{FIRST}/approved",
        f"{THIRD}/approved",
    ]


# -- a bad ring


async def test_a_bad_ring_goes_back_the_earlier_stay_and_the_later_do_not_begin(flow: Workflow) -> None:
    one, two, three = rings(retry_within_s=0)
    flow.world.meanwhile = sick_when_live_on(flow, "neu")
    id = await flow.promote(a_build("2.0.0"), one, two, three)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert output["words"].startswith(f"stage {SECOND}: ")
    assert live(flow) == on("tenants"), "ring 1 stays"
    assert stage_state(flow.world, THIRD) == "cancelled"
    assert flow.world.rows[f"stage:{THIRD}"]["doc"]["code"] == "NEED_NOT_PASSED"
    for environment in (FIRST, SECOND):
        lock = await flow.lock(environment)
        assert lock["holder"] is None and lock["broken"] is None
    assert (await flow.lock(FIRST))["live"]["version"] == "2.0.0"


async def test_with_roll_back_all_the_rings_before_a_bad_one_go_back_the_last_one_first(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings(ROLL_BACK_ALL))
    await reaches(flow, THIRD, "baking")
    flow.world.sick_live.add("2.0.0")
    began = flow.clock.now()
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert output["words"].startswith(f"stage {THIRD}: ")
    assert output["words"].endswith(f"{SECOND}, {FIRST} went back, too")
    assert (flow.clock.now() - began).total_seconds() < 300, "nobody waits for a retry"
    assert set(live(flow).values()) == {"1.0.0"}
    back = [each for each in flow.world.records if each["action"] == "stage.rolled-back"]
    assert [each["stage"] for each in back] == [SECOND, FIRST]
    assert all("is taken back: ring contoso failed" in each["words"] for each in back)
    for environment in (FIRST, SECOND, THIRD):
        lock = await flow.lock(environment)
        assert lock["holder"] is None and lock["broken"] is None
        assert lock["live"] is None, "what was there before came from elsewhere"
    assert [stage_state(flow.world, name) for name in (FIRST, SECOND)] == ["rolled back", "rolled back"]
    assert set(flow.world.effects.values()) == {1}, "each effect once"


async def test_a_ring_that_does_not_go_back_is_named_and_a_person_is_called(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings(ROLL_BACK_ALL))
    await reaches(flow, SECOND, "baking")
    flow.world.sick_live.add("2.0.0")
    await flow.until(lambda: "taking-rings-back" in told(flow, SECOND))
    flow.world.swap_back_fails = 3
    output = await flow.until_ended(id)
    assert output["outcome"] == "failed"
    assert f"{FIRST} did not go back: " in output["words"] and "SWAP_FAILED" not in output["code"]
    assert live(flow) == on("tenants")
    assert (await flow.lock(FIRST))["broken"] is not None


@pytest.mark.parametrize("how", ["aborted", "blind", "silent"])
async def test_what_is_no_harm_of_the_release_takes_no_earlier_ring_back(flow: Workflow, how: str) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings(ROLL_BACK_ALL, retry_within_s=0))
    await reaches(flow, SECOND, "baking")
    if how == "aborted":
        await flow.abort(id)
    elif how == "blind":
        flow.world.broken_checks = True
    else:
        flow.world.down = {"weu"}
    output = await flow.until_ended(id)
    assert output["outcome"] == {"aborted": "cancelled", "blind": "not enough evidence", "silent": "broken"}[how]
    assert live(flow)["tenants"] == "2.0.0"
    assert "taking-rings-back" not in told(flow, SECOND)


async def test_a_bad_ring_that_is_tried_again_after_a_mend_goes_on_to_the_later_rings(flow: Workflow) -> None:
    flow.world.meanwhile = sick_when_live_on(flow, "neu")
    id = await flow.promote(a_build("2.0.0"), *rings())
    await reaches(flow, SECOND, "failed")
    assert live(flow) == on("tenants")
    flow.world.meanwhile = None
    flow.world.sick_live.clear()
    await flow.command(id, "retry")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert set(live(flow).values()) == {"2.0.0"}


async def test_an_abort_in_a_ring_undoes_that_ring_alone(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings())
    await reaches(flow, SECOND, "rolling out")
    await flow.abort(id)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "ABORTED")
    assert live(flow) == on("tenants")


async def test_a_newer_build_is_in_the_first_ring_while_this_one_bakes_in_the_second(flow: Workflow) -> None:
    first = await flow.promote(a_build("2.0.0"), *rings())
    await reaches(flow, SECOND, "baking")
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), *rings(), token="t2")
    await reaches(flow, FIRST, "baking")
    assert live(flow)["tenants"] == "2.1.0" and live(flow)["weu"] == "2.0.0"
    assert (await flow.until_ended(first))["outcome"] == "passed"
    assert (await flow.until_ended(second))["outcome"] == "passed"
    assert set(live(flow).values()) == {"2.1.0"}


async def test_a_ring_that_a_newer_build_has_by_now_is_not_taken_back(flow: Workflow) -> None:
    first = await flow.promote(a_build("2.0.0"), *rings(ROLL_BACK_ALL))
    await reaches(flow, SECOND, "baking")
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=1)), rings()[0], token="t2")
    await flow.until(lambda: live(flow)["tenants"] == "2.1.0")
    flow.world.sick_live.add("2.0.0")
    output = await flow.until_ended(first)
    assert f"{FIRST} did not go back: 2.1.0, a newer build, is already live here" in output["words"]
    assert (await flow.until_ended(second))["outcome"] == "passed"
    assert live(flow) == on("tenants", version="2.1.0")


# -- a region down


async def test_a_region_that_is_down_is_waited_for_and_nobody_blames_the_release(flow: Workflow) -> None:
    before = await flow.promote(a_build("1.9.0"), *rings())
    assert (await flow.until_ended(before))["outcome"] == "passed"
    flow.world.down = {"neu"}
    id = await flow.promote(a_build("2.0.0", finished_at=later(minutes=1)), *rings(), token="t2")
    await reaches(flow, SECOND, "broken")
    row = flow.world.rows[f"stage:{SECOND}"]["doc"]
    assert row["code"] == "LIVE_UNREADABLE" and "neu answers no version" in row["words"]
    assert stage_state(flow.world, THIRD) in ("", "pending"), "the later rings wait for a retry"
    assert live(flow) == {**on("tenants"), "weu": "1.9.0", "neu": "1.9.0", "sdc": "1.9.0", "contoso": "1.9.0"}
    assert not (await flow.lock(SECOND))["rejected"]
    flow.world.down = set()
    await flow.command(id, "retry")
    assert (await flow.until_ended(id))["outcome"] == "passed"


# -- parts of a ring


async def test_targets_are_switched_in_parts_each_verified_live_before_the_next(flow: Workflow) -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    async def watching(activity: str, order: dict[str, Any]) -> None:
        if activity in ("swap", "check_health"):
            seen.append((activity, live(flow)))

    one, two, three = rings()
    flow.world.meanwhile = watching
    id = await flow.promote(a_build("2.0.0"), one, replace(two, max_parallel=2), three)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert ("check_health", on("tenants", "weu", "neu")) in seen, "the first part is verified while one is left"
    assert told(flow, SECOND).count("rolling-out") == 2 and told(flow, SECOND).count("verifying-live") == 2
    steps = [(step["name"], step["target"]) for step in flow.world.rows[f"stage:{SECOND}"]["doc"]["steps"]]
    assert [each for each in steps if each[0] == "swap"] == [("swap", "weu"), ("swap", "neu"), ("swap", "sdc")]
    assert set(flow.world.effects.values()) == {1}


async def test_the_first_bad_part_ends_the_ring_and_all_that_was_switched_goes_back(flow: Workflow) -> None:
    one, two, three = rings(retry_within_s=0)
    flow.world.meanwhile = sick_when_live_on(flow, "neu")
    id = await flow.promote(a_build("2.0.0"), one, replace(two, max_parallel=1), three)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert live(flow) == on("tenants")
    swapped = [each for each in flow.world.effects if each.split(":")[-2] == "swap" and SECOND in each]
    assert {each.split(":")[2] for each in swapped} == {"weu", "neu"}, "the third part was never begun"
    entry = flow.world.ledger(SECOND)[0]
    assert (entry["version"], entry["state"]) == ("2.0.0", "undone")


async def test_while_parts_are_left_the_row_says_what_answers_where(flow: Workflow) -> None:
    one, two, three = rings()
    shown: list[dict[str, str]] = []

    async def look() -> None:
        targets = flow.world.rows[f"stage:{SECOND}"]["doc"]["targets"]
        shown.append({each["name"]: each["live"] for each in targets})

    when_verified_live(flow, "weu", look)
    id = await flow.promote(a_build("2.0.0"), one, replace(two, max_parallel=2), three)
    await flow.until_ended(id)
    assert shown[0] == {"weu": "2.0.0", "neu": "2.0.0", "sdc": "1.0.0"}


# -- regions of a database


async def test_a_ring_waits_for_its_region_and_goes_on_when_it_is_ready(flow: Workflow) -> None:
    flow.world.account = an_account(westeurope="Updating")
    id = await flow.promote(a_build("2.0.0"), *rings(gate=GATE))
    await reaches(flow, FIRST, "waiting for the region")
    row = flow.world.rows[f"stage:{FIRST}"]["doc"]
    assert row["waits_for"] == "of hub westeurope is Updating" and row["deadline"]
    assert live(flow) == on(), "no user has met it"
    flow.world.account = an_account()
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_region_that_is_never_ready_ends_the_ring_and_blames_nobody(flow: Workflow) -> None:
    flow.world.account = {"locations": {"northeurope": "Succeeded"}, "write": ["northeurope"], "state": "Succeeded"}
    id = await flow.promote(a_build("2.0.0"), *rings(gate=GATE, retry_within_s=0))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "REGION_NOT_READY")
    assert "westeurope is none of the regions of hub, which has northeurope" in output["words"]
    assert live(flow) == on("tenants")
    assert all(flow.world.sites[name].idle_stopped for name in RINGS["eu"]), "its copy is taken away"


async def test_a_failover_in_mid_ring_freezes_the_rings_until_a_person_has_looked(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings(gate=GATE))
    await reaches(flow, FIRST, "baking")
    flow.world.account = an_account(write="northeurope")
    await reaches(flow, SECOND, "waiting for the region")
    moved = flow.world.rows[f"stage:{SECOND}"]["doc"]["waits_for"]
    assert moved.startswith("the writes of hub have moved from westeurope to northeurope since the ring before it")
    await reaches(flow, SECOND, "not enough evidence")
    assert live(flow) == on("tenants")
    await flow.command(id, "retry")
    assert (await flow.until_ended(id))["outcome"] == "passed", "who tries it again has looked; so the third goes by it"


async def test_a_failover_that_fails_back_lets_the_ring_go_on(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings(gate=GATE))
    await reaches(flow, FIRST, "baking")
    flow.world.account = an_account(write="northeurope")
    await reaches(flow, SECOND, "waiting for the region")
    flow.world.account = an_account()
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_failover_between_two_parts_of_a_ring_holds_the_second_part(flow: Workflow) -> None:
    one, two, three = rings(gate=GATE)

    async def fail_over() -> None:
        flow.world.account = an_account(northeurope="Offline")

    when_verified_live(flow, "weu", fail_over)
    id = await flow.promote(a_build("2.0.0"), one, replace(two, max_parallel=2), three)
    await reaches(flow, SECOND, "waiting for the region")
    assert live(flow) == on("tenants", "weu", "neu")
    flow.world.account = an_account()
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_ring_that_waits_for_its_region_hears_of_an_abort_at_once(flow: Workflow) -> None:
    flow.world.account = an_account(westeurope="Updating")
    id = await flow.promote(a_build("2.0.0"), *rings(gate=GATE))
    await reaches(flow, FIRST, "waiting for the region")
    began = flow.clock.now()
    await flow.abort(id)
    assert (await flow.until_ended(id))["outcome"] == "cancelled"
    assert (flow.clock.now() - began).total_seconds() < 30
    assert live(flow) == on()


async def test_the_region_that_is_written_to_comes_last_where_the_pipeline_says_so(flow: Workflow) -> None:
    flow.world.account = an_account(write="northeurope")
    id = await flow.promote(a_build("2.0.0"), *rings(gate=replace(GATE, write_region_last=True), retry_within_s=0))
    output = await flow.until_ended(id)
    assert output["code"] == "REGION_NOT_READY"
    assert "northeurope is written to, and is to come last; the last ring is in westeurope" in output["words"]
    assert live(flow) == on(), "known before the first user is moved"


async def test_a_missing_right_is_named_and_nothing_is_switched(flow: Workflow) -> None:
    flow.world.account_refused = True
    id = await flow.promote(a_build("2.0.0"), *rings(gate=GATE, retry_within_s=0))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "AZURE_DENIED")
    assert "Microsoft.DocumentDB/databaseAccounts/read" in output["words"]
    assert live(flow) == on()


# -- what travels


def test_a_stage_that_an_older_package_began_has_no_ring() -> None:
    run = StageRun("p", "p:dev", a_stage(), a_build(), "zip")
    data = run.dump()
    for name in ("written", "rings_back"):
        del data[name]
    for name in ("ring", "max_parallel"):
        del data["plan"][name]
    assert StageRun.load(data) == run


def when_verified_live(flow: Workflow, site: str, then: Callable[[], Awaitable[None]]) -> None:
    """`then` is called while the release is verified on that site, which it serves."""

    async def watching(activity: str, order: dict[str, Any]) -> None:
        if activity == "check_health" and order["address"] == f"http://{site}":
            await then()

    flow.world.meanwhile = watching


def sick_when_live_on(flow: Workflow, site: str) -> Any:
    """The release fails once it is live on that site."""

    async def watching(activity: str, order: dict[str, Any]) -> None:
        if activity == "check_health" and order["address"] == f"http://{site}" and live(flow)[site] == "2.0.0":
            flow.world.sick_live.add("2.0.0")
        elif activity == "check_health":
            flow.world.sick_live.discard("2.0.0")

    return watching
