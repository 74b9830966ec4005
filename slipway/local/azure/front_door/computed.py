"""Health probes in virtual time, when nobody waits for them: worked out from what ran, and what somebody said of it.

Every `interval_s` of the calendar there was a probe, whether or not the clock stood still then.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zlib import crc32

from slipway.local.azure.front_door.edge import Origin, OriginGroup

FARTHEST_MS = 20  # how far away an origin may be
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Whether the origin answers its probes at a moment, and how much longer than usual it takes for it (ms).
Up: TypeAlias = Callable[[Origin, datetime], bool]
Slower: TypeAlias = Callable[[Origin, datetime], float]


class ComputedLooks:
    """At the moment `at`."""

    def __init__(self, up: Up, slower: Slower, at: Callable[[], datetime]) -> None:
        self._up = up
        self._slower = slower
        self._at = at

    def well(self, group: OriginGroup, origin: Origin) -> bool:
        if not group.interval_s:
            return True
        bad = sum(not self._up(origin, moment) for moment in last_probes(group, self._at()))
        return bad <= group.sample_size - group.required

    def latency_ms(self, group: OriginGroup, origin: Origin) -> float:
        """No two origins are equally far."""
        distance = crc32(origin.path.encode()) % (1000 * FARTHEST_MS) / 1000
        return 1 + distance + self._slower(origin, self._at())


def last_probes(group: OriginGroup, at: datetime) -> list[datetime]:
    """The moments of the samples that count then, the latest first."""
    interval = timedelta(seconds=group.interval_s)
    latest = EPOCH + (at - EPOCH) // interval * interval
    return [latest - number * interval for number in range(group.sample_size)]


def next_probes(group: OriginGroup, since: datetime) -> list[datetime]:
    """The moments of the probes that can change what is known of an origin that changed then."""
    interval = timedelta(seconds=group.interval_s)
    first = EPOCH - (EPOCH - since) // interval * interval
    return [first + number * interval for number in range(group.sample_size + 1)]
