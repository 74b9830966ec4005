"""The shipped pipeline of a SaaS vendor, with its real durations, in virtual time: three regions, dedicated tenants."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from slipway.promotion.approval import Person
from slipway.promotion.pipeline import compile_plan, read_pipeline
from slipway.promotion.plan import StagePlan
from tests.promotion.builders import ALICE, a_build, a_vote
from tests.promotion.pipeline_texts import CHECKOUT_FILE
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

TEXT = CHECKOUT_FILE.with_name("tenanthub.yaml").read_text(encoding="utf-8")
STAGES: tuple[StagePlan, ...] = compile_plan(read_pipeline(TEXT, "tenanthub.yaml"), "sha256:0").stages
SITES = ("integration", "neu", "eus", "weu", "contoso", "fabrikam")
CONTOSO = Person("oid-cora", "Cora", roles=("approver",), groups=("contoso-ops",))
FABRIKAM = Person("oid-finn", "Finn", roles=("approver",), groups=("fabrikam-ops",))


def tenanthubs_world() -> RampingWorld:
    """All sites on 1.0.0, the database in order."""
    regions = dict.fromkeys(("westeurope", "northeurope", "eastus"), "Succeeded")
    account = {"locations": regions, "write": ["westeurope"], "state": "Succeeded"}
    return RampingWorld({name: Sides() for name in SITES}, account=account)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(tenanthubs_world()) as workflow:
        yield workflow


def world(flow: Workflow) -> RampingWorld:
    assert isinstance(flow.world, RampingWorld)
    return flow.world


def live_on(flow: Workflow, version: str) -> set[str]:
    return {name for name, site in flow.world.sites.items() if site.live == version}


async def approved(flow: Workflow, id: str, ring: str, person: Person) -> None:
    stage = f"production-{ring}"
    await flow.until(lambda: stage_state(flow.world, stage) == "waiting for approval")
    await flow.vote(id, stage, replace(a_vote(person), at=flow.clock.now()), command=f"{person.name} to {ring}")


async def test_a_good_build_reaches_every_region_and_tenant_in_a_working_day(flow: Workflow) -> None:
    began = flow.clock.now()
    id = await flow.promote(a_build("2.0.0"), *STAGES)
    await approved(flow, id, "north-europe", ALICE)
    await approved(flow, id, "contoso", CONTOSO)
    assert live_on(flow, "1.0.0") == {"contoso", "fabrikam"}, "tenants come last, and nobody was asked in between"
    await approved(flow, id, "fabrikam", FABRIKAM)
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output
    assert live_on(flow, "2.0.0") == set(SITES)
    assert timedelta(hours=3) < flow.clock.now() - began < timedelta(hours=12)
    ramps = [each["stage"] for each in flow.world.records if each["action"] == "ramp.begins"]
    assert ramps == [stage.name for stage in STAGES[1:]], "one after the other, in the pipeline's order"


async def test_harm_in_the_third_region_brings_all_three_back_and_no_tenant_has_met_it(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *STAGES)
    await approved(flow, id, "north-europe", ALICE)
    await flow.until(lambda: stage_state(flow.world, "production-west-europe") == "ramping")
    assert live_on(flow, "2.0.0") == {"integration", "neu", "eus"}
    world(flow).harm["2.0.0"] = 5.0
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "HARM_PROVEN")
    assert output["words"].endswith("production-east-us, production-north-europe went back, too")
    assert live_on(flow, "2.0.0") == {"integration"}
    assert set(world(flow).shares.values()) == {0.0} and world(flow).most["weu"] <= 0.25
    assert [stage_state(flow.world, f"production-{tenant}") for tenant in ("contoso", "fabrikam")] == ["cancelled"] * 2
    assert [each["version"] for each in (await flow.lock("production-west-europe"))["rejected"]] == ["2.0.0"]


async def test_a_build_that_is_slower_under_load_than_the_release_before_never_reaches_production(
    flow: Workflow,
) -> None:
    first = await flow.promote(a_build("2.0.0"), STAGES[0])
    await flow.until_ended(first)
    world(flow).latency_ms["2.1.0"] = 60.0
    id = await flow.promote(a_build("2.1.0"), *(replace(each, retry_within_s=0) for each in STAGES), token="t2")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "LOAD_SLOWER_THAN_PREVIOUS")
    assert live_on(flow, "2.0.0") == {"integration"}


async def test_a_failover_in_mid_ramp_holds_the_share_and_the_ramp_goes_on_after_it(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), replace(STAGES[1], needs=(), bake_s=0, watch_s=0))
    await approved(flow, id, "north-europe", ALICE)
    await flow.until(lambda: world(flow).shares.get("neu", 0.0) == 0.05)
    flow.world.account = {**flow.world.account, "write": ["northeurope"]}
    held = flow.clock.now() + timedelta(minutes=10)
    await flow.until(lambda: flow.clock.now() >= held)
    assert world(flow).shares["neu"] == 0.05
    move = flow.world.rows["ramp:production-north-europe"]["doc"]["move"]
    assert move["code"] == "REGION_NOT_READY" and move["calls"]
    assert "the writes of tenanthub have moved from westeurope to northeurope" in move["words"]
    flow.world.account = {**flow.world.account, "write": ["westeurope"]}
    assert (await flow.until_ended(id))["outcome"] == "passed"
