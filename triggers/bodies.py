"""What the routes read: bodies and queries, as models. Imported by the routes when a request is there to be read."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from slipway.adapters.read_model import PAGE_TOKEN, RELEASE_TOKEN
from slipway.promotion.build import Build
from slipway.promotion.build_messages.evidence import Evidence, is_evidence_name
from slipway.promotion.build_messages.slipway import DatabaseSchema, FinishedAt, Service, SlipwayBuild, Version
from slipway.promotion.groups import digest_of_members
from slipway.promotion.outcomes import iso
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between
from slipway.promotion.pipeline.vocabulary import Name
from slipway.promotion.set_aside import MESSAGE_ID, place_of
from triggers.answers import PromotionState
from triggers.http import LARGEST_MESSAGE, BadRequest

__all__ = ["Again", "Approval", "Command", "Intent", "LintAsked", "PlanAsked", "PromotionsQuery", "SlipwayBuild"]

LONGEST_PAGE = 100
LONGEST_HOLD = timedelta(days=90)
STORAGE_MARKER = r"^[!-~]*$"  # of the next page: others are echoed into XML, which then nobody can read
ONE_LINE = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$"  # and not of blanks alone
ResourceId = Annotated[str, Field(pattern=r"^/subscriptions/[^\x00-\x1f]{1,500}$")]
HoldTime = Annotated[float, BeforeValidator(between("1m", "90d")), DURATION_SCHEMA]


class Approval(BaseModel):
    """The body. `command` makes a repeated request count once. `gate` says which approval is meant where a stage asks
    twice: before it starts, or before its switch; left out, it is the one that is asked for. `seal` is the digest of
    what the person saw: of anything else the vote is refused. `take-back`: before the decision, one's own vote."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["approve", "reject", "take-back"]
    reason: str = Field(default="", max_length=1000)
    gate: Literal["", "start", "switch"] = ""
    seal: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    link: str = Field(default="", max_length=1500, description="What stands behind the # of a link to the approval.")
    command: str = Field(default_factory=lambda: str(uuid.uuid4()), min_length=1, max_length=64)


class LinkWanted(BaseModel):
    """The body. `to`: the one person for whom it is, as an object id, or a login, name or author's name of the file of
    people; left out, anybody who may vote. `for`: how long it is good, at most until the approval's end."""

    model_config = ConfigDict(extra="forbid")
    to: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f]*$")
    decision: Literal["", "approve", "reject"] = ""
    lasts_s: HoldTime | None = Field(default=None, alias="for")


class OverrideWanted(BaseModel):
    """The body. `gates` are names of gates of the stage; `for` is how long they are skipped from now on."""

    model_config = ConfigDict(extra="forbid")
    gates: list[Annotated[str, Field(min_length=1, max_length=63)]] = Field(min_length=1, max_length=20)
    reason: str = Field(min_length=1, max_length=500, pattern=ONE_LINE)
    lasts_s: Annotated[float, BeforeValidator(between("1m", "24h")), DURATION_SCHEMA] = Field(14_400.0, alias="for")
    command: str = Field(default_factory=lambda: str(uuid.uuid4()), min_length=1, max_length=64)


class OverrideConfirmed(BaseModel):
    """The body. `id` is the override's, as the stage shows it: what was read is what is confirmed."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(min_length=1, max_length=64)
    command: str = Field(default_factory=lambda: str(uuid.uuid4()), min_length=1, max_length=64)


class Command(BaseModel):
    """The body. `id` makes a repeated request count once; `stage` says which one is meant, if there are several;
    `promote` needs a `reason`."""

    model_config = ConfigDict(extra="forbid")
    command: str = Field(max_length=32)
    reason: str = Field(default="", max_length=1000)
    stage: str = Field(default="", max_length=63)
    id: str = Field(default_factory=lambda: str(uuid.uuid4()), min_length=1, max_length=64)

    @model_validator(mode="after")
    def _says_why(self) -> "Command":
        if self.command == "promote" and not self.reason.strip():
            raise BadRequest(422, "INVALID_BODY", "reason: who gives a release all the traffic unproven says why")
        return self


def _evidence_name(text: str) -> str:
    if not is_evidence_name(text):
        raise ValueError("is not the name of evidence: small letters and digits, and - _ . between")
    return text


class EvidenceGiven(Evidence):
    """The body. `name` is the evidence's, as the gate that reads it has it; `command` makes a repeated request count
    once."""

    name: Annotated[str, AfterValidator(_evidence_name)] = Field(min_length=1, max_length=63)
    command: str = Field(default_factory=lambda: str(uuid.uuid4()), min_length=1, max_length=64)

    @property
    def told(self) -> dict[str, Any]:
        return self.model_dump(exclude_defaults=True, exclude={"name", "command"})


class GateAnswered(BaseModel):
    """The body. `facts` are kept beside the answer in the audit."""

    model_config = ConfigDict(extra="forbid")
    outcome: Literal["passed", "failed"]
    words: str = Field(default="", max_length=500)
    facts: dict[str, Annotated[str, Field(max_length=200)] | int | float | bool] = Field({}, max_length=20)

    @property
    def told(self) -> dict[str, Any]:
        return self.model_dump()


class Again(BaseModel):
    """The body."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=1000)


class Intent(BaseModel):
    """The body. Each has an end: `for` (a duration) or `expires_at`; a rejection needs none, and is for 90 days then. A
    `stop` may leave out environment, service, or both, and is of all of them. Of a rejection the `version`; of a freeze
    from when on (`from`, else now), what it excepts and what becomes of a rollout that is on its way when it begins."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["hold", "reject", "freeze", "stop"]
    environment: str = Field("", max_length=63)
    service: str = Field("", max_length=63)
    reason: str = Field(min_length=1, max_length=500)
    lasts_s: HoldTime | None = Field(default=None, alias="for")
    expires_at: AwareDatetime | None = None
    version: Version | None = None
    begins_at: AwareDatetime | None = Field(default=None, alias="from")
    excepted: list[Literal["hotfix"]] = Field(default_factory=list, alias="except", max_length=1)
    on_begin: Literal["finish", "pause", "roll-back"] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Intent":
        if self.kind != "stop" and not (self.environment and self.service):
            raise ValueError(f"a {self.kind} says where: `environment` and `service`")
        if (self.kind == "reject") != (self.version is not None):
            raise ValueError("`version` is what is rejected, and belongs to no other kind")
        if self.kind != "freeze" and (self.begins_at or self.excepted or self.on_begin):
            raise ValueError("`from`, `except` and `on_begin` belong to a freeze")
        ends = [self.lasts_s, self.expires_at].count(None)
        if ends == 0 or (ends == 2 and self.kind != "reject"):
            raise ValueError("say when it ends: either `for` or `expires_at`")
        return self

    def ends(self, at: datetime) -> datetime:
        """When it ends, if it is said at `at`. Raises BadRequest for an end that has passed or is too far away."""
        begins = max(self.begins_at or at, at)
        ends = self.expires_at or begins + (timedelta(seconds=self.lasts_s) if self.lasts_s else LONGEST_HOLD)
        if not begins < ends <= at + LONGEST_HOLD:
            words = f"expires_at: a {self.kind} ends after now and within {LONGEST_HOLD.days} days"
            raise BadRequest(422, "INVALID_BODY", words)
        return ends

    def own(self) -> dict[str, Any]:
        """What belongs to its kind alone, as the lock keeps it."""
        if self.kind == "freeze":
            begins = iso(self.begins_at) if self.begins_at else ""
            return {"begins_at": begins, "but": list(self.excepted), "on_begin": self.on_begin or "finish"}
        return {"version": self.version} if self.version else {}


class IntentsQuery(BaseModel):
    """`all`: those that are over, too, as far as they are remembered."""

    model_config = ConfigDict(extra="forbid")
    all: bool = Field(False, description="Those that are over, too.")


class Delegate(BaseModel):
    """The body. `to`: an object id, or a login, name or author's name of the file of people. It has an end: `for` (a
    duration) or `until`."""

    model_config = ConfigDict(extra="forbid")
    to: str = Field(min_length=1, max_length=200, pattern=ONE_LINE)
    lasts_s: HoldTime | None = Field(default=None, alias="for")
    until: AwareDatetime | None = None
    environment: Name | Literal[""] = ""
    service: Name | Literal[""] = ""
    reason: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _has_one_end(self) -> "Delegate":
        if (self.lasts_s is None) == (self.until is None):
            raise ValueError("say when it ends: either `for` or `until`")
        return self

    def ends(self, at: datetime) -> datetime:
        """When it ends, if it begins at `at`. Raises BadRequest for an end that has passed or is too far away."""
        if self.until is None:
            return at + timedelta(seconds=self.lasts_s or 0)
        if not at < self.until <= at + LONGEST_HOLD:
            words = f"until: a delegation ends after now and within {LONGEST_HOLD.days} days"
            raise BadRequest(422, "INVALID_BODY", words)
        return self.until


class FlagOff(BaseModel):
    """The body. `label` says which flag of that name is meant; left out, it is the only one."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=500, pattern=ONE_LINE)
    label: str | None = Field(default=None, max_length=100)


class FlagQuery(BaseModel):
    """Which flag of that name is meant; left out, it is the only one."""

    model_config = ConfigDict(extra="forbid")
    label: str | None = Field(None, max_length=100, description="The flag's label; empty for none.")


class AlertEssentials(BaseModel):
    """What the common alert schema says of every alert; more may come along."""

    model_config = ConfigDict(extra="ignore")
    id: str = Field(alias="alertId", min_length=1, max_length=1000)
    rule: str = Field(alias="alertRule", min_length=1, max_length=300)
    severity: str = Field("", max_length=20)
    condition: Literal["Fired", "Resolved"] = Field(alias="monitorCondition")
    targets: list[ResourceId] = Field(alias="alertTargetIDs", min_length=1, max_length=50)
    fired_at: AwareDatetime = Field(alias="firedDateTime", ge=datetime(2000, 1, 1, tzinfo=UTC))
    resolved_at: AwareDatetime | None = Field(None, alias="resolvedDateTime", ge=datetime(2000, 1, 1, tzinfo=UTC))

    @property
    def fires(self) -> bool:
        return self.condition == "Fired"


class AlertData(BaseModel):
    model_config = ConfigDict(extra="ignore")
    essentials: AlertEssentials


class CommonAlert(BaseModel):
    """The body: Azure Monitor's common alert schema."""

    model_config = ConfigDict(extra="ignore")
    schema_id: Literal["azureMonitorCommonAlertSchema"] = Field(alias="schemaId")
    data: AlertData


class AzureDevOpsEvent(BaseModel):
    """The body: a service hook's event, as Azure DevOps sends it."""

    model_config = ConfigDict(extra="allow")
    event_type: str = Field(alias="eventType", description="build.complete, or what else happened.")
    publisher: str = Field(alias="publisherId", description="tfs or pipelines.")
    resource: dict[str, Any] = Field(description="The build, or the run.")


class GitHubEvent(BaseModel):
    """The body: a web hook's event, as GitHub sends it."""

    model_config = ConfigDict(extra="allow")
    action: str = Field("", description="completed, published, or what else happened.")
    repository: dict[str, Any] = Field(default_factory=dict, description="The repository that it is of.")


class LintAsked(BaseModel):
    """The body: a pipeline's text. `file` only names it in the findings."""

    model_config = ConfigDict(extra="forbid")
    pipeline: str
    file: str = Field("pipeline.yaml", min_length=1, max_length=255)


class PlanAsked(BaseModel):
    """The body: a build message, or as much of it as is known; left out, it is some build that CI finishes now.

    `pipeline` is the text to plan by; left out, the deployed one of the service.
    """

    model_config = ConfigDict(extra="forbid")
    service: Service = Field(description="The service that was built.")
    version: Version | None = Field(None, description="The build's version.")
    finished_at: FinishedAt | None = Field(None, description="When CI finished it: orders a service's builds.")
    branch: str = Field("", max_length=250, description="Refused if the pipeline does not promote it.")
    result: Literal["succeeded", "partially-succeeded", "failed", "canceled"] = "succeeded"
    commit: str = Field("", max_length=100, description="Refused if the version is known as another artifact.")
    digest: str = Field("", pattern=r"^(sha256:[0-9a-f]{64})?$")
    author: str = Field("", max_length=200)
    evidence: dict[str, Any] = Field(default_factory=dict)
    hotfix: str = Field("", max_length=500, description="Why it is a hotfix.")
    members: dict[Service, Version] = Field(default_factory=dict, description="Of a group: each member's version.")
    database: DatabaseSchema | None = Field(None, alias="schema", description="The database that its code runs on.")
    pipeline: str | None = Field(None, description="A pipeline's text.")

    def build(self, at: datetime) -> Build:
        """The build that is asked about; finished at `at` unless the question says when."""
        known = {
            name: getattr(self, name)
            for name in ("service", "branch", "result", "commit", "digest", "author", "hotfix")
        }
        if self.members:
            known |= {"members": self.members, "digest": self.digest or digest_of_members(self.members)}
        known |= {"schema": self.database.told} if self.database else {}
        return Build(version=self.version or "", finished_at=self.finished_at or at, **known)


class Resubmit(BaseModel):
    """The body: `{}` puts the message back as it is, `body` puts that in its place."""

    model_config = ConfigDict(extra="forbid")
    body: str | None = Field(None, max_length=LARGEST_MESSAGE, description="Another body for the message.")


def _place(token: str) -> str:
    if place_of(token) is None:
        raise ValueError("is no place where a message lies")
    return token


PlaceToken = Annotated[str, AfterValidator(_place)]


class RejectedQuery(BaseModel):
    """What to list. An empty parameter counts as left out."""

    model_config = ConfigDict(extra="forbid")
    source: Literal["builds-rejected", "builds", "reports"] | None = Field(None, description="Where it lies.")
    top: int = Field(20, ge=1, le=LONGEST_PAGE, description="How many to show.")
    after: PlaceToken | None = Field(None, pattern=MESSAGE_ID, description="The token `after` of the page before.")


class ChainsQuery(BaseModel):
    """Which chains to list. An empty parameter counts as left out."""

    model_config = ConfigDict(extra="forbid")
    top: int = Field(1000, ge=1, le=5000, description="How many to show.")
    after: str | None = Field(
        None, max_length=500, pattern=STORAGE_MARKER, description="The token `after` of the page before."
    )


class ChainQuery(BaseModel):
    """Which part of which chain."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~=/-]{0,199}$", description="As the list names it.")
    offset: int = Field(0, ge=0, description="The byte that it begins with.")


class PromotionsQuery(BaseModel):
    """What to list. An empty parameter counts as left out."""

    model_config = ConfigDict(extra="forbid")
    service: Name | None = Field(None, description="Only promotions of this service.")
    state: PromotionState | None = Field(None, description="Only promotions in this state.")
    top: int = Field(20, ge=1, le=LONGEST_PAGE, description="How many to show.")
    after: str | None = Field(None, pattern=PAGE_TOKEN, description="The token `after` of the page before.")


class ReleasesQuery(BaseModel):
    """Which releases of the ledger to show. An empty parameter counts as left out."""

    model_config = ConfigDict(extra="forbid")
    top: int = Field(20, ge=1, le=LONGEST_PAGE, description="How many of its releases to show.")
    after: str | None = Field(None, pattern=RELEASE_TOKEN, description="The token `after` of the page before.")
