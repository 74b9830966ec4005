"""Gates that two people let a build skip, through the real orchestrators in virtual time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from slipway.promotion.outcomes import iso
from tests.promotion.builders import ALICE, a_build, a_policy, a_vote
from tests.workflow.gate_world import GateWorld, good
from tests.workflow.test_gates import COVERAGE, INCIDENT, SARIF, prod, recorded, row, said, waits, world
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

BAD = {"inline": "bad"}
WORDS = "skipped by Alice and Erin: the till is down"


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(GateWorld({"weu": Sides()})) as workflow:
        yield workflow


async def override(flow: Workflow, id: str, *gates: str, hours: float = 4, confirmed: bool = True) -> None:
    at = flow.clock.now()
    asked: dict[str, Any] = {"stage": "prod", "id": "o1", "gates": list(gates), "reason": "the till is down"}
    asked |= {"by": {"oid": "a", "name": "Alice"}, "at": iso(at), "until": iso(at + timedelta(hours=hours))}
    await flow.signal("decisions", id, "override", {**asked, "command": "a:1"})
    if confirmed:
        by = {"by": {"oid": "e", "name": "Erin"}, "author_oid": "b", "at": iso(at)}
        await flow.signal("decisions", id, "confirm_override", {"stage": "prod", "id": "o1", "command": "e:1", **by})


async def test_a_gate_that_waits_is_skipped_at_once_and_says_so_for_ever(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), prod(COVERAGE, SARIF))
    await flow.until(waits(flow, "checking gates"))
    began = flow.clock.now()
    await override(flow, id, "sarif")
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed" and flow.clock.now() - began < timedelta(minutes=15), output
    (told,) = recorded(flow, "gate-overridden")
    assert told["evidence"]["gate"] == "sarif" and told["evidence"]["override"] == "o1"
    assert said(flow, "sarif") == ("passed", "GATE_OVERRIDDEN") and said(flow, "coverage") == ("passed", "")
    assert row(flow)["gates"][1]["words"] == WORDS
    (release,) = [each for each in flow.world.ledger("prod") if each["version"] == "2.0.0"]
    assert release["overridden"] == {"sarif": WORDS}


async def test_one_person_alone_moves_nothing(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), prod(COVERAGE, SARIF))
    await flow.until(waits(flow, "checking gates"))
    await override(flow, id, "sarif", confirmed=False)
    output = await flow.until_ended(id)
    assert output["outcome"] != "passed" and not flow.world.deployed and not recorded(flow, "gate-overridden")


async def test_it_skips_what_it_names_and_nothing_else(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), prod(COVERAGE, SARIF, INCIDENT))
    await flow.until(waits(flow, "checking gates"))
    world(flow).unmet = {"incident"}
    await override(flow, id, "coverage")
    output = await flow.until_ended(id)
    assert output["outcome"] != "passed" and not flow.world.deployed
    assert said(flow, "coverage") == ("passed", ""), "it had passed by itself, and nobody says that it was skipped"


async def test_what_has_failed_is_tried_again_without_it(flow: Workflow) -> None:
    build = a_build("2.0.0", evidence={"coverage": BAD})
    id = await flow.promote(build, prod(COVERAGE, retry_within_s=7200.0))
    await flow.until(lambda: stage_state(flow.world, "prod") == "failed")
    await override(flow, id, "coverage")
    retry = {"command": "r1", "stage": "prod", "by": "Alice", "at": iso(flow.clock.now()), "reason": ""}
    await flow.signal("decisions", id, "retry", retry)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert said(flow, "coverage") == ("passed", "GATE_OVERRIDDEN")


async def test_one_that_is_over_by_the_time_of_the_lock_skips_nothing_any_more(flow: Workflow) -> None:
    """People take an hour to approve, and the override was for half of that."""
    plan = prod(SARIF, approval=a_policy(not_author=False))
    id = await flow.promote(a_build("2.0.0"), plan)
    await flow.until(waits(flow, "checking gates"))
    await override(flow, id, "sarif", hours=0.5)
    await flow.until(lambda: stage_state(flow.world, "prod") == "waiting for approval")
    assert said(flow, "sarif") == ("passed", "GATE_OVERRIDDEN")
    over = flow.clock.now() + timedelta(hours=1)
    await flow.until(lambda: flow.clock.now() >= over)
    await approve(flow, id)
    await flow.until_ended(id)
    assert recorded(flow, "gate-revoked") and not flow.world.deployed
    assert said(flow, "sarif")[1] == "EVIDENCE_MISSING"


async def approve(flow: Workflow, id: str) -> None:
    vote = a_vote(ALICE, at=flow.clock.now()).dump()
    await flow.signal("decisions", id, "vote", {"command": "v1", "stage": "prod", "vote": vote})


async def test_health_is_never_skipped(flow: Workflow) -> None:
    flow.world.sick_idle = {"2.0.0"}
    id = await flow.promote(a_build("2.0.0", evidence={}), prod(SARIF))
    await flow.until(waits(flow, "checking gates"))
    await override(flow, id, "sarif", "health")
    output = await flow.until_ended(id)
    assert output["outcome"] == "failed" and flow.world.deployed
