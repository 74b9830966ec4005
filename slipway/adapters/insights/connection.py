"""The way to Application Insights: one for the process, made with its first span, by identity where that is asked."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from slipway.adapters.once import once_per_process
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

SENT_EVERY_MS = 2000
OURS = "slipway"  # the logger above all of ours
# What Azure's exporter would do beside its work: count itself for its maker, ask it for instructions, and send a row
# more with every batch.
SWITCHES = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)

_log = logging.getLogger("slipway.insights")


class Exporter(Protocol):
    """What any of OpenTelemetry's exporters does."""

    def export(self, batch: Any, **more: Any) -> Any: ...
    def shutdown(self) -> Any: ...


class Late:
    """An exporter that is made by the first batch, in the thread that sends: Azure's takes half a second to load.

    One that cannot be made is said once, and nothing is sent.
    """

    def __init__(self, make: Callable[[], Exporter]) -> None:
        self._make = make
        self._made: Exporter | None = None
        self._asked = False

    def export(self, batch: Sequence[Any], **more: Any) -> Any:
        if not self._asked:
            self._asked = True
            try:
                self._made = self._make()
            except (ImportError, ValueError) as error:
                _log.error("nothing can be sent to Application Insights, and all else goes on: %s", error)
        return self._made.export(batch, **more) if self._made is not None else None

    def shutdown(self) -> None:
        if self._made is not None:
            self._made.shutdown()

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


@dataclass(frozen=True)
class Connection:
    """What spans are sent by; log lines have a handler of their own."""

    tracer: "Tracer"

    def context_of(self, traceparent: str) -> "Context":
        """Below whom a span is opened; below nobody without a traceparent."""
        from opentelemetry.context import Context
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

        if not traceparent:
            return Context()
        _, trace, parent, _ = traceparent.split("-")
        of = SpanContext(int(trace, 16), int(parent, 16), True, TraceFlags(TraceFlags.SAMPLED))
        return set_span_in_context(NonRecordingSpan(of), Context())


def connected() -> Connection | None:
    """The connection of this process; None where none is set, or none can be made."""
    return _connection() if settings().insights else None


@once_per_process
def _connection() -> Connection | None:
    try:
        return _made(settings())
    except ImportError as error:
        _log.error("nothing can be sent to Application Insights, and all else goes on: %s", error)
        return None


def _made(of: Settings) -> Connection:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    from opentelemetry.trace import set_tracer_provider

    from slipway.adapters.insights.logs import Telling

    instance = os.environ.get("WEBSITE_INSTANCE_ID", "")[:16] or f"{os.getpid()}"
    resource = Resource({"service.name": of.site_name, "service.instance.id": instance})
    # Whatever whoever began the trace sampled: a promotion is rare, and wanted whole.
    spans = TracerProvider(sampler=ALWAYS_ON, resource=resource)
    spans.add_span_processor(BatchSpanProcessor(_late(of, "Trace"), schedule_delay_millis=SENT_EVERY_MS))
    set_tracer_provider(spans)  # Azure's SDKs open theirs by it, where AZURE_TRACING_ENABLED asks for them
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(_late(of, "Log"), schedule_delay_millis=SENT_EVERY_MS))
    logging.getLogger(OURS).addHandler(Telling(logs))
    return Connection(spans.get_tracer(OURS))


def _late(of: Settings, kind: str) -> Any:
    return Late(partial(_exporter, of, kind))


def _exporter(of: Settings, kind: str) -> Exporter:
    """Azure's own exporter. What it cannot send is not kept on the disk, which an instance loses with its life."""
    for switch in SWITCHES:
        os.environ.setdefault(switch, "true")
    from azure.monitor.opentelemetry import exporter

    how: dict[str, Any] = {"connection_string": of.insights, "disable_offline_storage": True, **of.client_options}
    if client_id := identity_of(of.insights_identity):
        from slipway.adapters.credentials import credential

        how["credential"] = credential(client_id.strip() or of.client_id)
    else:
        how["credential"] = None
    made: Exporter = getattr(exporter, f"AzureMonitor{kind}Exporter")(**how)
    return made


def identity_of(authentication: str) -> str:
    """The client id of `ClientId={id};Authorization=AAD`; a blank where the identity has no name, empty where none is
    asked for."""
    pairs = dict(pair.split("=", 1) for pair in authentication.split(";") if "=" in pair)
    said = {key.strip().lower(): value.strip() for key, value in pairs.items()}
    return (said.get("clientid") or " ") if said.get("authorization", "").upper() == "AAD" else ""
