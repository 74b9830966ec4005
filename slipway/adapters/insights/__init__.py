"""What Slipway tells of itself: spans, logs and metrics, to Application Insights where a connection is set.

Nothing of OpenTelemetry is loaded before the first span, and its exporter not before there is something to send: a cold
start pays for neither. Telemetry never stops a promotion: what cannot be sent is lost, and said in the log.
"""

from slipway.adapters.insights.spans import Kind, Span, current, span

__all__ = ["Kind", "Span", "current", "span"]
