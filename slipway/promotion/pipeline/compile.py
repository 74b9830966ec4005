"""A pipeline compiled into the plan that the orchestrators carry out."""

from collections.abc import Iterator
from dataclasses import replace

from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.calendar.windows import Calendar
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.groups import package_at
from slipway.promotion.job_plan import JobTest
from slipway.promotion.kinds import ROUTERS, TARGETS, router_for
from slipway.promotion.pipeline import models
from slipway.promotion.pipeline.blue_green import BlueGreenRollout
from slipway.promotion.pipeline.canary import CanaryRollout
from slipway.promotion.pipeline.compared_loads import with_loads
from slipway.promotion.pipeline.flag import FlagRollout
from slipway.promotion.pipeline.gates import Gate, gate_plans
from slipway.promotion.pipeline.graph import start_order
from slipway.promotion.pipeline.grouping import group_of
from slipway.promotion.pipeline.models import Cosmos, Headers, Pipeline, Ring, Stage
from slipway.promotion.pipeline.rollout import Rollout
from slipway.promotion.pipeline.stage_checks import rate_of
from slipway.promotion.plain import plain
from slipway.promotion.plan import ApprovalPolicy, Header, HealthCheck, LoadTest, PromotionPlan, StagePlan, Target
from slipway.promotion.planned_changes import ARTIFACT, CONFIGURATION
from slipway.promotion.rings import WRITE_REGION_LAST, RegionGate, RingPlan, ring_name


def compile_plan(pipeline: Pipeline, digest: str) -> PromotionPlan:
    """The plan of a pipeline that `read_pipeline` accepted; its stages come after those that they need. Each ring of a
    stage is a stage of its own, after the ring before it; whoever needs the stage needs its last ring."""
    stages = {stage.name: stage for stage in pipeline.stages}
    order = start_order({stage.name: stage.needs for stage in pipeline.stages})
    planned: list[StagePlan] = []
    for stage in (stages[name] for name in order):
        needs = tuple(last_of(stages[need]) for need in stage.needs)
        planned += _rings(stage, pipeline, needs) if stage.rings else [_stage(stage, pipeline, needs)]
    ends = {stage.name: last_of(stage) for stage in pipeline.stages}
    return PromotionPlan(
        service=pipeline.service,
        owner=pipeline.owner,
        pipeline_digest=digest,
        artifact=pipeline.artifact.address if pipeline.artifact else "",
        stages=with_loads([_naming_rings(plan, stages) for plan in planned], ends),
    )


def _naming_rings(plan: StagePlan, stages: dict[str, Stage]) -> StagePlan:
    """Its approvals, with each ring of a stage in its place, where whoever approved that stage is excluded."""
    compiled = {name: [each.name for each in rings_written_as_stages(stage)] for name, stage in stages.items()}

    def named(policy: ApprovalPolicy | None) -> ApprovalPolicy | None:
        if policy is None or not policy.not_approvers_of:
            return policy
        return replace(policy, not_approvers_of=tuple(ring for of in policy.not_approvers_of for ring in compiled[of]))

    return replace(plan, approval=named(plan.approval), switch_approval=named(plan.switch_approval))


def last_of(stage: Stage) -> str:
    """The compiled stage that has passed when `stage` has."""
    return ring_name(stage.name, stage.rings[-1].name) if stage.rings else stage.name


def rings_written_as_stages(stage: Stage) -> list[Stage]:
    """A stage for each ring, as it could have been written; the stage itself where it has none. Needs are left out."""
    return [_written(stage, ring, first=number == 0) for number, ring in enumerate(stage.rings or ())] or [stage]


def _written(stage: Stage, ring: Ring, first: bool) -> Stage:
    changed: dict[str, object] = {
        "name": ring_name(stage.name, ring.name),
        "environment": ring_name(stage.environment, ring.name),
        "targets": ring.targets,
        "approval": ring.approval or (stage.approval if first else None),
        "bake": stage.bake if ring.bake is None else ring.bake,
    }
    return stage.model_copy(update={**changed, "rollout": _of_the_ring(stage.rollout, ring)})


def _of_the_ring(rollout: Rollout, ring: Ring) -> Rollout:
    """The rollout, judged by the ring's own telemetry and dividing its own origins where it has some."""
    own = {name: value for name in ("workspace", "role") if (value := getattr(ring, name)) is not None}
    if isinstance(rollout, CanaryRollout):
        telemetry = rollout.canary.telemetry.model_copy(update=own)
        changed = {"telemetry": telemetry, "router": rollout.canary.router.of_ring(ring.origins)}
        return rollout.model_copy(update={"canary": rollout.canary.model_copy(update=changed)})
    if isinstance(rollout, BlueGreenRollout) and (given := rollout.blue_green.telemetry):
        switch = rollout.blue_green.model_copy(update={"telemetry": given.model_copy(update=own)})
        return rollout.model_copy(update={"blue_green": switch})
    return rollout


def _rings(stage: Stage, pipeline: Pipeline, needs: tuple[str, ...]) -> Iterator[StagePlan]:
    """A stage of its own for each ring."""
    rings = stage.rings or []
    regions = tuple(ring.region for ring in rings if ring.region)
    earlier: tuple[str, ...] = ()
    for number, (ring, written) in enumerate(zip(rings, rings_written_as_stages(stage), strict=True), 1):
        of = RingPlan(
            of=stage.name,
            environment=stage.environment,
            name=ring.name,
            number=number,
            count=len(rings),
            earlier=earlier,
            on_bad=stage.on_bad_ring,
            gate=_gate(stage.cosmos, ring.region or "", regions),
        )
        plan = _stage(written, pipeline, earlier[-1:] or needs)
        after = tuple(each.after(stage.environment) for each in stage.after)
        yield replace(plan, ring=of, max_parallel=ring.max_parallel or 0, after=after)
        earlier += (plan.name,)


def _gate(cosmos: Cosmos | None, region: str, regions: tuple[str, ...]) -> RegionGate | None:
    if cosmos is None:
        return None
    return RegionGate(cosmos.account, region, regions, cosmos.order == WRITE_REGION_LAST, cosmos.within)


def _stage(stage: Stage, pipeline: Pipeline, needs: tuple[str, ...]) -> StagePlan:
    health, configuration = stage.health, stage.configuration or pipeline.configuration
    gates = gate_plans(stage.gates)
    return StagePlan(
        name=stage.name,
        environment=stage.environment,
        needs=needs,
        approval=stage.approval.policy if stage.approval else None,
        targets=tuple(_target(each, stage, pipeline) for each in stage.targets or ()),
        health=HealthCheck(
            path=health.path,
            version_path=health.version_path,
            within_s=health.window,
            successes=health.successes,
            interval_s=health.interval,
            headers=_headers(health.headers),
        ),
        loads=_loads(stage, pipeline),
        tests=_tests(stage),
        migration=stage.migrate.plan if stage.migrate else None,
        rollout=_called(stage.rollout),
        bake_s=stage.bake,
        deploy_within_s=stage.deploy_within,
        lock_within_s=stage.lock_within,
        retry_within_s=stage.retry_within,
        on_newer_build=pipeline.on_newer_build,
        canary=_ramp(stage, pipeline),
        watch_s=stage.rollout.blue_green.keep if isinstance(stage.rollout, BlueGreenRollout) else stage.retain_previous,
        blue_green=_blue_green(stage, pipeline.service),
        switch_approval=_switch_approval(stage),
        gates=gates,
        switch_gates=gate_plans(_switch_gates(stage), [gate.name for gate in gates]),
        group=group_of(stage, pipeline),
        configuration=configuration.plan if configuration else None,
        reported=bool(pipeline.report),
        calendar=Calendar(
            tuple(each.window for each in stage.freeze),
            stage.hours.hours if stage.hours else None,
            stage.rate.rate if stage.rate else None,
        ),
        after=tuple(each.after(stage.environment) for each in stage.after),
        flags=tuple(flag.wish(stage.environment, pipeline.owner, pipeline.service) for flag in stage.flags),
    )


def _blue_green(stage: Stage, service: str) -> BlueGreenPlan | None:
    return stage.rollout.blue_green.plan(service, stage.bake) if isinstance(stage.rollout, BlueGreenRollout) else None


def _switch_approval(stage: Stage) -> ApprovalPolicy | None:
    asked = stage.rollout.blue_green.approval if isinstance(stage.rollout, BlueGreenRollout) else None
    return asked.policy if asked else None


def _switch_gates(stage: Stage) -> list[Gate]:
    if isinstance(stage.rollout, BlueGreenRollout):
        return stage.rollout.blue_green.gates
    return stage.rollout.canary.gates if isinstance(stage.rollout, CanaryRollout) else []


def _target(target: models.Target, stage: Stage, pipeline: Pipeline) -> Target:
    kind, settings = TARGETS[target.kind], target.settings
    idle = (target.slot or "staging") if kind.slots else ""
    if kind.planned and kind.artifacts:
        settings = {**settings, ARTIFACT: _artifact(target, pipeline)}
    if target.pointer and (configuration := stage.configuration or pipeline.configuration):
        place = configuration.plan.place(pipeline.service, "{version}", stage.environment)
        settings = {**settings, CONFIGURATION: {**plain(place), "service": pipeline.service}}
    made = Target(target.name, target.kind, target.resource, idle, target.within, settings)
    return made.running(package_at(made.image, target.member or pipeline.service, ""))


def _artifact(target: models.Target, pipeline: Pipeline) -> str:
    """Where its artifact lies; `{version}` stays in it."""
    holder = pipeline.members[target.member] if target.member else pipeline
    address = holder.artifact.address_for(target.kind) if holder.artifact else ""
    return package_at(address, target.member or pipeline.service, "")


def _called(rollout: Rollout) -> str:
    """The name of a rollout."""
    if isinstance(rollout, str):
        return rollout
    if isinstance(rollout, BlueGreenRollout):
        return "blue-green"
    return "canary" if isinstance(rollout, CanaryRollout) else "flag"


def _ramp(stage: Stage, pipeline: Pipeline) -> CanaryPlan | None:
    if isinstance(stage.rollout, FlagRollout):
        return stage.rollout.flag.plan(pipeline.service, pipeline.owner, stage.bake)
    if not isinstance(stage.rollout, CanaryRollout):
        return None
    kind = stage.rollout.canary.router.kind
    routers = [ROUTERS[kind]] if kind else [router_for(target.kind) for target in stage.targets or ()]
    return stage.rollout.canary.plan(pipeline.service, stage.bake, max(router.settle_s for router in routers))


def _loads(stage: Stage, pipeline: Pipeline) -> tuple[LoadTest, ...]:
    """The stage's load tests, named after their profile or test; a second one of a name gets a number."""
    tests: list[LoadTest] = []
    for load in stage.loads:
        rate_per_s, path = rate_of(load, pipeline.profiles)
        named = load.profile or (load.azure.name if load.azure else "load")
        tests.append(
            LoadTest(
                name=_free_name(named, [test.name for test in tests]),
                rate_per_s=rate_per_s,
                duration_s=load.duration or 0.0,
                path=path,
                p50_ms=load.p50,
                p95_ms=load.p95,
                p99_ms=load.p99,
                error_rate=load.error_rate,
                headers=_headers(load.headers),
                against=load.against or "",
                run=load.run,
            )
        )
    return tuple(tests)


def _tests(stage: Stage) -> tuple[JobTest, ...]:
    tests: list[JobTest] = []
    for written in stage.tests:
        tests.append(written.test(_free_name(written.name or "tests", [test.name for test in tests])))
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
