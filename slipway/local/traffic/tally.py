"""What users met, counted by the release that answered."""

from collections import Counter
from dataclasses import dataclass, field

UNKNOWN = ""


@dataclass
class Tally:
    """`failures` are answers from 400 on and requests that nobody answered; of those, `unanswered`. `unsent` were due
    while too many were out already. Versions are those of the header `x-version`, `""` without one."""

    requests: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    unsent: int = 0
    late_ms: float = 0.0

    def answered(self, version: str, status: int) -> None:
        self.requests[version] += 1
        if status >= 400:
            self.failures[version] += 1

    def not_answered(self) -> None:
        self.requests[UNKNOWN] += 1
        self.failures[UNKNOWN] += 1
        self.unanswered += 1

    def dump(self) -> dict[str, object]:
        """Plain JSON. `late_ms`: the most by which a request was sent after its time."""
        versions = {
            version: {"requests": self.requests[version], "failures": self.failures[version]}
            for version in sorted(self.requests)
        }
        return {
            "requests": self.requests.total(),
            "failures": self.failures.total(),
            "unanswered": self.unanswered,
            "unsent": self.unsent,
            "late_ms": round(self.late_ms, 1),
            "versions": versions,
        }
