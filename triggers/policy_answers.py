"""What the route of policies answers, as models."""

from typing import Any

from slipway.promotion.pipeline import Finding
from triggers.answer_types import Answer


class PolicyShown(Answer):
    """A rule of the organisation, and where it is written. `requires` is as its file has it; `until` its last day,
    empty for ever."""

    name: str
    why: str
    owner: str
    environments: list[str]
    not_environments: list[str]
    services: list[str]
    owners: list[str]
    kinds: list[str]
    requires: dict[str, Any]
    never_override: bool
    on_change: str
    until: str
    in_force: bool
    file: str
    line: int


class PolicyExceptionShown(Answer):
    """A service that need not meet a policy until that day; `counts`: the day has not passed."""

    policy: str
    service: str
    until: str
    reason: str
    approved_by: str
    counts: bool
    file: str
    line: int


class PoliciesShown(Answer):
    """The policies that hold in this deployment; `findings` say why none can be read, and then nothing starts. `digest`
    is empty where the organisation has none."""

    digest: str
    policies: list[PolicyShown]
    exceptions: list[PolicyExceptionShown]
    findings: list[Finding]
