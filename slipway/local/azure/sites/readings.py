"""What the platform counted of a site, a slot or a container app, as Azure Monitor's metrics have it."""

from collections.abc import Sequence
from datetime import datetime

from slipway.local.azure.config import StandinConfig
from slipway.local.azure.logs.drawn_counts import DrawnCounts
from slipway.local.azure.logs.metrics_api import Reading
from slipway.local.azure.sites.counters import Count, Counters
from slipway.local.azure.sites.store import PRODUCTION

CPU_S_A_REQUEST = 0.0005  # of drawn requests: about what a worker takes for a real one
MINUTE_S = 60
SITES, APPS = "/providers/microsoft.web/sites/", "/providers/microsoft.app/containerapps/"


class Readings:
    """By the id of a site, of a slot (`…/sites/{site}/slots/{slot}`) or of a container app, in small letters. A
    revision is counted as a slot of its app."""

    def __init__(self, config: StandinConfig, counters: Counters, drawn: DrawnCounts | None = None) -> None:
        self._counters = counters
        self._drawn = drawn
        self._places: dict[str, tuple[str, str]] = {}
        for site in config.sites:
            place = f"{config.group_of(site).lower()}{SITES}{site.name}"
            self._places |= {place: (site.name, PRODUCTION)}
            self._places |= {f"{place}/slots/{slot.name}": (site.name, slot.name) for slot in site.slots}
        self._apps = {f"{config.group.lower()}{APPS}{app.name}": app.name for app in config.container_apps}

    def __call__(self, resource: str, minute: datetime) -> Sequence[Reading] | None:
        """The readings of a minute; None when there is no such resource."""
        if resource in self._apps:
            app = self._apps[resource]
            revisions = self._revisions(app, minute)
            return [each for name in revisions for each in _of_revision(name, self._counted(app, name, minute))]
        place = self._places.get(resource)
        if place is None:
            return None
        # A minute without requests is a reading too.
        counts = self._counted(*place, minute) or {"": Count()}
        return [
            Reading({"Requests": each.requests, "Http5xx": each.http_5xx, "CpuTime": each.cpu_s}, {"Instance": name})
            for name, each in counts.items()
        ]

    def _revisions(self, app: str, minute: datetime) -> list[str]:
        drawn = self._drawn(app, minute) if self._drawn else {}
        return sorted({*self._counters.slots(app, minute), *(place.slot for place in drawn)})

    def _counted(self, site: str, slot: str, minute: datetime) -> dict[str, Count]:
        """By instance: what the front ends have counted and, in virtual time, what nobody had to send."""
        counts = self._counters.counts(site, slot, minute)
        for place, drawn in (self._drawn(site, minute) if self._drawn else {}).items():
            if place.slot == slot:
                real = counts.get(place.instance, Count())
                sums = real.requests + drawn.requests, real.http_5xx + drawn.http_5xx
                counts[place.instance] = Count(*sums, real.cpu_s + drawn.requests * CPU_S_A_REQUEST)
        return counts


def _of_revision(revision: str, counts: dict[str, Count]) -> list[Reading]:
    """Requests by status, CPU by replica."""
    failed = sum(each.http_5xx for each in counts.values())
    served = sum(each.requests for each in counts.values()) - failed
    by_status = {"2xx": served, "5xx": failed}
    return [
        *(
            Reading({"Requests": count}, {"revisionName": revision, "statusCodeCategory": status})
            for status, count in by_status.items()
        ),
        *(
            Reading({"UsageNanoCores": each.cpu_s / MINUTE_S * 1e9}, {"revisionName": revision, "podName": pod})
            for pod, each in counts.items()
            if pod
        ),
    ]
