"""A pipeline compiled into the plan that the orchestrators carry out."""

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.kinds import router_for
from slipway.promotion.pipeline import models
from slipway.promotion.pipeline.canary import CanaryRollout
from slipway.promotion.pipeline.flag import FlagRollout
from slipway.promotion.pipeline.graph import start_order
from slipway.promotion.pipeline.models import Approval, Headers, Pipeline, Stage
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
        approval=_policy(stage.approval) if stage.approval else None,
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
        rollout=_rollout(stage.rollout),
        bake_s=stage.bake,
        deploy_within_s=stage.deploy_within,
        lock_within_s=stage.lock_within,
        retry_within_s=stage.retry_within,
        on_newer_build=pipeline.on_newer_build,
        canary=_ramp(stage, pipeline),
        watch_s=stage.retain_previous,
    )


def _target(target: models.Target) -> Target:
    idle = "" if target.kind == "container-apps" else target.slot or "staging"
    return Target(target.name, target.kind, target.resource, idle)


def _rollout(rollout: str | CanaryRollout | FlagRollout) -> str:
    if isinstance(rollout, CanaryRollout):
        return "canary"
    return "flag" if isinstance(rollout, FlagRollout) else rollout


def _ramp(stage: Stage, pipeline: Pipeline) -> CanaryPlan | None:
    if isinstance(stage.rollout, FlagRollout):
        return stage.rollout.flag.plan(pipeline.service, pipeline.owner, stage.bake)
    if not isinstance(stage.rollout, CanaryRollout):
        return None
    settle_s = max(router_for(target.kind).settle_s for target in stage.targets)
    return stage.rollout.canary.plan(pipeline.service, stage.bake, settle_s)


def _policy(approval: Approval) -> ApprovalPolicy:
    return ApprovalPolicy(
        approvers=tuple(approval.approvers),
        at_least=approval.at_least,
        not_author="author" in approval.excluded,
        within_s=approval.within,
    )


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
