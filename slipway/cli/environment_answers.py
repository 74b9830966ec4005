"""What the HTTP API answers of environments: what is live there, what comes, what people said of it."""

from datetime import datetime

from pydantic import BaseModel

from slipway.cli.api_answers import Moment


class Release(BaseModel):
    version: str
    promotion: str | None = None
    at: Moment = None
    proven: bool = False


class OnItsWay(BaseModel):
    version: str
    promotion: str
    stage: str = ""
    since: Moment = None
    waits_for: str = ""
    until: Moment = None


class Reach(BaseModel):
    """What a rollback would bring back now, and how soon."""

    how: str
    version: str = ""
    until: Moment = None
    words: str = ""
    brings: list[str] = []
    leaves: list[str] = []


class Waiting(BaseModel):
    version: str
    promotion: str


class Broken(BaseModel):
    words: str


class Hold(BaseModel):
    """A person's word that nothing goes there for a while."""

    id: str
    by: str
    reason: str
    expires_at: datetime


class IntentThere(BaseModel):
    """What a person said there, in words."""

    id: str
    kind: str
    state: str
    words: str
    expires_at: datetime


class RejectedVersion(BaseModel):
    """A version that is not let in there again, and why."""

    version: str
    words: str


class ServiceThere(BaseModel):
    """One service in one environment."""

    service: str
    live: Release | None = None
    on_its_way: OnItsWay | None = None
    waiting: list[Waiting] = []
    broken: Broken | None = None
    holds: list[Hold] = []
    intents: list[IntentThere] = []
    rejected: list[RejectedVersion] = []
    reach: Reach | None = None


class Environment(BaseModel):
    environment: str
    services: list[ServiceThere]


class Fixed(BaseModel):
    """The settings that were fixed for a release."""

    label: str
    fingerprint: str
    settings: int


class ChangedFlag(BaseModel):
    name: str
    now: str = ""


class Kept(BaseModel):
    """A release in the ledger. Live from `since` until `until`; `by` and `words` say who took it back, and why."""

    version: str
    state: str
    since: datetime
    until: Moment = None
    back_since: Moment = None
    replaced_by: str = ""
    commit: str = ""
    by: str = ""
    words: str = ""
    promotion: str = ""
    group: str = ""
    configuration: Fixed | None = None
    changed_flags: list[ChangedFlag] = []


class Ledger(BaseModel):
    """A page of a service's releases in an environment, newest first."""

    releases: list[Kept]
    reach: Reach | None = None
    after: str | None = None


class Environments(BaseModel):
    environments: list[Environment]
