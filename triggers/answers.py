"""What the routes answer, as models: the OpenAPI document is made of them.

The routes answer plain dictionaries of the domain's views; tests hold every live answer against these.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from slipway.promotion.build_messages.slipway import SlipwayBuild
from slipway.promotion.outcomes import RUNNING, Outcome
from slipway.promotion.stage_phases import ROLLED_BACK, STATE_OF_PHASE
from triggers.answer_types import Answer, Moment, MomentOrNotYet
from triggers.approval_answers import ApprovalCardShown as ApprovalCardShown
from triggers.approval_answers import ApprovalState as ApprovalState  # the routes name every model as one of here
from triggers.approval_answers import Delegations as Delegations
from triggers.approval_answers import DelegationShown as DelegationShown
from triggers.approval_answers import LinkMade as LinkMade
from triggers.approval_answers import VoteCounted as VoteCounted
from triggers.audit_answers import ChainPage as ChainPage
from triggers.audit_answers import ChainPart as ChainPart
from triggers.environment_answers import Environments as Environments  # the routes name every model as one of here
from triggers.environment_answers import Intents as Intents
from triggers.environment_answers import IntentSaid as IntentSaid
from triggers.environment_answers import ServiceInEnvironment as ServiceInEnvironment
from triggers.plan_answers import DeployedPipelines as DeployedPipelines
from triggers.plan_answers import Findings as Findings
from triggers.plan_answers import MayPromoteShown
from triggers.plan_answers import PlanShown as PlanShown
from triggers.policy_answers import PoliciesShown as PoliciesShown
from triggers.rejected_answers import RejectedMessage as RejectedMessage
from triggers.rejected_answers import RejectedPage as RejectedPage
from triggers.rejected_answers import Resubmitted as Resubmitted

PROMOTION_STATES = ("running", "waiting", *(str(each) for each in Outcome))
STAGE_STATES = tuple(dict.fromkeys([*STATE_OF_PHASE.values(), *(str(each) for each in Outcome), ROLLED_BACK]))


def _promotion_state(text: str) -> str:
    if text not in PROMOTION_STATES:
        raise PydanticCustomError("state", "{words}", {"words": f"can be {', '.join(PROMOTION_STATES)}"})
    return text


PromotionState = Annotated[
    str, AfterValidator(_promotion_state), WithJsonSchema({"type": "string", "enum": [*PROMOTION_STATES]})
]
StageState = Annotated[str, WithJsonSchema({"type": "string", "enum": [*STAGE_STATES]})]
StepState = Annotated[str, WithJsonSchema({"type": "string", "enum": [RUNNING, *(str(each) for each in Outcome)]})]
RuntimeStatus = Literal[
    "Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended"
]


class Problem(Answer):
    """An error as RFC 9457 has it. `code` is stable; `detail` says what happened and what to do."""

    type: str
    title: str
    status: int
    code: str = Field(pattern="^[A-Z][A-Z0-9_]*$")
    detail: str
    instance: str


class Health(Answer):
    """`checks` say `ok`, or what is wrong."""

    status: Literal["ok", "ill"]
    checks: dict[str, str]
    version: str


class Accepted(Answer):
    """The message is on the queue; its promotion will be at `status_url`. `known`: it was taken in before."""

    promotion: str
    message_id: str
    status_url: str
    known: bool


class HookSaid(Answer):
    """What came is not for promotion; `code` says why, and is empty where nothing is done with such events."""

    code: str
    words: str


class Words(Answer):
    """What became of a command, in words."""

    words: str


class FlagShown(Answer):
    """A feature flag. `share` (0 to 1) of the users have it; null when its shape is not known. `expires` is a day, and
    empty without one; `services` are those whose pipelines ramp or switch it; `off` is whose word keeps it off, and
    why; `compared` which variant a comparison kept, when and why; `stale` says why it should go, or what it lacks."""

    name: str
    label: str
    share: float | None
    owner: str
    expires: str
    changed_at: MomentOrNotYet
    services: list[str]
    off: str
    compared: str
    stale: list[str]


class Flags(Answer):
    """By name and label."""

    flags: list[FlagShown]


class FlagSwitched(Answer):
    """The flag as it is now; the store had it `took_ms` after the request came."""

    words: str
    took_ms: int
    flag: FlagShown


class PromotionSummary(Answer):
    """A promotion as a list shows it. `waits_for` is in words."""

    id: str
    service: str
    version: str
    state: PromotionState
    waits_for: str
    started_at: MomentOrNotYet
    ended_at: MomentOrNotYet
    author: str
    branch: str
    commit: str


class PromotionPage(Answer):
    """`after` is the token of the next page."""

    promotions: list[PromotionSummary]
    after: str | None


class TargetState(Answer):
    """The versions that a target's sides answer; empty: not known yet. `preview`: where people can look at a blue-green
    release before its switch; empty: not now. `member`: of a group, the service whose target it is. `changes`: of a
    target that is planned first, what the release would change there: a line of counts, then one for each; else empty.
    """

    name: str
    member: str
    address: str
    preview: str
    changes: str
    live: str
    idle: str


class StepTaken(Answer):
    """One thing done to one target. `operation` is its id, `log` the end of what it printed where it did not pass."""

    name: str
    target: str
    operation: str
    state: StepState
    started_at: MomentOrNotYet
    ended_at: MomentOrNotYet
    words: str
    log: str = Field("", max_length=2000)


class ArmShown(Answer):
    """The users of one variant, each once: those who met it first, those who succeeded afterwards, those who met a
    failure. `name` is the variant's own, empty where the pipeline names none."""

    variant: Literal["control", "treatment"]
    name: str
    users: int
    converted: int
    bad: int


class ComparisonShown(Answer):
    """How a flag's variants compare by `success`, at `share` of the users, until `until` at the latest; both moments
    are empty before it begins. `lift` is how much more often users succeed with the treatment (0.03: 3 % more), `low`
    and `high` the ends of its interval, true at all looks at once with the chance `sure`; null where they are open. A
    difference below `better_by` counts as none. `look` is the last look, `missed` how many in a row had no answer;
    `code` and `words` are what the last answer showed."""

    success: str
    share: float
    better_by: float
    sure: float
    began_at: MomentOrNotYet
    until: MomentOrNotYet
    look: int
    missed: int
    code: str
    words: str
    lift: float | None
    low: float | None
    high: float | None
    arms: list[ArmShown]


class RampShown(Answer):
    """How far a stage's canary is: its `share` of the traffic (0 to 1) `since` then, the `tick` judged last, and what
    the judge said at that (`code` and `words`, empty before the first). `missing_requests` of the canary are needed
    before it can go on, which takes `missing_s` at this traffic; null: never, or requests are not what is missing.
    What the ramp does about it is its `move` (a code) and `move_words`: it may be held by a person's word, a signal, or
    a router that somebody changed. `calls`: a person must look. `notes`: what could not be seen or sent between two
    ticks, such as a top-up whose path is not there. `flag`: the feature flag that is ramped, with its label: then the
    share is of its users; empty for a canary's. `comparison`: of its two variants; null where the ramp makes none."""

    ramp: Literal["adaptive", "careful", "fixed"]
    steps: list[float]
    tick_s: float
    share: float
    tick: int
    began_at: MomentOrNotYet
    since: MomentOrNotYet
    deadline: MomentOrNotYet
    code: str
    words: str
    missing_requests: int
    missing_s: float | None
    move: str
    move_words: str
    calls: bool
    notes: str
    flag: str
    comparison: ComparisonShown | None


class GateShown(Answer):
    """A gate and what it says; all empty while it has not been asked. `before`: the stage's start, or its switch."""

    name: str
    kind: str
    before: Literal["start", "switch"]
    evidence: str
    outcome: str
    code: str
    words: str
    digest: str
    produced_at: MomentOrNotYet
    asked_at: MomentOrNotYet


class OverrideShown(Answer):
    """Gates of a stage that a build may skip until then, once another person has confirmed it (empty: nobody yet)."""

    id: str
    gates: list[str]
    reason: str
    by: str
    at: Moment
    until: Moment
    confirmed_by: str
    confirmed_at: MomentOrNotYet


class OverrideCounted(Answer):
    """What came of asking for an override, or of confirming one."""

    id: str
    words: str


class StageShown(Answer):
    """A stage; `instance` is the id of its orchestration, `runtime` that orchestration's own status.

    `may_promote`: whether the build may go there now; null when the stage is over. `ramp`: null while its present
    attempt has had no canary. `ring`: `ring 2 of 4 of production`, empty where the stage is none.
    """

    name: str
    environment: str
    ring: str
    needs: list[str]
    instance: str
    attempt: int
    state: StageState
    waits_for: str
    since: MomentOrNotYet
    deadline: MomentOrNotYet
    started_at: MomentOrNotYet
    ended_at: MomentOrNotYet
    code: str
    words: str
    runtime: RuntimeStatus | None
    approval: ApprovalState | None
    may_promote: MayPromoteShown | None
    ramp: RampShown | None
    targets: list[TargetState]
    steps: list[StepTaken]
    gates: list[GateShown]
    override: OverrideShown | None


class SaidOfPromotion(Answer):
    """Who aborted or paused it, when and why."""

    by: str
    at: Moment
    reason: str


class PauseOfPromotion(SaidOfPromotion):
    """A pause ends at `until` at the latest: stages that have not begun by then are cancelled."""

    until: Moment


class BuildShown(SlipwayBuild):
    """The build as it was taken in; `source` names the shape of its message."""

    model_config = ConfigDict(defer_build=True)

    source: str


class PromotionShown(Answer):
    """A promotion whole. One that has not begun yet has no more than the fields that are required.

    `waits_for_package` is the version of orchestrations that it waits for: a newer package began it.
    """

    id: str
    service: str
    version: str
    state: PromotionState
    waits_for: str
    runtime: RuntimeStatus | None
    stages: list[StageShown]
    started_at: MomentOrNotYet = ""
    ended_at: MomentOrNotYet = ""
    author: str = ""
    branch: str = ""
    commit: str = ""
    code: str = ""
    words: str = ""
    pipeline_digest: str = ""
    trace: str = ""
    waits_for_package: str = ""
    build: BuildShown | None = None
    aborted: SaidOfPromotion | None = None
    paused: PauseOfPromotion | None = None


class AuditEntry(Answer):
    """A record of the chain: `hash` is over the others, `prev` is the hash of the record before."""

    id: str
    at: Moment
    actor: str
    action: str
    words: str
    evidence: dict[str, Any]
    prev: str = Field(pattern="^[0-9a-f]{64}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$")


class AuditChain(Answer):
    """`intact`: every hash is right and follows its predecessor."""

    records: list[AuditEntry]
    intact: bool


class OpenApi(Answer):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
    tags: list[Any] = Field(default_factory=list)
