"""The HTTP API's answers, as far as the terminal shows them. What a newer server adds is ignored."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator

FINAL = ("passed", "failed", "cancelled", "broken", "not enough evidence")
RETRY = "retry"  # what a stage waits for that a person may have tried again
STATES = ("running", "waiting", *FINAL)

Moment = Annotated[datetime | None, BeforeValidator(lambda given: given or None)]  # "" says "not yet" too


class Vote(BaseModel):
    """`delegator`: in whose place it was cast, if so."""

    name: str
    delegator: str = ""
    decision: str
    at: datetime
    reason: str = ""


class Slot(BaseModel):
    of: list[str]
    by: str = ""


class Seal(BaseModel):
    """What is approved: a digest of each part, and one over all."""

    digest: str
    parts: dict[str, str] = {}


class Delegation(BaseModel):
    """`to` may approve in the place of `by`."""

    id: str
    by: str
    to: str
    until: datetime
    environment: str = ""
    service: str = ""
    reason: str = ""


class Delegations(BaseModel):
    delegations: list[Delegation]


class Approval(BaseModel):
    """Who is asked, and who answered. `slots` is empty where an older server does not say them."""

    approvers: list[str]
    at_least: int
    not_author: bool = False
    gate: str = "start"
    asks: str = ""
    comment: str = "optional"
    on_expiry: str = "reject"
    escalated_at: Moment = None
    slots: list[Slot] = []
    missing: str = ""
    seal: Seal | None = None
    deadline: Moment = None
    votes: list[Vote] = []
    decision: str | None = None


class Card(BaseModel):
    """What people read before they approve, and the digest of what that approves."""

    stage: str
    gate: str = "start"
    text: str
    seal: str = ""


class Target(BaseModel):
    """One deployable place: what answers at its address, and what waits on its idle side, seen at `preview`;
    `changes` is what a release would change where it is planned first."""

    name: str
    address: str | None = None
    preview: str = ""
    changes: str = ""
    live: str | None = None
    idle: str | None = None


class Step(BaseModel):
    """Something done to the whole stage (`target` empty) or to one target. `operation` is its id."""

    name: str
    target: str = ""
    operation: str = ""
    state: str
    started_at: Moment = None
    ended_at: Moment = None
    words: str | None = None
    log: str = ""


class Reason(BaseModel):
    """Why a build may not go there now, or what is worth a warning; `ended_by` is a command, or says who ends it."""

    code: str
    words: str
    blocks: bool = True
    since: Moment = None
    until: Moment = None
    ended_by: str = ""


class Flag(BaseModel):
    """A feature flag; `share` is None where its shape is not known, `stale` says why it should go, or what it lacks."""

    name: str
    label: str = ""
    share: float | None = None
    owner: str = ""
    expires: str = ""
    changed_at: Moment = None
    services: list[str] = []
    off: str = ""
    compared: str = ""
    stale: list[str] = []


class Flags(BaseModel):
    flags: list[Flag]


class MayPromote(BaseModel):
    allowed: bool
    reasons: list[Reason] = []


class Arm(BaseModel):
    """Users of one variant of a flag, each once."""

    variant: str
    name: str = ""
    users: int = 0
    converted: int = 0
    bad: int = 0


class Comparison(BaseModel):
    """How a flag's variants compare: `lift` is the treatment's, between `low` and `high` with the chance `sure`."""

    success: str
    sure: float = 0.95
    began_at: Moment = None
    until: Moment = None
    look: int = 0
    missed: int = 0
    code: str = ""
    words: str = ""
    lift: float | None = None
    low: float | None = None
    high: float | None = None
    arms: list[Arm] = []


class Ramp(BaseModel):
    """How far a canary is: its share (0 to 1) of the traffic, since when, and what the judge said last. With a `flag`
    the share is of that flag's users."""

    share: float
    tick: int = 0
    since: Moment = None
    deadline: Moment = None
    code: str = ""
    words: str = ""
    move: str = ""
    move_words: str = ""
    calls: bool = False
    notes: str = ""
    flag: str = ""
    comparison: Comparison | None = None


class Gate(BaseModel):
    """A gate before a stage or its switch; `outcome` is empty while it has not been asked."""

    name: str
    kind: str
    before: str = "start"
    evidence: str = ""
    outcome: str = ""
    code: str = ""
    words: str = ""
    digest: str = ""
    produced_at: Moment = None
    asked_at: Moment = None


class Override(BaseModel):
    """Gates that a build may skip until then, once another person has confirmed it."""

    id: str
    gates: list[str]
    reason: str
    by: str
    until: datetime
    confirmed_by: str = ""


class Stage(BaseModel):
    """One stage. What ended without having passed waits for a `retry` until its deadline, if it may have one."""

    name: str
    environment: str
    ring: str = ""
    needs: list[str] = []
    state: str
    waits_for: str | None = None
    since: Moment = None
    deadline: Moment = None
    started_at: Moment = None
    ended_at: Moment = None
    code: str | None = None
    words: str | None = None
    attempt: int = 1
    approval: Approval | None = None
    may_promote: MayPromote | None = None
    ramp: Ramp | None = None
    targets: list[Target] = []
    steps: list[Step] = []
    gates: list[Gate] = []
    override: Override | None = None

    @property
    def may_be_retried(self) -> bool:
        return self.state in FINAL and self.waits_for == RETRY


class Summary(BaseModel):
    """A promotion as a list shows it."""

    id: str
    service: str
    version: str
    state: str
    waits_for: str | None = None
    started_at: Moment = None
    ended_at: Moment = None
    author: str = ""
    branch: str = ""
    commit: str = ""

    @property
    def over(self) -> bool:
        return self.state in FINAL


class Promotions(BaseModel):
    promotions: list[Summary]
    after: str | None = None


class Said(BaseModel):
    """What a person told a promotion, and why."""

    by: str
    at: datetime
    reason: str = ""


class Pause(Said):
    """A pause, and when it ends at the latest."""

    until: datetime | None = None


class Promotion(Summary):
    """One promotion whole. `trace` is the id of all that was done for it, in Slipway's own telemetry;
    `waits_for_package` the version of the package that began it, where an older one runs now."""

    trace: str = ""
    waits_for_package: str = ""

    code: str | None = None
    words: str | None = None
    aborted: Said | None = None
    paused: Pause | None = None
    runtime: str | None = None
    stages: list[Stage]

    @property
    def stranded(self) -> bool:
        """Slipway's own orchestration ended without an outcome: nothing will happen any more."""
        return self.state not in FINAL and self.runtime in {"Failed", "Terminated"}

    @property
    def over(self) -> bool:
        """Whether nothing happens any more unless a person says so: a failed stage may be waiting for a retry."""
        return self.state in FINAL or self.stranded

    @property
    def stopped_at(self) -> datetime | None:
        """When it ended, or when its last stage did while it waits for a retry; None while it goes on."""
        if self.ended_at or self.state not in FINAL:
            return self.ended_at
        return max((stage.ended_at for stage in self.stages if stage.ended_at), default=None)


class PlannedStage(BaseModel):
    name: str
    may_promote: MayPromote


class LivePlan(BaseModel):
    """A plan beside what is live now: what would stop the build in each stage."""

    version: str = ""
    promotion: str = ""
    known: bool = False
    builds: list[str] = []
    stages: list[PlannedStage]


class Rejected(BaseModel):
    """A message that lies aside."""

    id: str
    at: datetime
    message_id: str = ""
    code: str
    reason: str
    deliveries: int = 0
    size: int
    cut: bool = False
    body: str
    resubmitted_by: str = ""


class RejectedPage(BaseModel):
    messages: list[Rejected]
    after: str | None = None
