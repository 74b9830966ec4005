"""What the platform itself counted, minute by minute (azure-monitor-querymetrics; REST `POST …/metrics:getBatch`).

It is there before the logs are, and knows nothing of sampling, paths or clients that left. Names of metrics and
dimensions are those of Azure Monitor's references for Microsoft.Web/sites and Microsoft.App/containerapps.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway.adapters.app_service.site import Sites, place_of
from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.container_apps.ramped import ramped_app
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.promotion.plan import Target
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.monitor.querymetrics import MetricsClient

ROLE = "Monitoring Reader (action Microsoft.Insights/metrics/read)"
CONNECT_S, READ_S = 3.0, 10.0  # two requests a question, without a second try: half a minute at most
MINUTE = timedelta(minutes=1)
MOST_SERIES = 1000
# How the readings of a minute are put together.
AGGREGATION = {
    **dict.fromkeys(("Requests", "Http5xx", "CpuTime"), "total"),
    **dict.fromkeys(("MemoryWorkingSet", "UsageNanoCores", "WorkingSetBytes"), "average"),
}


@dataclass(frozen=True)
class Counted:
    """One release in one minute. CPU is in seconds a request, memory in bytes, None where nobody measured it."""

    requests: int
    failures_5xx: int
    cpu_s_per_request: float | None = None
    memory_bytes: float | None = None


@dataclass(frozen=True)
class Minute:
    """An arm is None when there is no reading of it (yet: they come about a minute late)."""

    begins: datetime
    canary: Counted | None
    baseline: Counted | None


@dataclass(frozen=True)
class Counters:
    """`words` say why there is no minute in it."""

    minutes: tuple[Minute, ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Asked:
    """Metrics of one resource, all with the same dimensions."""

    resource: str
    namespace: str
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """One value of one minute, with the dimensions it was asked by."""

    metric: str
    at: datetime
    value: float
    dimensions: tuple[str, ...] = ()


class AzureMonitorMetrics:
    """Counters of both arms, from full minutes within a time. Nothing is raised: what cannot be had has words."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def of_target(self, target: Target, version: str, begins: datetime, ends: datetime) -> Counters:
        """The canary is `version`, the baseline what is live beside it."""
        if target.kind == "app-service":
            return self.app_service(target, begins, ends)
        try:
            app = ramped_app(self._settings, target, version)
        except AzureProblem as problem:
            return Counters(words=f"metrics: {problem.words}")
        return self.container_app(target.resource, app.location, app.canary, app.baseline, begins, ends)

    def app_service(self, target: Target, begins: datetime, ends: datetime) -> Counters:
        """The canary is what runs in the target's slot, the baseline what runs on its production side."""

        def minutes() -> tuple[Minute, ...]:
            place = place_of(target)
            region = _region(self._settings, target)
            slot = self._side(region, place.idle, "Microsoft.Web/sites/slots", begins, ends)
            site = self._side(region, place.live, "Microsoft.Web/sites", begins, ends)
            return _minutes(begins, ends, _app_service(slot), _app_service(site))

        return _counters(minutes)

    def container_app(
        self, resource: str, location: str, canary: str, baseline: str, begins: datetime, ends: datetime
    ) -> Counters:
        """Of two revisions, by name, of the app with that resource id in that region."""

        def minutes() -> tuple[Minute, ...]:
            kind, region = "Microsoft.App/containerapps", region_of(location)
            by_status = Asked(resource, kind, ("Requests",), ("revisionName", "statusCodeCategory"))
            by_replica = Asked(resource, kind, ("UsageNanoCores", "WorkingSetBytes"), ("revisionName", "podName"))
            readings = [
                reading for asked in (by_status, by_replica) for reading in self._read(region, asked, begins, ends)
            ]
            of = {name: [each for each in readings if each.dimensions[0] == name] for name in (canary, baseline)}
            return _minutes(begins, ends, _container_app(of[canary]), _container_app(of[baseline]))

        return _counters(minutes)

    def _side(self, region: str, resource: str, kind: str, begins: datetime, ends: datetime) -> list[Reading]:
        asked = Asked(resource, kind, ("Requests", "Http5xx", "CpuTime", "MemoryWorkingSet"))
        return list(self._read(region, asked, begins, ends))

    def _read(self, region: str, asked: Asked, begins: datetime, ends: datetime) -> Iterator[Reading]:
        """Raises AzureProblem, and ValueError and the like for an answer in another form."""
        from azure.core.exceptions import AzureError

        by = " and ".join(f"{dimension} eq '*'" for dimension in asked.dimensions)
        try:
            [result] = _client(self._settings, region).query_resources(
                resource_ids=[asked.resource],
                metric_namespace=asked.namespace,
                metric_names=asked.metrics,
                timespan=(begins, ends),
                granularity=MINUTE,
                aggregations=sorted({AGGREGATION[name] for name in asked.metrics}),
                filter=by or None,
                max_results=MOST_SERIES if by else None,
            )
        except AzureError as error:
            raise AzureProblem(explain(error, ROLE)) from error
        for metric in result.metrics:
            for series in metric.timeseries:
                dimensions = tuple(_dimension(series.metadata_values, name) for name in asked.dimensions)
                for point in series.data:
                    value = getattr(point, AGGREGATION[metric.name])
                    if value is not None:
                        yield Reading(metric.name, point.timestamp, float(value), dimensions)


def region_of(location: str) -> str:
    """`West Europe` as it stands in addresses: `westeurope`."""
    return location.replace(" ", "").lower()


def _counters(minutes: Callable[[], tuple[Minute, ...]]) -> Counters:
    try:
        return Counters(minutes())
    except AzureProblem as problem:
        return Counters(words=f"metrics: {problem.words}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # the SDK reads answers without checking them
        return Counters(words=f"metrics: the answer cannot be read ({error!r})")


def _minutes(
    begins: datetime,
    ends: datetime,
    canary: Callable[[datetime], Counted | None],
    baseline: Callable[[datetime], Counted | None],
) -> tuple[Minute, ...]:
    """The full minutes within `begins` and `ends`, without those at the end that nobody has a reading of yet."""
    first = -(-begins.timestamp() // 60) * 60
    moments = (datetime.fromtimestamp(at, begins.tzinfo) for at in range(int(first), int(ends.timestamp()) - 59, 60))
    minutes = [Minute(at, canary(at), baseline(at)) for at in moments]
    while minutes and minutes[-1].canary is None and minutes[-1].baseline is None:
        minutes.pop()
    return tuple(minutes)


def _app_service(readings: Sequence[Reading]) -> Callable[[datetime], Counted | None]:
    values = {(reading.metric, reading.at): reading.value for reading in readings}

    def counted(at: datetime) -> Counted | None:
        if (requests := values.get(("Requests", at))) is None:
            return None
        cpu_s = values.get(("CpuTime", at))
        return Counted(
            int(requests),
            int(values.get(("Http5xx", at), 0)),
            cpu_s / requests if requests and cpu_s is not None else None,
            values.get(("MemoryWorkingSet", at)),
        )

    return counted


def _container_app(readings: Sequence[Reading]) -> Callable[[datetime], Counted | None]:
    """CPU is given as what each replica used on average, memory of the largest replica counts: it has the limit."""

    def counted(at: datetime) -> Counted | None:
        now = [reading for reading in readings if reading.at == at]
        requests = [reading for reading in now if reading.metric == "Requests"]
        if not requests:
            return None
        total = sum(reading.value for reading in requests)
        failures = sum(reading.value for reading in requests if reading.dimensions[1].lower().startswith("5"))
        nanocores = [reading.value for reading in now if reading.metric == "UsageNanoCores"]
        memory = [reading.value for reading in now if reading.metric == "WorkingSetBytes"]
        cpu_s = sum(nanocores) / 1e9 * 60 / total if nanocores and total else None
        return Counted(int(total), int(failures), cpu_s, max(memory, default=None))

    return counted


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
