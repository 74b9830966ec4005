"""What a group hears of its members' databases."""

import json
from dataclasses import replace
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.plan import StagePlan
from tests.promotion.builders import a_build, later
from tests.workflow.groups import AFTER, BEFORE, a_group, a_group_stage, a_member_stage
from tests.workflow.job_world import JobWorld
from tests.workflow.test_blue_green import until_told
from tests.workflow.test_migrations import MIGRATION, NEW, OLD
from tests.workflow.virtual import Workflow, a_run
from tests.workflow.world import Sides


async def test_a_group_brings_no_member_in_a_version_that_does_not_run_on_its_database() -> None:
    """api contracts its database by its own pipeline, then a group would bring it as it was before."""
    there = JobWorld({name: Sides(live=version) for name, version in BEFORE.items()})
    async with Workflow(there) as flow:

        async def promoted(built: Build, stage: StagePlan) -> dict[str, Any]:
            run = a_run(built, stage)
            run = replace(run, plan=replace(run.plan, service=built.service))
            await flow.post(f"orchestrators/promotion/{run.id}", json.dumps(run.dump()))
            await flow.until(lambda: there.of(run.id).ended)
            found: dict[str, Any] = (await flow.status(run.id))["output"]
            return found

        own = a_member_stage("api", migration=MIGRATION, watch_s=600.0)
        for n, (version, declared) in enumerate((("1.4.2", OLD), ("2.0.0", NEW), ("2.0.1", {"from": 13, "to": 14}))):
            built = a_build(version, service="api", schema=declared, finished_at=later(minutes=n))
            assert (await promoted(built, own))["outcome"] == "passed"
            if version == "2.0.0":
                await until_told(flow, "watch.contracted")
        back = a_group("2026.50", {**AFTER, "api": "1.4.2"}, finished_at=later(minutes=10))
        output = await promoted(back, a_group_stage())
        assert output["code"] == "SCHEMA_OUT_OF_RANGE"
        assert output["words"].endswith("api: the database is at 14, and 1.4.2 runs on 12 to 13")
        fits = a_group("2026.51", {**AFTER, "api": "2.0.0"}, finished_at=later(minutes=11))
        assert (await promoted(fits, a_group_stage()))["outcome"] == "passed"
        lock = await flow.entity("environment", "production--api")
        assert (lock["live"]["group"], lock["live"]["schema"]) == ("suite", NEW), "its range is still known"
