"""What the platform would have counted of traffic that was drawn: the same rows as the log's, by the minute."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from slipway.local.azure.config import TelemetryConfig
from slipway.local.azure.logs.drawing import drawn_rows
from slipway.local.azure.logs.phases import ServedBetween
from slipway.local.azure.logs.store import LogStore

MINUTE = timedelta(minutes=1)
MOST_KEPT = 10_000


class Place(NamedTuple):
    """An instance in a slot."""

    slot: str
    instance: str


class Counted(NamedTuple):
    """Requests, and how many of them ended with a 5xx."""

    requests: int
    http_5xx: int


class DrawnCounts:
    """A minute that is over never changes: it is counted once. `endpoints` are those of Front Doors."""

    def __init__(
        self,
        config: TelemetryConfig,
        store: LogStore,
        served_between: ServedBetween,
        endpoints: frozenset[str] = frozenset(),
    ) -> None:
        self._config = config
        self._store = store
        self._served_between = served_between
        self._endpoints = endpoints
        self._counted: dict[tuple[str, datetime], dict[Place, Counted]] = {}

    def __call__(self, site: str, minute: datetime) -> dict[Place, Counted]:
        """Of the calendar's minute, which must be over."""
        begins = minute.astimezone(UTC).replace(second=0, microsecond=0)
        if (site, begins) not in self._counted:
            if len(self._counted) >= MOST_KEPT:
                self._counted.clear()
            self._counted[site, begins] = self._count(site, begins)
        return self._counted[site, begins]

    def _count(self, site: str, begins: datetime) -> dict[Place, Counted]:
        ends = begins + MINUTE
        traffic, slots = [], dict[str, str]()
        for each in self._config.traffic:
            found = self._slots(each.site, site, begins, ends)
            if found or each.site == site:
                traffic.append(each)
                slots |= found
        if not traffic:
            return {}
        rows = drawn_rows(traffic, self._config.seed, self._served_between, begins, ends)
        sql = f"""
        SELECT AppRoleInstance, sum(ItemCount)::BIGINT, (sum(ItemCount) FILTER (ResultCode >= '500'))::BIGINT
        FROM ({rows}) GROUP BY AppRoleInstance
        """
        with self._store.cursor() as cursor:
            counted = cursor.execute(sql).fetchall()
        return {
            Place(slots[name], name): Counted(requests, failed or 0)
            for name, requests, failed in counted
            if name in slots  # what went through an endpoint may have gone to other sites, too
        }

    def _slots(self, entered: str, site: str, begins: datetime, ends: datetime) -> dict[str, str]:
        """Where the instances are that served the requests to `entered`, a site or an endpoint, of those of `site`."""
        if entered != site and entered not in self._endpoints:
            return {}
        return {
            instance: each.slot
            for stretch in self._served_between(entered, begins, ends)
            for each in stretch.served
            if (each.site or entered) == site
            for instance in each.instances
        }
