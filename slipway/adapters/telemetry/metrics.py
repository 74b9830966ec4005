"""What the platform itself counted, minute by minute (azure-monitor-querymetrics; REST `POST …/metrics:getBatch`).

It is there before the logs are, and knows nothing of sampling, paths or clients that left. Names of metrics and
dimensions are those of Azure Monitor's references for Microsoft.Web/sites and Microsoft.App/containerapps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slipway.adapters.app_service.site import Sites, place_of
from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.container_apps.apps import Apps
from slipway.adapters.container_apps.apps import place_of as app_of
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.adapters.telemetry.counted import MINUTE, Counters, Reading, full_minutes, of_a_revision, of_a_site
from slipway.promotion.plan import Target
from slipway.promotion.rights.catalogue import METRICS
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.monitor.querymetrics import MetricsClient

CONNECT_S, READ_S = 3.0, 10.0  # two requests a question, without a second try: half a minute at most
MOST_SERIES = 1000
# How the readings of a minute are put together.
AGGREGATION = {
    **dict.fromkeys(("Requests", "Http5xx", "CpuTime"), "total"),
    **dict.fromkeys(("MemoryWorkingSet", "UsageNanoCores", "WorkingSetBytes"), "average"),
}


@dataclass(frozen=True)
class Asked:
    """Metrics of one resource, all with the same dimensions."""

    resource: str
    namespace: str
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]


class AzureMonitorMetrics:
    """Counters of both arms, from full minutes within a time. Nothing is raised: what cannot be had has words."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def of(self, target: Target, version: str, begins: datetime, ends: datetime) -> Counters:
        """Of the release that has `version`, beside the live one, on a target of any kind."""
        match target.kind:
            case "app-service":
                return self._counters(lambda: self._app_service(target, begins, ends))
            case "container-apps":
                return self._counters(lambda: self._container_app(target, version, begins, ends))
        return Counters(words=f"metrics: nothing counts for targets of the kind {target.kind!r}")

    def _app_service(self, target: Target, begins: datetime, ends: datetime) -> Counters:
        """The canary is what runs in the target's slot, the baseline what runs on its production side. They share the
        instances of their plan, so neither has a limit of memory of its own."""
        place = place_of(target)
        region = _region(self._settings, target)
        slot = self._side(region, place.idle, "Microsoft.Web/sites/slots", begins, ends)
        site = self._side(region, place.live, "Microsoft.Web/sites", begins, ends)
        return Counters(full_minutes(begins, ends, of_a_site(slot), of_a_site(site)))

    def _container_app(self, target: Target, version: str, begins: datetime, ends: datetime) -> Counters:
        """The canary is the version's revision, the baseline the one that has most of the traffic beside it."""
        place, apps = app_of(target), Apps(self._settings)
        app, canary = apps.app(place), apps.revision(place, place.revision_of(version))
        kind, region = "Microsoft.App/containerapps", region_of(app.location)
        by_status = Asked(target.resource, kind, ("Requests",), ("revisionName", "statusCodeCategory"))
        by_replica = Asked(target.resource, kind, ("UsageNanoCores", "WorkingSetBytes"), ("revisionName", "podName"))
        readings = [each for asked in (by_status, by_replica) for each in self._read(region, asked, begins, ends)]

        def of(revision: str) -> list[Reading]:
            return [reading for reading in readings if reading.dimensions[0] == revision]

        name = place.revision_of(version)
        sides = of_a_revision(of(name)), of_a_revision(of(app.weights.live(but=name)))
        return Counters(full_minutes(begins, ends, *sides), memory_limit=canary.memory_limit if canary else None)

    def _side(self, region: str, resource: str, kind: str, begins: datetime, ends: datetime) -> list[Reading]:
        asked = Asked(resource, kind, ("Requests", "Http5xx", "CpuTime", "MemoryWorkingSet"), ("Instance",))
        return list(self._read(region, asked, begins, ends))

    def _read(self, region: str, asked: Asked, begins: datetime, ends: datetime) -> Iterator[Reading]:
        """Raises AzureProblem, and ValueError and the like for an answer in another form."""
        from azure.core.exceptions import AzureError

        try:
            [result] = _client(self._settings, region).query_resources(
                resource_ids=[asked.resource],
                metric_namespace=asked.namespace,
                metric_names=asked.metrics,
                timespan=(begins, ends),
                granularity=MINUTE,
                aggregations=sorted({AGGREGATION[name] for name in asked.metrics}),
                filter=" and ".join(f"{dimension} eq '*'" for dimension in asked.dimensions),
                max_results=MOST_SERIES,
            )
        except AzureError as error:
            raise AzureProblem(explain(error, METRICS)) from error
        for metric in result.metrics:
            for series in metric.timeseries:
                dimensions = tuple(_dimension(series.metadata_values, name) for name in asked.dimensions)
                for point in series.data:
                    value = getattr(point, AGGREGATION[metric.name])
                    if value is not None:
                        yield Reading(metric.name, point.timestamp, float(value), dimensions)

    def _counters(self, read: Callable[[], Counters]) -> Counters:
        try:
            return read()
        except AzureProblem as problem:
            return Counters(words=f"metrics: {problem.words}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # the SDK reads answers without checking
            return Counters(words=f"metrics: the answer cannot be read ({error!r})")


def region_of(location: str) -> str:
    """`West Europe` as it stands in addresses: `westeurope`."""
    return location.replace(" ", "").lower()


def _dimension(values: dict[str, Any], name: str) -> str:
    """Azure answers names of dimensions in small letters, whatever was asked."""
    return next((str(value) for key, value in values.items() if key.lower() == name.lower()), "")


@once_per_process
def _region(settings_: Settings, target: Target) -> str:
    """Where the target's site is, which never changes; "" when the configured endpoint has no region in it."""
    if "{region}" not in settings_.metrics_endpoint:
        return ""
    place = place_of(target)
    return region_of(str(Sites(settings_).arm(place).get(place.live).body.get("location", "")))


@once_per_process
def _client(settings_: Settings, region: str) -> "MetricsClient":
    from azure.monitor.querymetrics import MetricsClient

    return MetricsClient(
        settings_.metrics_endpoint.replace("{region}", region),
        credential(settings_.client_id),
        audience="https://metrics.monitor.azure.com",
        connection_timeout=CONNECT_S,
        read_timeout=READ_S,
        retry_total=0,
        **settings_.client_options,
    )
