"""A promotion's plan: a pipeline compiled into what the orchestrators carry out.

Frozen into the orchestration's input, so it travels as plain JSON through `dump` and `load`.
Durations are seconds (`_s`), latencies milliseconds (`_ms`), rates requests per second.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from slipway.promotion.after import After
from slipway.promotion.approval_policy import ApprovalPolicy as ApprovalPolicy
from slipway.promotion.approval_policy import load_policy as load_policy
from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.calendar.windows import Calendar
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.groups import GroupPlan, load_group, package_at
from slipway.promotion.job_plan import JobTest, Migration
from slipway.promotion.kinds.target import TargetKind
from slipway.promotion.kinds.targets import target_kind
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.plain import plain
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.release_parts.flag_wish import FlagWish
from slipway.promotion.rings import RingPlan, load_ring
from slipway.promotion.stored import known
from slipway.promotion.under_policies import UnderPolicies

SWITCH_WITHIN_S = 900.0
RUN_ENDS_WITHIN_S = 900.0  # after its time is over, a run is stopped and read once more


@dataclass(frozen=True)
class Target:
    """One deployable place: a resource, of an App Service with the slot that is its idle side.

    `within` names the part of the resource that it is, where several targets may share one. `settings` are the sections
    that describe a target of its kind further, by their keys.
    """

    name: str
    kind: str
    resource: str
    slot: str
    within: str = ""
    settings: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def of_kind(self) -> TargetKind:
        """What is known of its kind."""
        return target_kind(self.kind)

    @property
    def image(self) -> str:
        """What its job runs, of a target that is one, `{version}` in it; empty where it runs its own."""
        return str((self.settings.get("terraform") or {}).get("image") or "")

    def running(self, image: str) -> "Target":
        """The same target with that image for its job, where it is one that has one."""
        if not self.image:
            return self
        return replace(self, settings={**self.settings, "terraform": {**self.settings["terraform"], "image": image}})


@dataclass(frozen=True)
class Header:
    """A request header of a verification: `value` as it is sent, or `secret`, the name of one in the key vault.

    A secret's own value is never part of a plan: the activity that sends the header reads it just before.
    """

    name: str
    value: str = ""
    secret: str = ""


@dataclass(frozen=True)
class HealthCheck:
    """`successes` good answers in a row, `interval_s` apart, within `within_s`, from the version that was deployed."""

    path: str = "/healthz"
    version_path: str = "/version"
    within_s: float = 30.0
    successes: int = 3
    interval_s: float = 1.0
    timeout_s: float = 5.0
    headers: tuple[Header, ...] = ()

    @classmethod
    def load(cls, data: dict[str, Any]) -> "HealthCheck":
        return cls(**{**known(cls, data), "headers": load_headers(data)})


@dataclass(frozen=True)
class LoadTest:
    """An open-loop load of `rate_per_s` for `duration_s`, and the thresholds it must stay within.

    `against` is `previous` when the release must not be worse than the one before it, either; else empty. Where `run`
    is given, Azure Load Testing drives it, and the rate, duration and path are its test's own.
    """

    name: str
    rate_per_s: float
    duration_s: float
    path: str
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    error_rate: float | None = None
    headers: tuple[Header, ...] = ()
    against: str = ""
    run: LoadRunPlan | None = None

    @property
    def has_limits(self) -> bool:
        """Whether a threshold is given."""
        return any(limit is not None for limit in (self.p50_ms, self.p95_ms, self.p99_ms, self.error_rate))

    @property
    def longest_s(self) -> float:
        """By then it has an outcome, or is told that its time is over."""
        return self.run.within_s + RUN_ENDS_WITHIN_S if self.run else 2 * self.duration_s + 120

    @classmethod
    def load(cls, data: dict[str, Any]) -> "LoadTest":
        return cls(**{**known(cls, data), "headers": load_headers(data), "run": LoadRunPlan.load(data.get("run"))})


@dataclass(frozen=True)
class StagePlan:
    """One stage, in the order in which it happens: needs, `gates`, approval, lock, deploy, verify, `switch_gates`, ramp
    (or `switch_approval`), roll out, bake.

    `watch_s` is how long the release is watched after the bake, outside of the stage. Of `max_parallel` targets at a
    time the users are moved, 0 is all of them. `ring` says where a stage stands that is a ring of a written one,
    `group` how its targets belong together where they are switched in an order, or are of several services.
    `configuration` says where the settings of each build lie, `flags` what is switched once the release is live.
    `tests` run beside the loads; `migration` changes the database before the deployment, and after the old release.
    `reported`: a code host is told of it (`report` of the pipeline says which). `calendar` says when builds may enter,
    `after` what other services have to have live first. `hotfix_skips` are the gates that a hotfix may skip, once a
    second person has confirmed it. `policies`: the organisation has some, which are looked at before the stage and at
    its lock.
    """

    name: str
    environment: str
    needs: tuple[str, ...]
    approval: ApprovalPolicy | None
    targets: tuple[Target, ...]
    health: HealthCheck
    loads: tuple[LoadTest, ...]
    rollout: str
    bake_s: float
    deploy_within_s: float
    lock_within_s: float
    retry_within_s: float = 86_400.0
    on_newer_build: str = "queue"
    canary: CanaryPlan | None = None
    watch_s: float = 0.0
    blue_green: BlueGreenPlan | None = None
    switch_approval: ApprovalPolicy | None = None
    max_parallel: int = 0
    ring: RingPlan | None = None
    configuration: ConfigurationPlan | None = None
    flags: tuple[FlagWish, ...] = ()
    group: GroupPlan | None = None
    tests: tuple[JobTest, ...] = ()
    migration: Migration | None = None
    reported: bool = False
    gates: tuple[GatePlan, ...] = ()
    switch_gates: tuple[GatePlan, ...] = ()
    hotfix_skips: tuple[str, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)
    after: tuple[After, ...] = ()
    policies: UnderPolicies | None = None

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of its environment: of a ring its own, and that of the one which is written with rings."""
        return (self.environment, *([self.ring.environment] if self.ring else []))

    @property
    def all_gates(self) -> tuple[GatePlan, ...]:
        """Those before the stage, and those before its switch."""
        return (*self.gates, *self.switch_gates)

    @property
    def members(self) -> tuple[str, ...]:
        """The services of a group that have a target here, in the order of their names; none where there is no group
        of services."""
        return self.group.services if self.group else ()

    @property
    def levels(self) -> tuple[tuple[Target, ...], ...]:
        """The targets in the order of their switch; one level where none is given."""
        if not self.group or not self.group.levels:
            return (self.targets,)
        named = {target.name: target for target in self.targets}
        return tuple(tuple(named[name] for name in level) for level in self.group.levels)

    @property
    def rollback_reach(self) -> int:
        """To how many earlier releases every target of the stage can be returned."""
        return min((target.of_kind.returns_to for target in self.targets), default=0)

    @property
    def judged(self) -> CanaryPlan | None:
        """How a live release is judged by telemetry, in its bake and on watch; None where it is not."""
        return self.canary or (self.blue_green.judged if self.blue_green else None)

    @property
    def longest_operation_s(self) -> float:
        """By then each operation has an outcome or is told that its time is over; swaps and checks have an hour."""
        loads = [load.longest_s for load in self.loads]
        jobs = [test.within_s for test in self.tests] + ([self.migration.within_s] if self.migration else [])
        return max(3600.0, self.deploy_within_s, *loads, *jobs)

    def switch_within_s(self, target: Target) -> float:
        """How long the switch of a target may take: to apply what is planned takes as long as a deployment."""
        return max(SWITCH_WITHIN_S, self.deploy_within_s if target.of_kind.planned else 0.0)

    @property
    def reading(self) -> dict[str, Any]:
        """What whoever reads the version of a release is told: where it stands, and which secrets the release is sent
        and might answer with."""
        headers = [*self.health.headers, *(header for load in self.loads for header in load.headers)]
        secrets = sorted({header.secret for header in headers if header.secret})
        return {"version_path": self.health.version_path, "secrets": secrets}

    @property
    def way_back(self) -> str:
        """How this stage returns to the previous release, in words."""
        ways = dict.fromkeys(target.of_kind.way_back for target in self.targets)
        first = "a first release has none, so its failure leaves the lock shut until a person opens it"
        return "; ".join([*filter(None, ways), first])


@dataclass(frozen=True)
class PromotionPlan:
    """What will happen to a build of `service`."""

    service: str
    owner: str
    pipeline_digest: str
    artifact: str
    stages: tuple[StagePlan, ...]

    def artifact_of(self, version: str) -> str:
        """The address of a build's package; of no version, `{version}` stays in it."""
        return package_at(self.artifact, self.service, version)

    @property
    def artifacts(self) -> tuple[str, ...]:
        """The addresses of all that is deployed, each once, with their placeholders."""
        groups = [stage.group.packages for stage in self.stages if stage.group]
        packages = [self.artifact, *(package for packages in groups for package in packages.values())]
        packages += [target.image for stage in self.stages for target in stage.targets]
        return tuple(dict.fromkeys(address for package in packages for address in package.split()))

    def stage(self, name: str) -> StagePlan:
        """The stage of that name. Raises KeyError."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def dump(self) -> dict[str, Any]:
        dumped: dict[str, Any] = plain(self)
        return dumped

    @classmethod
    def load(cls, data: dict[str, Any]) -> "PromotionPlan":
        return cls(**{**known(cls, data), "stages": tuple(load_stage(stage) for stage in data["stages"])})


def load_stage(data: dict[str, Any]) -> StagePlan:
    """A stage from its JSON."""
    approval = data["approval"]
    return StagePlan(
        **{
            **known(StagePlan, data),
            "needs": tuple(data["needs"]),
            "approval": load_policy(approval) if approval else None,
            "targets": tuple(Target(**known(Target, target)) for target in data["targets"]),
            "health": HealthCheck.load(data["health"]),
            "loads": tuple(LoadTest.load(load) for load in data["loads"]),
            "canary": CanaryPlan.load(data["canary"]) if data.get("canary") else None,
            "blue_green": BlueGreenPlan.load(data["blue_green"]) if data.get("blue_green") else None,
            "switch_approval": load_policy(data["switch_approval"]) if data.get("switch_approval") else None,
            "ring": load_ring(data.get("ring")),
            "configuration": ConfigurationPlan.load(data.get("configuration")),
            "flags": tuple(FlagWish.load(flag) for flag in data.get("flags", ())),
            "group": load_group(data.get("group")),
            "tests": tuple(JobTest.load(test) for test in data.get("tests", ())),
            "migration": Migration.load(data.get("migration")),
            "gates": tuple(GatePlan.load(gate) for gate in data.get("gates", ())),
            "switch_gates": tuple(GatePlan.load(gate) for gate in data.get("switch_gates", ())),
            "hotfix_skips": tuple(data.get("hotfix_skips", ())),
            "calendar": Calendar.load(data.get("calendar")),
            "after": tuple(After(**known(After, each)) for each in data.get("after", ())),
            "policies": UnderPolicies.load(data.get("policies")),
        }
    )


def load_headers(data: dict[str, Any]) -> tuple[Header, ...]:
    """The `headers` in the JSON of a verification or of an order to run it; none in those of before they existed."""
    return tuple(Header(**known(Header, header)) for header in data.get("headers", ()))
