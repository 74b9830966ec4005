"""What the routes of environments, their ledgers and holds answer, as models."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from slipway.promotion.ledger import STATES as RELEASE_STATES
from triggers.answer_types import Answer, Moment, MomentOrNotYet

ReleaseState = Annotated[str, WithJsonSchema({"type": "string", "enum": [*RELEASE_STATES]})]


class ConfigurationFixed(Answer):
    """The settings that were fixed for a release, kept as a snapshot of the store: how many, `references` to secrets
    among them, and the fingerprint that they have as long as nobody changes one."""

    label: str
    key_filter: str
    snapshot: str
    fingerprint: str
    settings: int
    references: int


class FlagChanged(Answer):
    """A feature flag that the release changed: what it was before, and what the release made of it."""

    name: str
    label: str
    was: str
    now: str
    release: str


class SchemaDeclared(Answer):
    """The versions of the database that a release's code runs on (`from` to `to`), and those to which its migration
    brings it."""

    first: int = Field(alias="from")
    last: int = Field(alias="to")
    expand: int = 0
    contract: int = 0


class ContractAtWork(Answer):
    """The contract of the database that runs: by the watch of which release, to which version, and until when builds
    wait for it at most."""

    by: str
    promotion: str
    towards: int
    since: Moment
    until: Moment


class DatabaseThere(Answer):
    """Where the database is: its `version`, and `towards` while a migration is on its way there, or has failed."""

    at: Moment
    version: int = 0
    towards: int = 0
    contract: ContractAtWork | None = None
    promotion: str = ""


class ReleaseShown(Answer):
    """A release of the service; `targets` are those that serve it, `replaced` what each of them served before, on a
    side that was stopped, or taken by a later deployment, at those moments. `group` is the one that it came with, whose
    own release has the versions of its `members`."""

    version: str
    promotion: str
    stage: str
    commit: str
    digest: str
    at: Moment
    finished_at: Moment
    received_at: Moment
    targets: list[str]
    replaced: dict[str, str]
    proven: bool
    old_side_stopped: MomentOrNotYet = ""
    old_side_gone: MomentOrNotYet = ""
    group: str = ""
    members: dict[str, str] = Field(default_factory=dict)
    configuration: ConfigurationFixed | None = None
    changed_flags: list[FlagChanged] = Field([])
    overridden: dict[str, str] = Field(default_factory=dict)
    declared: SchemaDeclared | None = Field(None, alias="schema")
    database: int = 0


class ReleaseKept(Answer):
    """A release in the ledger: live from `since` until `until` (empty: it is), and how it ended. `replaced` is what
    each of its targets served before; `back_since`: it serves again because the one after it was taken back. `by`,
    `code` and `words` say who took it back, or tried to, and why. `group` and `members` as of what is live. `database`
    is the version of its database that it brought that to; `overridden` are gates that people let it skip, and who."""

    version: str
    promotion: str
    stage: str
    commit: str
    digest: str
    finished_at: Moment
    received_at: Moment
    targets: list[str]
    replaced: dict[str, str]
    state: ReleaseState
    since: Moment
    proven_at: MomentOrNotYet
    until: MomentOrNotYet
    back_since: MomentOrNotYet
    replaced_by: str
    by: str
    code: str
    words: str
    group: str = ""
    members: dict[str, str] = Field(default_factory=dict)
    configuration: ConfigurationFixed | None = None
    changed_flags: list[FlagChanged] = Field([])
    overridden: dict[str, str] = Field(default_factory=dict)
    declared: SchemaDeclared | None = Field(None, alias="schema")
    database: int = 0


class OnItsWay(Answer):
    """`waits_for`: who has the lock waits for people before its switch, `until` then at the latest."""

    version: str
    promotion: str
    stage: str
    since: Moment
    waits_for: str
    until: MomentOrNotYet


class ReachShown(Answer):
    """What a rollback would bring back now (`version`), how soon, in words, and `until` when that is so by itself.
    `brings` names code, configuration and flags that would come back, `leaves` what would not."""

    how: Literal["seconds", "minutes", "none"]
    version: str
    until: MomentOrNotYet
    words: str
    brings: list[str]
    leaves: list[str]


class WaitingBuild(Answer):
    version: str
    promotion: str


class BrokenLock(Answer):
    promotion: str
    words: str
    at: Moment


class Hold(Answer):
    """Nobody gets the lock until `expires_at`, or until the hold of this `id` is lifted."""

    id: str
    by: str
    reason: str
    at: Moment
    expires_at: Moment


class RejectedVersion(Answer):
    """What this version did here: it is not let in again until its `rejected-` and version is lifted."""

    version: str
    promotion: str
    code: str
    words: str
    at: Moment


class IntentShown(Answer):
    """What a person said there, in `words`: it counts from `begins_at` until `expires_at`, or until somebody lifted it
    (`ended_at`, `ended_by`). Of a rejection its `version`; of a freeze what enters all the same (`but`) and what
    becomes of a rollout that is on its way then."""

    id: str
    kind: Literal["hold", "reject", "freeze", "stop"]
    by: str
    reason: str
    at: Moment
    begins_at: Moment
    expires_at: Moment
    version: str
    but: list[str]
    on_begin: str
    ended_at: MomentOrNotYet
    ended_by: str
    state: Literal["in force", "to come", "over", "lifted"]
    words: str


class IntentSomewhere(IntentShown):
    """The same, with every place where it was said: `production/checkout`."""

    places: list[str]


class Intents(Answer):
    """The strongest first."""

    intents: list[IntentSomewhere]


class IntentSaid(Answer):
    """The intent as it was taken in; `environments` and `services` are where: several, if it was said of an environment
    that is made of rings, or of all."""

    id: str
    kind: Literal["hold", "reject", "freeze", "stop"]
    by: str
    reason: str
    at: Moment
    expires_at: Moment
    environments: list[str]
    services: list[str]
    words: str


class ServiceThere(Answer):
    """One service in one environment. `broken`: nobody gets the lock until a person has looked."""

    service: str
    live: ReleaseShown | None
    previous: list[ReleaseShown]
    on_its_way: OnItsWay | None
    waiting: list[WaitingBuild]
    broken: BrokenLock | None
    holds: list[Hold]
    intents: list[IntentShown]
    rejected: list[RejectedVersion]
    reach: ReachShown
    database: DatabaseThere | None


class ServiceInEnvironment(ServiceThere):
    """The same, with the environment's name and a page of its ledger; `after` is the token of the next one."""

    environment: str
    releases: list[ReleaseKept]
    after: str | None


class EnvironmentShown(Answer):
    environment: str
    services: list[ServiceThere]


class Environments(Answer):
    """Environments in the order of the pipelines' stages."""

    environments: list[EnvironmentShown]
