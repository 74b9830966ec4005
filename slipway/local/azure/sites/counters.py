"""What the platform itself counts of a slot, or of a revision in its place, minute by minute: its metrics' source.

It knows requests, not their meaning: probes count as well.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

KEPT = timedelta(hours=2)


@dataclass
class Count:
    """Of one instance (or `""`: nobody was there to answer) in one minute. `cpu_s` is its process's CPU time."""

    requests: int = 0
    http_5xx: int = 0
    cpu_s: float = 0.0


class Counters:
    """In memory: a restart begins anew, and what is older than two hours is forgotten."""

    def __init__(self) -> None:
        self._minutes: dict[datetime, dict[tuple[str, str], dict[str, Count]]] = {}
        self._cpu_s: dict[str, float] = {}

    def served(
        self, site: str, slot: str, at: datetime, instance: str, status: int, cpu_s_so_far: float | None = None
    ) -> None:
        """One request; `cpu_s_so_far` is what the instance's process has used since it started."""
        minute = at.replace(second=0, microsecond=0)
        if minute not in self._minutes:
            self._begin(minute)
        count = self._minutes[minute][site, slot].setdefault(instance, Count())
        count.requests += 1
        count.http_5xx += status >= 500
        if cpu_s_so_far is not None:
            before = self._cpu_s.get(instance, 0.0)
            # A process that was started again counts from nothing.
            count.cpu_s += cpu_s_so_far - before if cpu_s_so_far >= before else cpu_s_so_far
            self._cpu_s[instance] = cpu_s_so_far

    def counts(self, site: str, slot: str, minute: datetime) -> dict[str, Count]:
        """By instance, of the minute in which that moment lies; empty when there was no request."""
        begins = minute.astimezone(UTC).replace(second=0, microsecond=0)
        return dict(self._minutes.get(begins, {}).get((site, slot), {}))

    def slots(self, site: str, minute: datetime) -> list[str]:
        """Those of the site that had a request in that minute."""
        begins = minute.astimezone(UTC).replace(second=0, microsecond=0)
        return [slot for each, slot in self._minutes.get(begins, {}) if each == site]

    def _begin(self, minute: datetime) -> None:
        self._minutes = {each: counts for each, counts in self._minutes.items() if each > minute - KEPT}
        self._minutes[minute] = defaultdict(dict)
