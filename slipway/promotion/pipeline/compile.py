"""A pipeline compiled into the plan that the orchestrators carry out."""

from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.kinds import router_for
from slipway.promotion.pipeline import models
from slipway.promotion.pipeline.blue_green import BlueGreenRollout
from slipway.promotion.pipeline.canary import CanaryRollout
from slipway.promotion.pipeline.graph import start_order
from slipway.promotion.pipeline.models import Headers, Pipeline, Stage
from slipway.promotion.pipeline.stage_checks import rate_of
from slipway.promotion.plan import ApprovalPolicy, Header, HealthCheck, LoadTest, PromotionPlan, StagePlan, Target


def compile_plan(pipeline: Pipeline, digest: str) -> PromotionPlan:
    """The plan of a pipeline that `read_pipeline` accepted; its stages come after those that they need."""
    stages = {stage.name: stage for stage in pipeline.stages}
    order = start_order({stage.name: stage.needs for stage in pipeline.stages})
    return PromotionPlan(
        service=pipeline.service,
        owner=pipeline.owner,
        pipeline_digest=digest,
        artifact=pipeline.artifact.address,
        stages=tuple(_stage(stages[name], pipeline) for name in order),
    )


def _stage(stage: Stage, pipeline: Pipeline) -> StagePlan:
    health = stage.health
    return StagePlan(
        name=stage.name,
        environment=stage.environment,
        needs=tuple(stage.needs),
        approval=stage.approval.policy if stage.approval else None,
        targets=tuple(_target(each) for each in stage.targets),
        health=HealthCheck(
            path=health.path,
            version_path=health.version_path,
            within_s=health.window,
            successes=health.successes,
            interval_s=health.interval,
            headers=_headers(health.headers),
        ),
        loads=_loads(stage, pipeline),
        rollout=_called(stage),
        bake_s=stage.bake,
        deploy_within_s=stage.deploy_within,
        lock_within_s=stage.lock_within,
        retry_within_s=stage.retry_within,
        on_newer_build=pipeline.on_newer_build,
        canary=_canary(stage, pipeline.service),
        watch_s=stage.rollout.blue_green.keep if isinstance(stage.rollout, BlueGreenRollout) else stage.retain_previous,
        blue_green=_blue_green(stage, pipeline.service),
        switch_approval=_switch_approval(stage),
    )


def _called(stage: Stage) -> str:
    """The name of the stage's rollout."""
    if isinstance(stage.rollout, BlueGreenRollout):
        return "blue-green"
    return "canary" if isinstance(stage.rollout, CanaryRollout) else stage.rollout


def _blue_green(stage: Stage, service: str) -> BlueGreenPlan | None:
    return stage.rollout.blue_green.plan(service, stage.bake) if isinstance(stage.rollout, BlueGreenRollout) else None


def _switch_approval(stage: Stage) -> ApprovalPolicy | None:
    asked = stage.rollout.blue_green.approval if isinstance(stage.rollout, BlueGreenRollout) else None
    return asked.policy if asked else None


def _target(target: models.Target) -> Target:
    idle = "" if target.kind == "container-apps" else target.slot or "staging"
    return Target(target.name, target.kind, target.resource, idle)


def _canary(stage: Stage, service: str) -> CanaryPlan | None:
    if not isinstance(stage.rollout, CanaryRollout):
        return None
    settle_s = max(router_for(target.kind).settle_s for target in stage.targets)
    return stage.rollout.canary.plan(service, stage.bake, settle_s)


def _loads(stage: Stage, pipeline: Pipeline) -> tuple[LoadTest, ...]:
    """The stage's load tests, named after their profile; a second one of a name gets a number."""
    tests: list[LoadTest] = []
    for load in stage.loads:
        rate_per_s, path = rate_of(load, pipeline.profiles)
        tests.append(
            LoadTest(
                name=_free_name(load.profile or "load", [test.name for test in tests]),
                rate_per_s=rate_per_s,
                duration_s=load.duration,
                path=path,
                p50_ms=load.p50,
                p95_ms=load.p95,
                p99_ms=load.p99,
                error_rate=load.error_rate,
                headers=_headers(load.headers),
                against=load.against or "",
            )
        )
    return tuple(tests)


def _headers(written: Headers) -> tuple[Header, ...]:
    return tuple(
        Header(name, value=value) if isinstance(value, str) else Header(name, secret=value.secret)
        for name, value in written.items()
    )


def _free_name(wanted: str, taken: list[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
