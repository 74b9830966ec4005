"""Which chains an export is of: those that grew in a time, of a service or of all."""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.outcomes import moment


@dataclass(frozen=True)
class Scope:
    """Moments are ISO 8601; an empty one has no end. An empty service means all."""

    begins: str = ""
    ends: str = ""
    service: str = ""

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Scope":
        """Raises ValueError, TypeError or AttributeError for what is no scope."""
        scope = cls(data.get("from", ""), data.get("to", ""), data.get("service", ""))
        for each in (scope.begins, scope.ends):
            if each and moment(each).tzinfo is None:
                raise ValueError("a moment without its time zone")
        return scope

    def dump(self) -> dict[str, str]:
        told = {"from": self.begins, "to": self.ends, "service": self.service}
        return {name: value for name, value in told.items() if value}

    def holds(self, chain: str, since: str, at: str) -> bool:
        """Whether it is of a chain that grew between `since` and `at`, as far as a checkpoint can say."""
        if self.begins and moment(at) < moment(self.begins):
            return False
        if self.ends and moment(since) > moment(self.ends):
            return False
        return self.names(chain)

    def may_hold(self, chain: str, grew_at: str, newest: str) -> bool:
        """Whether a chain that last grew at `grew_at` may be of it beyond what the `newest` checkpoint says."""
        if self.begins and moment(grew_at) < moment(self.begins):
            return False
        if self.ends and newest and moment(self.ends) < moment(newest):
            return False  # the checkpoints have named them all
        return self.names(chain)

    def names(self, chain: str) -> bool:
        """Whether a chain of that name is of the service: its promotions, and what was said of its environments."""
        if not self.service:
            return True
        of_a_place = chain.startswith("environment-") and chain.endswith(f"--{self.service}")
        return of_a_place or chain.startswith(f"{self.service}--")
