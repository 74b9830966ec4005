"""Our log, as it is sent: with whose work it was about, in the trace of that work, and without secrets."""

import logging
import traceback
from typing import TYPE_CHECKING

from slipway.adapters.clock import now
from slipway.adapters.hiding import Hiding
from slipway.adapters.insights.spans import current
from slipway.adapters.secrets import ever_read

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider

ABOUT = "about"  # `extra={"about": {...}}` of a log line: what it is found by, beside what its span says


class Telling(logging.Handler):
    """Sends a line of the log to Azure Monitor: a row of `AppTraces`, or of `AppExceptions` with an exception."""

    def __init__(self, provider: "LoggerProvider") -> None:
        super().__init__(logging.INFO)
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._send(record)
        except Exception:  # noqa: BLE001 - as logging has it: what cannot be logged stops nobody
            self.handleError(record)

    def _send(self, record: logging.LogRecord) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber
        from opentelemetry.context import get_current

        hide = Hiding(ever_read(()))
        about = {**current().about, **getattr(record, ABOUT, {})}
        attributes = {key: hide(value) if isinstance(value, str) else value for key, value in about.items()}
        if record.exc_info and (error := record.exc_info[1]) is not None:
            attributes |= {
                "exception.type": type(error).__name__,
                "exception.message": hide(str(error)),
                "exception.stacktrace": hide("".join(traceback.format_exception(error))),
            }
        at = int(now().timestamp() * 1_000_000) * 1000
        sent = LogRecord(
            timestamp=at,
            observed_timestamp=at,
            context=get_current(),
            severity_text=record.levelname,
            severity_number=SeverityNumber(_severity(record.levelno)),
            body=hide(record.getMessage()),
            attributes=attributes,
        )
        self._provider.get_logger(record.name).emit(sent)


def _severity(level: int) -> int:
    """OpenTelemetry's number of a level of Python's: INFO is 9, WARNING 13, ERROR 17, CRITICAL 21."""
    return min(max(level // 10, 1), 5) * 4 + 1
