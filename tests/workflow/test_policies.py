"""The organisation's policies beside a stage on its way, through the real orchestrators in virtual time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrators.stage_policies import due
from slipway.promotion.approval import APPROVE
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.stage_phases import DEPLOY, LOCK, UNDO
from slipway.promotion.stage_run import StageRun
from slipway.promotion.under_policies import UnderPolicies
from tests.promotion.builders import ALICE, BOB, a_build, a_policy, a_stage, a_vote
from tests.workflow.policy_world import PolicyWorld
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

UNDER = UnderPolicies("team-checkout", "sha256:of-then")


def bakes(bake: str, more: str = "") -> str:
    return f"""
policies:
  - name: a-bake
    why: What dies at once must not count as proven.
    owner: team-risk
    applies_to: {{environments: [prod]}}
    requires: {{bake: {bake}}}
    {more}
"""


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(PolicyWorld({"weu": Sides()})) as workflow:
        world(workflow).clock = workflow.clock.now
        yield workflow


def world(flow: Workflow) -> PolicyWorld:
    assert isinstance(flow.world, PolicyWorld)
    return flow.world


def prod(**changes: Any) -> StagePlan:
    targets = (Target("weu", "app-service", "/sites/weu", "staging"),)
    return a_stage("prod", **({"targets": targets, "bake_s": 60.0, "policies": UNDER} | changes))


def row(flow: Workflow) -> dict[str, Any]:
    doc: dict[str, Any] = flow.world.rows["stage:prod"]["doc"]
    return doc


def recorded(flow: Workflow, action: str) -> list[dict[str, Any]]:
    return [each for each in flow.world.records if each["action"] == f"stage.{action}"]


async def test_which_policies_held_is_on_record_at_the_moment_of_promotion(flow: Workflow) -> None:
    world(flow).policies = bakes("30s")
    id = await flow.promote(a_build("2.0.0"), prod())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    (met,) = recorded(flow, "policies-met")
    assert met["evidence"]["policies"] == ["a-bake"] and met["evidence"]["digest"]
    actions = flow.world.actions()
    assert actions.index("prod/policies-met") < actions.index("prod/deploying")


async def test_an_exception_that_was_used_is_on_record_too(flow: Workflow) -> None:
    exempt = "{policy: a-bake, service: checkout, until: 2099-01-01, reason: A demo., approved_by: Ann}"
    world(flow).policies = bakes("1h") + f"exceptions: [{exempt}]"
    id = await flow.promote(a_build("2.0.0"), prod())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    (met,) = recorded(flow, "policies-met")
    assert met["evidence"]["exceptions"] == [{"policy": "a-bake", "until": "2099-01-01", "approved_by": "Ann"}]


async def test_a_frozen_plan_that_is_weaker_is_held_says_why_and_goes_on_once_it_is_met(flow: Workflow) -> None:
    world(flow).policies = bakes("1h")
    id = await flow.promote(a_build("2.0.0"), prod())
    await flow.until(lambda: bool(recorded(flow, "held-by-policies")))
    assert "the policy a-bake (organisation.yaml:3, owner team-risk) is not met" in row(flow)["waits_for"]
    assert row(flow)["waits_for"].endswith("To comply, write in the stage: bake: 1h") and not flow.world.deployed
    world(flow).policies = bakes("60s")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert len(recorded(flow, "held-by-policies")) == 1, "said once, however often it is looked"


async def test_what_is_not_met_for_as_long_as_a_lock_is_waited_for_ends_the_stage(flow: Workflow) -> None:
    world(flow).policies = bakes("1h")
    began = flow.clock.now()
    id = await flow.promote(a_build("2.0.0"), prod())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "POLICY_UNMET")
    took = flow.clock.now() - began
    assert timedelta(hours=1) <= took < timedelta(hours=1, seconds=1) and not flow.world.deployed


async def test_a_rule_may_say_that_what_does_not_meet_it_ends_at_once(flow: Workflow) -> None:
    world(flow).policies = bakes("1h", "on_change: cancel")
    began = flow.clock.now()
    id = await flow.promote(a_build("2.0.0"), prod())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "POLICY_UNMET") and flow.clock.now() == began


async def test_policies_that_cannot_be_read_hold_everything_until_they_are_mended(flow: Workflow) -> None:
    world(flow).policies = "policies: ["
    id = await flow.promote(a_build("2.0.0"), prod())
    await flow.until(lambda: bool(recorded(flow, "held-by-policies")))
    assert recorded(flow, "held-by-policies")[0]["evidence"]["code"] == "POLICIES_INVALID" and not flow.world.deployed
    world(flow).policies = bakes("30s")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_an_abort_is_heard_while_policies_hold_a_stage(flow: Workflow) -> None:
    world(flow).policies = bakes("1h")
    id = await flow.promote(a_build("2.0.0"), prod())
    await flow.until(lambda: bool(recorded(flow, "held-by-policies")))
    await flow.command(id, "abort")
    assert (await flow.until_ended(id))["code"] == "ABORTED"


async def test_a_rule_that_is_tightened_while_people_are_asked_holds_the_build_without_its_lock(flow: Workflow) -> None:
    world(flow).policies = bakes("30s")
    id = await flow.promote(a_build("2.0.0"), prod(approval=a_policy(), lock_within_s=600.0))
    await flow.until(lambda: stage_state(flow.world, "prod") == "waiting for approval")
    world(flow).policies = bakes("1h")
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE))
    (void,) = [each for each in flow.world.records if each["action"] == "approval.void"]
    assert "policies" in void["evidence"]["parts"], "who said yes did so under other rules"
    assert stage_state(flow.world, "prod") == "waiting for approval"
    await flow.vote(id, "prod", a_vote(BOB, APPROVE), "c2")
    await flow.until(lambda: bool(recorded(flow, "held-by-policies")))
    assert (await flow.lock("prod"))["holder"] is None and not flow.world.deployed
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "POLICY_UNMET")


async def test_a_rule_that_is_tightened_while_it_waits_for_its_lock_is_heard_at_the_grant(flow: Workflow) -> None:
    """Asked before the stage it was met; the lock comes later, and is given back for the next to take."""
    world(flow).policies = bakes("30s")
    looks = 0

    async def tighten(activity: str, _: dict[str, Any]) -> None:
        nonlocal looks
        looks += activity == "check_policies"
        world(flow).policies = bakes("1h") if looks > 1 else bakes("30s")

    world(flow).meanwhile = tighten
    id = await flow.promote(a_build("2.0.0"), prod(lock_within_s=600.0))
    await flow.until(lambda: bool(recorded(flow, "held-by-policies")))
    lock = await flow.lock("prod")
    assert looks >= 2 and (lock["holder"], lock["broken"]) == (None, None)
    assert not flow.world.deployed and flow.world.sites["weu"].live == "1.0.0"
    world(flow).meanwhile = None
    world(flow).policies = bakes("30s")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert len(recorded(flow, "policies-met")) == 1


def test_each_attempt_and_each_grant_of_the_lock_is_a_look_of_its_own() -> None:
    run = StageRun("p", "p:prod", prod(), a_build(), "", policies={"start": 1, "lock": 7})
    assert due(run.to(LOCK)) == "" and due(replace(run.to(LOCK), attempt=2)) == "start"
    assert due(replace(run.to(DEPLOY), fence=7)) == "" and due(replace(run.to(DEPLOY), fence=8)) == "lock"
    assert due(replace(run.to(LOCK), attempt=2, goes_back=True)) == "", "a way back asks no policy"
    assert due(replace(run.to(UNDO), attempt=2)) == ""


async def test_without_policies_nobody_is_asked(flow: Workflow) -> None:
    world(flow).policies = "policies: ["
    id = await flow.promote(a_build("2.0.0"), prod(policies=None))
    assert (await flow.until_ended(id))["outcome"] == "passed" and not recorded(flow, "policies-met")
