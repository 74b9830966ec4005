"""The HTTP API's answers, as far as the terminal shows them. What a newer server adds is ignored."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator

FINAL = ("passed", "failed", "cancelled", "broken", "not enough evidence")
STATES = ("running", "waiting", *FINAL)

Moment = Annotated[datetime | None, BeforeValidator(lambda given: given or None)]  # "" says "not yet" too


class Vote(BaseModel):
    name: str
    decision: str
    at: datetime
    reason: str = ""


class Approval(BaseModel):
    """Who is asked, and who answered."""

    approvers: list[str]
    at_least: int
    not_author: bool = False
    deadline: Moment = None
    votes: list[Vote] = []
    decision: str | None = None


class Target(BaseModel):
    """One deployable place: what answers at its address, and what waits on its idle side."""

    name: str
    address: str | None = None
    live: str | None = None
    idle: str | None = None


class Step(BaseModel):
    """Something done to the whole stage (`target` empty) or to one target."""

    name: str
    target: str = ""
    state: str
    started_at: Moment = None
    ended_at: Moment = None
    words: str | None = None


class Stage(BaseModel):
    name: str
    environment: str
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
    targets: list[Target] = []
    steps: list[Step] = []


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


class Aborted(BaseModel):
    by: str
    at: datetime
    reason: str = ""


class Promotion(Summary):
    """One promotion whole."""

    code: str | None = None
    words: str | None = None
    aborted: Aborted | None = None
    runtime: str | None = None
    stages: list[Stage]

    @property
    def stranded(self) -> bool:
        """Slipway's own orchestration ended without an outcome: nothing will happen any more."""
        return self.state not in FINAL and self.runtime in {"Failed", "Terminated"}

    @property
    def over(self) -> bool:
        return self.state in FINAL or self.stranded


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


class Waiting(BaseModel):
    version: str
    promotion: str


class Broken(BaseModel):
    words: str


class ServiceThere(BaseModel):
    """One service in one environment."""

    service: str
    live: Release | None = None
    on_its_way: OnItsWay | None = None
    waiting: list[Waiting] = []
    broken: Broken | None = None


class Environment(BaseModel):
    environment: str
    services: list[ServiceThere]


class Environments(BaseModel):
    environments: list[Environment]
