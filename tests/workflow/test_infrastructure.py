"""Infrastructure before the code that needs it, through the real orchestrators, in virtual time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.groups import GroupPlan
from slipway.promotion.outcomes import Answer, broken, failed, passed
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.planned_changes import ARTIFACT, PLAN_CHANGED, PLANNED
from slipway.promotion.stage_parts import not_whole
from tests.promotion.builders import a_build, a_policy, a_stage, a_vote
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Order, Sides, World

NET = Target("net", "bicep", "/stacks/net", "", settings={"stack": {}, "artifact": "https://feed/{version}.json"})
APP = Target("app", "app-service", "/sites/app", "staging")
BUILD = "https://artifacts/2.0.0.zip"  # where the plans of these tests have their packages
PIN = f"{BUILD}?versionid=one"
CHANGES = "DELETES 1 resource; 1 to create\n- delete old\n+ create new"
ASKED = "waiting for approval"


@dataclass
class PlannedWorld(World):
    """`net` is a stack: it has no address, its deployment is a plan, its switch applies what the order says."""

    refuses: str = ""
    drifted: bool = False
    half: bool = False
    plans: list[Order] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def _survey_targets(self, order: Order) -> Answer:
        found = super()._survey_targets(order)
        for name, site in found.result["sites"].items():
            if name == NET.name:
                site |= {"production": "", "live": "", "idle": ""}
        return found

    def _deploy(self, order: Order) -> Answer:
        if order["target"]["kind"] == "app-service":
            return super()._deploy(order)
        self.plans.append(order)
        if self.refuses:
            return failed(self.refuses, "net: DELETES 1 resource")
        return passed("would change net", changes=CHANGES, planned="print-1")

    def _swap(self, order: Order) -> Answer:
        self.orders.append(order)
        if order["target"]["kind"] == "app-service":
            return super()._swap(order)
        site, version = self.sites[NET.name], order["version"]
        if self.drifted and PLANNED in order["target"]["settings"]:
            return broken(PLAN_CHANGED, "it is not what was planned any more")
        self.effects[order["operation"]] += 1
        if self.half and version == "2.0.0":
            site.live, site.idle = not_whole(version), site.live
            return failed("STACK_FAILED", "a resource could not be made")
        site.live, site.idle = version, site.live
        return passed()


def production(*targets: Target, **changes: Any) -> StagePlan:
    levels = tuple((target.name,) for target in targets) if len(targets) > 1 else ()
    given = {"group": GroupPlan(levels) if levels else None, "rollout": "blue-green", "blue_green": BlueGreenPlan()}
    return a_stage("production", targets=targets, switch_approval=a_policy(), **{**given, **changes})


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(PlannedWorld({"net": Sides(), "app": Sides()})) as workflow:
        yield workflow


def world(flow: Workflow) -> PlannedWorld:
    assert isinstance(flow.world, PlannedWorld)
    return flow.world


def live(flow: Workflow) -> dict[str, str]:
    return {name: site.live for name, site in flow.world.sites.items()}


async def said_yes(flow: Workflow, id: str, command: str = "c1") -> None:
    await flow.until(lambda: stage_state(flow.world, "production") == ASKED)
    await flow.vote(id, "production", a_vote(), command)


async def test_people_see_what_would_change_and_exactly_that_is_applied_before_the_code(flow: Workflow) -> None:
    flow.world.registry[BUILD] = PIN
    id = await flow.promote(a_build("2.0.0"), production(NET, APP))
    await flow.until(lambda: stage_state(flow.world, "production") == ASKED)
    assert live(flow) == {"net": "1.0.0", "app": "1.0.0"}
    row = flow.world.rows["stage:production"]["doc"]
    assert [each.get("changes", "") for each in row["targets"]] == [CHANGES, ""]
    told = next(each for each in flow.world.records if each["action"] == "stage.waiting-for-approval")
    assert "would change net: DELETES 1 resource; 1 to create" in told["words"] and "- delete" not in told["words"]
    assert told["evidence"] == {"changes": {"net": CHANGES}}
    await flow.vote(id, "production", a_vote())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow) == {"net": "2.0.0", "app": "2.0.0"}
    assert [each["target"]["name"] for each in world(flow).orders if "handle" not in each or not each["handle"]][
        :2
    ] == [
        "net",
        "app",
    ]
    assert world(flow).orders[0]["target"]["settings"][PLANNED] == "print-1"
    assert world(flow).orders[0]["target"]["settings"][ARTIFACT] == PIN, "what was pinned is what is applied"
    checked = [
        step["target"] for step in flow.world.rows["stage:production"]["doc"]["steps"] if "verify" in step["name"]
    ]
    assert set(checked) == {"app"}, "what has no address is not probed"


async def test_the_image_that_plans_and_applies_infrastructure_is_pinned_with_the_build(flow: Workflow) -> None:
    image, pinned = "r/infra:{version}", "r/infra:2.0.0@sha256:1"
    flow.world.registry["r/infra:2.0.0"] = pinned
    target = replace(NET, kind="terraform", settings={"terraform": {"image": image, "within": 60.0}})
    id = await flow.promote(a_build("2.0.0"), production(target))
    await said_yes(flow, id)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    for order in (world(flow).plans[0], world(flow).orders[0]):
        assert order["target"]["settings"]["terraform"] == {"image": pinned, "within": 60.0}


async def test_code_that_fails_live_takes_its_infrastructure_back_with_it(flow: Workflow) -> None:
    flow.world.sick_live.add("2.0.0")
    id = await flow.promote(a_build("2.0.0"), production(NET, APP))
    await said_yes(flow, id)
    await flow.until(lambda: stage_state(flow.world, "production") == "failed")
    assert live(flow) == {"net": "1.0.0", "app": "1.0.0"}
    back = [each for each in world(flow).orders if ":swap-back:" in each["operation"]]
    assert list(dict.fromkeys(each["target"]["name"] for each in back)) == ["app", "net"], "the code first"
    assert all(PLANNED not in each["target"]["settings"] for each in back), "nobody has planned the way back"
    assert back[-1]["target"]["settings"][ARTIFACT] == NET.settings[ARTIFACT], "the version before has another pin"


async def test_a_stack_that_was_applied_in_part_goes_back(flow: Workflow) -> None:
    world(flow).half = True
    id = await flow.promote(a_build("2.0.0"), production(NET, APP))
    await said_yes(flow, id)
    await flow.until(lambda: stage_state(flow.world, "production") == "failed")
    assert live(flow) == {"net": "1.0.0", "app": "1.0.0"}
    assert flow.world.rows["stage:production"]["doc"]["code"] == "STACK_FAILED"


async def test_deletions_that_nobody_allowed_end_the_stage_before_people_are_asked(flow: Workflow) -> None:
    world(flow).refuses = "DELETES_REFUSED"
    await flow.promote(a_build("2.0.0"), production(NET, APP))
    await flow.until(lambda: stage_state(flow.world, "production") == "failed")
    assert flow.world.rows["stage:production"]["doc"]["code"] == "DELETES_REFUSED"
    assert live(flow) == {"net": "1.0.0", "app": "1.0.0"} and world(flow).orders == []


async def test_a_plan_that_changed_is_refused_by_name_and_a_retry_asks_people_anew(flow: Workflow) -> None:
    world(flow).drifted = True
    id = await flow.promote(a_build("2.0.0"), production(NET, retry_within_s=86_400.0))
    await said_yes(flow, id)
    await flow.until(lambda: stage_state(flow.world, "production") == "broken")
    assert flow.world.rows["stage:production"]["doc"]["code"] == PLAN_CHANGED
    assert live(flow)["net"] == "1.0.0"
    world(flow).drifted = False
    await flow.command(id, "retry", stage="production")
    await said_yes(flow, id, "c2")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow)["net"] == "2.0.0"


async def test_a_stack_that_holds_a_version_in_part_is_not_taken_to_be_live(flow: Workflow) -> None:
    flow.world.sites["net"] = replace(flow.world.sites["net"], live=not_whole("2.0.0"))
    id = await flow.promote(a_build("2.0.0"), production(NET))
    await said_yes(flow, id)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow)["net"] == "2.0.0"
