"""Gates before a stage, at its lock and before its switch, through the real orchestrators in virtual time."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.approval import APPROVE
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.outcomes import iso
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.stage_transitions import STAGE, stage_transition
from tests.promotion.builders import ALICE, a_build, a_policy, a_stage, a_vote
from tests.workflow import virtual
from tests.workflow.gate_world import GateWorld, good
from tests.workflow.test_flag_ramp import Generations
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

COVERAGE = GatePlan("coverage", "coverage", {"line": 0.8}, "coverage", 0.0, 3600.0)
SARIF = GatePlan("sarif", "sarif", {"new": 0}, "sarif", 0.0, 3600.0)
INCIDENT = GatePlan("incident", "kql", {"query": "Incidents"}, "", 0.0, 600.0)
CHANGE = GatePlan("change", "webhook", {"url": "https://changes.example"}, "", 3600.0, 600.0)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(GateWorld({"weu": Sides()})) as workflow:
        yield workflow


def world(flow: Workflow) -> GateWorld:
    assert isinstance(flow.world, GateWorld)
    flow.world.now = flow.clock.now
    return flow.world


def prod(*gates: GatePlan, **changes: Any) -> StagePlan:
    targets = (Target("weu", "app-service", "/sites/weu", "staging"),)
    return a_stage("prod", targets=targets, gates=gates, **changes)


async def supply(flow: Workflow, id: str, name: str, entry: dict[str, Any], command: str = "e1") -> None:
    given = {"command": command, "name": name, "digest": command, "entry": entry, "by": "Alice"}
    await flow.signal("decisions", id, "supply", {**given, "at": iso(flow.clock.now())})


def row(flow: Workflow) -> dict[str, Any]:
    doc: dict[str, Any] = flow.world.rows["stage:prod"]["doc"]
    return doc


def said(flow: Workflow, name: str) -> tuple[str, str]:
    gate = next(each for each in row(flow)["gates"] if each["name"] == name)
    return gate["outcome"], gate["code"]


def recorded(flow: Workflow, action: str) -> list[dict[str, Any]]:
    return [each for each in flow.world.records if each["action"] == f"stage.{action}"]


def waits(flow: Workflow, state: str) -> Callable[[], bool]:
    return lambda: stage_state(flow.world, "prod") == state and bool(row(flow)["waits_for"])


async def test_a_build_whose_gates_pass_goes_its_way_and_the_evidence_is_on_record(flow: Workflow) -> None:
    build = a_build("2.0.0", evidence={"coverage": good(), "sarif": good()})
    id = await flow.promote(build, prod(COVERAGE, SARIF, INCIDENT))
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output
    actions = flow.world.actions()
    assert actions.index("prod/gate-passed") < actions.index("prod/deploying")
    told = {each["evidence"]["gate"]: each["evidence"] for each in recorded(flow, "gate-passed")}
    assert told["coverage"]["digest"] == "sha256:good" and told["coverage"]["facts"] == {"line": 1}
    assert set(told) == {"coverage", "sarif", "incident"}
    assert said(flow, "coverage") == ("passed", "") and row(flow)["gates"][0]["produced_at"]


async def test_a_gate_that_fails_ends_the_stage_before_anybody_is_asked(flow: Workflow) -> None:
    build = a_build("2.0.0", evidence={"coverage": {"inline": "bad"}})
    id = await flow.promote(build, prod(COVERAGE, approval=a_policy()))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "COVERAGE_TOO_LOW")
    assert "gate coverage: 50 % of lines, 80 % are needed" in output["words"]
    assert "prod/waiting-for-approval" not in flow.world.actions() and not flow.world.deployed
    assert flow.world.sites["weu"].live == "1.0.0"


async def test_missing_evidence_is_waited_for_and_heard_at_once_when_it_comes(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), prod(COVERAGE))
    assert stage_state(flow.world, "prod") == "checking gates"
    assert f"slipway evidence add {id} coverage" in row(flow)["waits_for"]
    before = flow.clock.now()
    await supply(flow, id, "coverage", good())
    assert flow.clock.now() == before, "no timer was waited for"
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert [each["action"] for each in flow.world.records if "gate" in each["action"]] == [
        "stage.checking-gates", "stage.gate-open", "stage.waiting-for-gates", "stage.gate-passed"]  # fmt: skip


async def test_missing_evidence_that_nobody_supplies_fails_closed_at_the_gates_deadline(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), prod(COVERAGE))
    began = flow.clock.now()
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "EVIDENCE_MISSING")
    took = flow.clock.now() - began
    assert timedelta(hours=1) <= took < timedelta(hours=1, seconds=1) and not flow.world.deployed
    assert world(flow).asked["coverage"] == 1, "what is missing is not asked for again and again"


async def test_bad_evidence_that_is_supplied_in_the_place_of_none_fails(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), prod(COVERAGE))
    await supply(flow, id, "coverage", {"inline": "bad"})
    assert (await flow.until_ended(id))["code"] == "COVERAGE_TOO_LOW"


async def test_a_source_that_is_away_is_tried_again_and_then_the_release_is_not_blamed(flow: Workflow) -> None:
    world(flow).silent.add("coverage")
    id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), prod(COVERAGE, retry_within_s=3600))
    await flow.until(lambda: stage_state(flow.world, "prod") == "broken")
    assert row(flow)["code"] == "TIMED_OUT" and row(flow)["waits_for"] == "retry"
    world(flow).silent.clear()
    await flow.command(id, "retry")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_source_that_comes_back_in_time_is_enough(flow: Workflow) -> None:
    world(flow).silent.add("coverage")
    id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), prod(COVERAGE))
    await flow.until(lambda: said(flow, "coverage") == ("broken", "TIMED_OUT"))
    world(flow).silent.clear()
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_an_open_incident_is_waited_out_and_what_lasts_too_long_ends_the_stage(flow: Workflow) -> None:
    world(flow).unmet.add("incident")
    id = await flow.promote(a_build("2.0.0"), prod(INCIDENT))
    await flow.until(lambda: world(flow).asked["incident"] == 3)
    world(flow).unmet.clear()
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert len(recorded(flow, "gate-failed")) == 1, "the same answer is put on record once"
    world(flow).unmet.add("incident")
    late = await flow.promote(a_build("2.1.0"), prod(INCIDENT))
    output = await flow.until_ended(late)
    assert (output["outcome"], output["code"]) == ("failed", "GATE_UNMET")


async def test_evidence_that_grew_old_while_people_thought_is_revoked_at_the_lock(flow: Workflow) -> None:
    gate = GatePlan("coverage", "coverage", {"line": 0.8}, "coverage", 3600.0, 3600.0)
    build = a_build("2.0.0", evidence={"coverage": good(world(flow).now())})
    id = await flow.promote(build, prod(gate, approval=a_policy()))
    assert stage_state(flow.world, "prod") == "waiting for approval"
    await flow.engine.until_idle()
    flow.clock.advance_to(flow.clock.now() + timedelta(hours=2))
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()))
    await flow.until(waits(flow, "checking gates"))
    assert said(flow, "coverage") == ("not enough evidence", "EVIDENCE_STALE")
    assert (await flow.lock("prod"))["holder"] is None and not flow.world.deployed, "it holds no lock while it waits"
    (told,) = recorded(flow, "gate-revoked")
    assert told["evidence"]["gates"] == ["coverage"] and "too old" in told["words"]
    await supply(flow, id, "coverage", good(flow.clock.now()))
    assert stage_state(flow.world, "prod") == "waiting for approval", "people are asked anew, on the new evidence"
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()), command="c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_an_incident_that_opened_meanwhile_keeps_an_approved_build_from_its_lock(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), prod(INCIDENT, approval=a_policy()))
    world(flow).unmet.add("incident")
    flow.clock.advance_to(flow.clock.now() + timedelta(minutes=5))
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()))
    await flow.until(waits(flow, "checking gates"))
    assert not flow.world.deployed and recorded(flow, "gate-revoked")
    world(flow).unmet.clear()
    await flow.until(lambda: stage_state(flow.world, "prod") == "waiting for approval")
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()), command="c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_worse_evidence_that_comes_while_people_are_asked_revokes_what_had_passed(flow: Workflow) -> None:
    build = a_build("2.0.0", evidence={"coverage": good()})
    id = await flow.promote(build, prod(COVERAGE, approval=a_policy()))
    assert stage_state(flow.world, "prod") == "waiting for approval"
    await supply(flow, id, "coverage", {"inline": "bad"})
    await flow.until(lambda: flow.world.ended)
    assert row(flow)["code"] == "COVERAGE_TOO_LOW" and recorded(flow, "gate-revoked")
    state = await flow.entity("decisions", id)
    assert state["stages"]["prod"]["decision"] == "withdrawn"


async def test_better_evidence_that_comes_while_people_are_asked_asks_them_anew(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), prod(COVERAGE, approval=a_policy()))
    await supply(flow, id, "coverage", good(flow.clock.now()))
    assert stage_state(flow.world, "prod") == "waiting for approval"
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flow.world.actions().count("prod/waiting-for-approval") == 2


async def test_evidence_that_comes_while_the_stage_waits_for_its_lock_is_judged_at_the_grant(flow: Workflow) -> None:
    first = await flow.begin(a_build("1.9.0"), prod(bake_s=3600))
    await flow.until(lambda: flow.world.of(first).rows.get("stage:prod", {}).get("doc", {}).get("state") == "baking")
    id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), prod(COVERAGE, lock_within_s=7200))
    assert stage_state(flow.world, "prod") == "waiting for the lock"
    await supply(flow, id, "coverage", {"inline": "bad"})
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "COVERAGE_TOO_LOW")
    assert "at the moment of promotion" in output["words"]
    lock = await flow.lock("prod")
    assert (lock["holder"], lock["broken"], lock["live"]["version"]) == (None, None, "1.9.0")


async def test_the_gates_of_a_switch_are_asked_once_the_idle_side_is_verified(flow: Workflow) -> None:
    world(flow).unmet.add("incident")
    id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), prod(COVERAGE, switch_gates=(INCIDENT,)))
    await flow.until(waits(flow, "checking gates"))
    assert flow.world.sites["weu"].idle == "2.0.0" and flow.world.sites["weu"].live == "1.0.0"
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "GATE_UNMET")
    assert flow.world.sites["weu"].live == "1.0.0" and (await flow.lock("prod"))["holder"] is None


async def test_gates_are_looked_at_again_after_people_approved_the_switch(flow: Workflow) -> None:
    stage = prod(INCIDENT, switch_approval=a_policy(), rollout="blue-green")
    id = await flow.promote(a_build("2.0.0"), stage)
    await flow.until(lambda: stage_state(flow.world, "prod") == "waiting for approval")
    asked = world(flow).asked["incident"]
    flow.clock.advance_to(flow.clock.now() + timedelta(minutes=5))
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert world(flow).asked["incident"] == asked + 1


async def test_an_answer_of_others_that_grew_old_is_asked_for_anew_without_the_lock(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), prod(CHANGE, approval=a_policy()))
    flow.clock.advance_to(flow.clock.now() + timedelta(hours=2))
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()))
    await flow.until(lambda: stage_state(flow.world, "prod") == "waiting for approval")
    assert world(flow).asked["change"] == 2 and "grown" not in row(flow)["waits_for"]
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()), command="c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"


@pytest.mark.parametrize("gates", [(COVERAGE,), (INCIDENT,)], ids=["missing", "unmet"])
async def test_an_abort_ends_the_wait_for_gates(flow: Workflow, gates: tuple[GatePlan, ...]) -> None:
    world(flow).unmet.add("incident")
    id = await flow.promote(a_build("2.0.0"), prod(*gates))
    await flow.abort(id)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "ABORTED")


async def test_a_wait_for_gates_costs_a_look_a_minute_and_no_long_history(flow: Workflow) -> None:
    many = tuple(GatePlan(f"c{n}", "coverage", {}, f"c{n}") for n in range(10))
    build = a_build("2.0.0", evidence={f"c{n}": good() for n in range(10)})
    await flow.until_ended(await flow.promote(build, prod(*many)))
    assert len(recorded(flow, "gate-passed")) == 10


async def test_records_that_are_not_taken_while_the_lock_is_given_back_change_nothing_of_it(flow: Workflow) -> None:
    """The generation begins again without the lock, and comes to the same end."""
    id = await flow.promote(a_build("2.0.0"), prod(INCIDENT, approval=a_policy()))
    world(flow).unmet.add("incident")
    flow.clock.advance_to(flow.clock.now() + timedelta(minutes=5))

    async def away(activity: str, order: dict[str, Any]) -> None:
        if activity == "record" and order["action"] == "stage.gate-revoked" and not flow.world.away["record"]:
            flow.world.away["record"] = 11 if not told else 0
            told.append(activity)

    told: list[str] = []
    flow.world.meanwhile = away
    await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()))
    await flow.until(waits(flow, "checking gates"))
    lock = await flow.lock("prod")
    assert told and (lock["holder"], lock["broken"]) == (None, None) and len(recorded(flow, "gate-revoked")) == 1
    world(flow).unmet.clear()
    await flow.until(lambda: stage_state(flow.world, "prod") == "waiting for approval")


async def test_stages_with_gates_go_the_ways_that_the_table_of_states_has(flow: Workflow) -> None:
    generations = Generations()
    virtual.watchers.append(generations)
    try:
        gate = GatePlan("incident", "kql", {}, "", 0.0, 120.0)
        stage = prod(COVERAGE, gate, switch_approval=a_policy(), rollout="blue-green")
        id = await flow.promote(a_build("2.0.0", evidence={"coverage": good()}), stage)
        await flow.until(lambda: stage_state(flow.world, "prod") == "waiting for approval")
        flow.clock.advance_to(flow.clock.now() + timedelta(minutes=5))
        await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()))
        await flow.until_ended(id)
        world(flow).unmet.add("incident")
        await flow.until_ended(await flow.promote(a_build("2.1.0", evidence={"coverage": good()}), prod(gate)))
        await flow.until_ended(await flow.promote(a_build("2.2.0"), prod(COVERAGE)))
    finally:
        virtual.watchers.remove(generations)
    pairs = zip(generations.runs, generations.runs[1:], strict=False)
    same = (pair for pair in pairs if pair[0].instance == pair[1].instance and pair[0] != pair[1])
    taken = {stage_transition(*pair) for pair in same}
    assert taken - STAGE.transitions == set()
    assert {each.state for each in taken} >= {"gates", "gates at the lock", "switch gates", "gates at the switch"}


async def test_a_host_that_dies_while_gates_are_waited_for_goes_on_where_it_was(tmp_path: Path) -> None:
    async with Workflow(GateWorld({"weu": Sides()}), str(tmp_path / "hub.sqlite")) as flow:
        id = await flow.promote(a_build("2.0.0"), prod(COVERAGE, INCIDENT, approval=a_policy()))
        await flow.restart()
        assert stage_state(flow.world, "prod") == "checking gates"
        await supply(flow, id, "coverage", good(flow.clock.now()))
        assert stage_state(flow.world, "prod") == "waiting for approval"
        await flow.restart()
        flow.clock.advance_to(flow.clock.now() + timedelta(minutes=5))
        await flow.vote(id, "prod", a_vote(ALICE, APPROVE, at=flow.clock.now()))
        assert (await flow.until_ended(id))["outcome"] == "passed"
        assert world(flow).asked == {"coverage": 2, "incident": 2}
