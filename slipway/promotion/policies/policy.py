"""The organisation's policies, read: whom each concerns, what it wants, and who is exempt for a while. Pure data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from slipway.promotion.calendar.windows import Freeze, Hours, Rate
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.plain import plain
from slipway.promotion.plan import StagePlan
from slipway.promotion.seal import part_of
from slipway.promotion.under_policies import HOLD


@dataclass(frozen=True)
class ApprovalWanted:
    """An approval by at least so many people; nobody but `approvers`, where there are any."""

    at_least: int = 1
    approvers: tuple[str, ...] = ()
    not_author: bool = False
    comment: bool = False
    max_age_s: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """All that a policy wants of a stage. What is empty, or 0, it leaves open."""

    approval: ApprovalWanted | None = None
    gates: tuple[GatePlan, ...] = ()
    rollouts: tuple[str, ...] = ()
    first_step: float = 0.0
    bake_s: float = 0.0
    retain_previous_s: float = 0.0
    freezes: tuple[Freeze, ...] = ()
    hours: Hours | None = None
    rate: Rate | None = None


@dataclass(frozen=True)
class Policy:
    """One rule. `written` is what it wants as its file has it, `until` its last day, empty for ever. `on_change`: what
    becomes of a build that was taken in before the rule, and does not meet it: `hold` or `cancel`."""

    name: str
    why: str
    owner: str
    wanted: Wanted
    environments: tuple[str, ...] = ("*",)
    not_environments: tuple[str, ...] = ()
    services: tuple[str, ...] = ("*",)
    owners: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    never_override: bool = False
    on_change: str = HOLD
    until: str = ""
    file: str = ""
    line: int = 1
    written: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)

    @property
    def where(self) -> str:
        """`organisation.yaml:12`."""
        return f"{self.file}:{self.line}"

    def concerns(self, stage: StagePlan, service: str, owner: str, at: datetime) -> bool:
        """Whether the rule is for that stage of the service, and in force. A ring is of its own environment and of its
        stage's; what is left out is left out by the stage's. A group is each of its members, too."""
        written = stage.ring.environment if stage.ring else stage.environment
        return (
            not (self.until and over(self.until, at))
            and any(_like(each, self.environments) for each in (stage.environment, written))
            and not _like(written, self.not_environments)
            and any(_like(each, self.services) for each in (service, *stage.members))
            and (not self.owners or owner in self.owners)
            and (not self.kinds or any(target.kind in self.kinds for target in stage.targets))
        )


@dataclass(frozen=True)
class Exemption:
    """A service need not meet a policy until that day has passed."""

    policy: str
    service: str
    until: str
    reason: str
    approved_by: str
    file: str = ""
    line: int = 1

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Policies:
    """All of them, of all files; `digest` is over their texts."""

    policies: tuple[Policy, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    digest: str = ""

    def concerning(self, stage: StagePlan, service: str, owner: str, at: datetime) -> Iterator[Policy]:
        """The policies for that stage, those too that the service is exempt from."""
        return (each for each in self.policies if each.concerns(stage, service, owner, at))

    def exemption(self, policy: Policy, service: str, at: datetime) -> Exemption | None:
        """What exempts the service from it now."""
        given = self._given(policy, service)
        return next((each for each in given if not policy.never_override and not over(each.until, at)), None)

    def ended(self, policy: Policy, service: str, at: datetime) -> Exemption | None:
        """The exemption that ended last, and counts no more."""
        gone = [each for each in self._given(policy, service) if over(each.until, at)]
        return max(gone, key=lambda each: each.until, default=None)

    def _given(self, policy: Policy, service: str) -> list[Exemption]:
        return [each for each in self.exemptions if (each.policy, each.service) == (policy.name, service)]


def over(day: str, at: datetime) -> bool:
    """Whether that day has passed, by UTC."""
    return at >= datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(days=1)


def digest_of_holding(policies: Sequence[Policy], exempt: Sequence[Exemption]) -> str:
    """Over what these policies want and who is exempt, not over where that is written: it changes when the rules for a
    stage do. Empty without any."""
    rules = [[each.name, plain(each.wanted), each.never_override] for each in policies]
    return part_of([rules, [[each.policy, each.until] for each in exempt]]) if policies else ""


def _like(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
