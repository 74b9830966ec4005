"""A person's right to approve, lent to another for a while. Pure.

What is lent are claims of the delegator's own, from their token at that time; nothing that somebody else has lent them,
so that no chain can come about. Whether they still hold is asked at each vote.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from slipway.promotion.approval import Person
from slipway.promotion.outcomes import moment
from slipway.promotion.stored import known

TakenAway = Callable[[str, Iterable[str]], Collection[str]]


@dataclass(frozen=True)
class Delegation:
    """`by` lends to `to` (object id and name) until `until`, in one `environment` or of one `service` alone where these
    are given. Moments are ISO 8601 texts."""

    id: str
    by: Person
    to: str
    to_name: str
    since: str
    until: str
    environment: str = ""
    service: str = ""
    reason: str = ""

    def holds(self, at: datetime) -> bool:
        return moment(self.since) <= at < moment(self.until)

    def covers(self, environments: Collection[str], service: str) -> bool:
        """Whether it is lent there; a stage that is a ring has two `environments`, its own and the whole one's."""
        return self.environment in ("", *environments) and self.service in ("", service)

    @property
    def words(self) -> str:
        """`Alice lets Bob approve in their place in production of checkout until …: on holiday`."""
        where = f" in {self.environment}" if self.environment else ""
        of = f" of {self.service}" if self.service else ""
        why = f": {self.reason}" if self.reason else ""
        return f"{self.by.name} lets {self.to_name} approve in their place{where}{of} until {self.until}{why}"

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Delegation":
        return cls(**{**known(cls, data), "by": Person.load(data["by"])})


def delegators(
    lent: Iterable[Delegation], environments: Collection[str], service: str, at: datetime, taken_away: TakenAway
) -> Iterator[Person]:
    """Those in whose place somebody may approve there now, each with the claims that nobody has taken away since."""
    for each in lent:
        if each.holds(at) and each.covers(environments, service):
            held = [f"role:{role}" for role in each.by.roles] + [f"group:{group}" for group in each.by.groups]
            gone = set(taken_away(each.by.oid, held))
            yield Person(
                each.by.oid,
                each.by.name,
                tuple(role for role in each.by.roles if f"role:{role}" not in gone),
                tuple(group for group in each.by.groups if f"group:{group}" not in gone),
            )
