"""What the platform counted of a site, slot or container app, as Azure Monitor's metrics have it."""

from collections.abc import Sequence
from datetime import datetime

from slipway.local.azure.config import StandinConfig
from slipway.local.azure.logs.drawn_counts import DrawnCounts
from slipway.local.azure.logs.metrics_api import Reading
from slipway.local.azure.sites.counters import Count, Counters
from slipway.local.azure.sites.store import PRODUCTION

CPU_S_A_REQUEST = 0.0005  # of drawn requests: about what a worker takes for a real one
PROVIDER, APP_PROVIDER = "/providers/microsoft.web/sites/", "/providers/microsoft.app/containerapps/"


class Readings:
    """By the id of a site, of a slot (`…/sites/{site}/slots/{slot}`) or of a container app, in small letters."""

    def __init__(self, config: StandinConfig, counters: Counters, drawn: DrawnCounts | None = None) -> None:
        self._counters = counters
        self._drawn = drawn
        group = f"/subscriptions/{config.subscription}/resourcegroups/{config.resource_group}".lower()
        slots = {site.name: [slot.name for slot in site.slots] for site in config.sites}
        self._places = {f"{group}{PROVIDER}{site}": (site, PRODUCTION) for site in slots}
        for site, names in slots.items():
            self._places |= {f"{group}{PROVIDER}{site}/slots/{name}": (site, name) for name in names}
        self._apps = {f"{group}{APP_PROVIDER}{app.name}": app.name for app in config.container_apps}

    def __call__(self, resource: str, minute: datetime) -> Sequence[Reading] | None:
        """One reading an instance, of an app also one a class of answers; None when there is no such resource."""
        if app := self._apps.get(resource):
            return self._of_app(app, minute)
        place = self._places.get(resource)
        if place is None:
            return None
        # A minute without requests is a reading too.
        counts = self._counted(*place, minute) or {"": Count()}
        return [
            Reading({"Requests": each.requests, "Http5xx": each.http_5xx, "CpuTime": each.cpu_s}, {"Instance": name})
            for name, each in counts.items()
        ]

    def _of_app(self, app: str, minute: datetime) -> list[Reading]:
        """What is no 5xx counts as 2xx: nobody here told them apart."""
        readings = []
        for revision in self._revisions(app, minute):
            for name, each in self._counted(app, revision, minute).items():
                for category, count in (("2xx", each.requests - each.http_5xx), ("5xx", each.http_5xx)):
                    told = {"revisionName": revision, "statusCodeCategory": category, "podName": name}
                    readings.append(Reading({"Requests": count}, told))
        return readings

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
