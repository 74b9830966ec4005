"""What the routes answer of pipelines and plans, as models: the OpenAPI document is made of them."""

from pydantic import Field

from slipway.promotion.after import After
from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.calendar.windows import Calendar
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.groups import GroupPlan
from slipway.promotion.job_plan import JobTest, Migration
from slipway.promotion.pipeline import Finding
from slipway.promotion.plan import ApprovalPolicy, HealthCheck, LoadTest, Target
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.release_parts.flag_wish import FlagWish
from slipway.promotion.rings import RingPlan
from slipway.promotion.under_policies import UnderPolicies
from triggers.answer_types import Answer, Moment, MomentOrNotYet


class ReasonShown(Answer):
    """Why a build may not go there now, or what is worth a warning. `code` is stable; `words` are for people.

    At `until` it ends by itself, for good or ill. `ended_by` is a command to type, else who or what ends it; empty:
    nothing does for this build.
    """

    code: str = Field(pattern="^[A-Z][A-Z0-9_]*$")
    words: str
    blocks: bool
    since: MomentOrNotYet
    until: MomentOrNotYet
    ended_by: str


class MayPromoteShown(Answer):
    """Whether the build's work there may begin now, or goes on: no reason blocks."""

    allowed: bool
    reasons: list[ReasonShown]


class PlannedStage(Answer):
    """A stage of a plan: durations in seconds, latencies in milliseconds, shares from 0 to 1.

    `watch_s`: how long the release is watched after its bake; `switch_approval`: who is asked before a blue-green
    switch. `max_parallel`: of how many targets the users are moved at a time, 0 is all. `ring`: where it stands, if it
    is a ring of a written stage. `group`: in which order its targets are switched, and of which services they are.
    `gates`: what has to pass before the stage, `switch_gates` before its switch, `hotfix_skips` which of them a hotfix
    may skip, once a second person has confirmed it. `calendar`: when builds enter; `after`: which services go first."""

    name: str
    environment: str
    needs: list[str]
    approval: ApprovalPolicy | None
    targets: list[Target]
    health: HealthCheck
    loads: list[LoadTest]
    rollout: str
    bake_s: float
    deploy_within_s: float
    lock_within_s: float
    retry_within_s: float
    on_newer_build: str
    canary: CanaryPlan | None
    watch_s: float
    blue_green: BlueGreenPlan | None
    switch_approval: ApprovalPolicy | None
    max_parallel: int
    ring: RingPlan | None
    configuration: ConfigurationPlan | None
    flags: list[FlagWish]
    group: GroupPlan | None
    tests: list[JobTest]
    migration: Migration | None
    reported: bool
    gates: list[GatePlan]
    switch_gates: list[GatePlan]
    hotfix_skips: list[str]
    calendar: Calendar
    after: list[After]
    policies: UnderPolicies | None
    may_promote: MayPromoteShown


class PlanShown(Answer):
    """What would happen to a build, and what would stop it now. `known`: it was taken in before, so nothing new begins.
    `builds`: of which CI systems' origins the pipeline takes builds, in words.

    `version` and `promotion` are empty when the question named no version.
    """

    service: str
    owner: str
    version: str
    promotion: str
    known: bool
    finished_at: Moment
    pipeline_digest: str
    artifact: str
    builds: list[str]
    stages: list[PlannedStage]


class Findings(Answer):
    """What is wrong with a pipeline, in the order of its text; nothing: this version can run it."""

    findings: list[Finding]


class DeployedPipeline(Answer):
    """A pipeline that builds are promoted by; `stages` in the order in which they start. `builds`: of which CI systems'
    origins it takes builds, in words."""

    service: str
    owner: str
    file: str
    digest: str = Field(pattern="^sha256:[0-9a-f]{64}$")
    builds: list[str]
    stages: list[str]


class DeployedPipelines(Answer):
    """The pipelines of this deployment; `findings` say which files are none, and why."""

    pipelines: list[DeployedPipeline]
    findings: list[Finding]
