"""Jobs that a stage runs: what the activity `run_job` is told."""

from collections.abc import Mapping
from typing import Any

from orchestrators.fan_out import an_operation
from orchestrators.waiting import Context
from slipway.promotion.job_plan import JobPlan, JobTest, Migration
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.stage_run import StageRun

TESTS_FAILED, MIGRATION_FAILED = "TESTS_FAILED", "MIGRATION_FAILED"


def a_test(context: Context, run: StageRun, test: JobTest, target: Target) -> dict[str, Any]:
    """The operation of a target's tests, for the stage's present try; of those that run once with all addresses."""
    env = {
        "TARGET_URL": run.sites[target.name].idle,
        "TARGET_NAME": target.name,
        "SLIPWAY_COMMIT": run.build.commit,
    }
    if test.once:
        env["TARGET_URLS"] = " ".join(run.sites[each.name].idle for each in run.changing)
    service, version = run.service_of(target.name), run.version_of(target.name)
    where = f"{target.name}/{test.name}"
    ran = test.runs.run(service, version, test.args, {**_place(run), **env})
    order = {**_order(run, test.runs, where, plain(ran), run.fence_of(target.name)), "failed_as": TESTS_FAILED}
    id = run.operation(target, f"tests-{test.name}-{run.tick}")
    return an_operation(context, id, "run_job", order, test.within_s)


def a_migration(
    context: Context, run: StageRun, migration: Migration, step: str, to: int, id: str, fence: int
) -> dict[str, Any]:
    """The operation of `expand` or `contract`. An abort does not stop it: half a migration is worse than a whole one.
    It runs alone, since the one before may still be at it."""
    args = migration.expand if step == "expand" else migration.contract
    env = {**_place(run), "SLIPWAY_STEP": step, **({"SLIPWAY_SCHEMA_TO": str(to)} if to else {})}
    ran = migration.runs.run(run.build.service, run.build.version, args, env, alone=True)
    order = _order(run, migration.runs, "database", plain(ran), fence)
    order |= {"failed_as": MIGRATION_FAILED, "despite_abort": True}
    return an_operation(context, id, "run_job", order, migration.within_s)


def _place(run: StageRun) -> Mapping[str, str]:
    return {"SLIPWAY_ENVIRONMENT": run.plan.environment, "SLIPWAY_STAGE": run.plan.name}


def _order(run: StageRun, job: JobPlan, where: str, ran: dict[str, Any], fence: int) -> dict[str, Any]:
    """Under a fence of its own: a stage that was replaced starts nothing any more."""
    resource = f"job/{run.build.service}/{run.plan.environment}/{where}"
    target = Target(job.name, "container-apps-job", resource, "")
    ran = {**ran, "image": run.pinned(ran["image"])}
    return {"promotion": run.promotion, "target": plain(target), "fence": fence, "job": job.job, "run": ran}
