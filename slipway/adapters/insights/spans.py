"""Spans, opened where something is done: in triggers and activities."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from slipway.adapters.clock import now
from slipway.adapters.insights.connection import connected

if TYPE_CHECKING:
    from opentelemetry.trace import Span as SdkSpan

LONGEST_WORDS = 500
Value = str | int | float | bool


class Kind(StrEnum):
    """What a span is in Azure Monitor: the first two are rows of `AppRequests`, work is one of `AppDependencies`."""

    REQUEST = "server"
    MESSAGE = "consumer"
    WORK = "internal"


class Span:
    """One thing that is done now. `about` is what its rows, and those of the logs within it, are found by."""

    def __init__(self, about: Mapping[str, Value], parent: str, sent: "SdkSpan | None" = None) -> None:
        self.about = dict(about)
        self._parent = parent
        self._sent = sent
        self._kept = True

    @property
    def traceparent(self) -> str:
        """What whoever goes on from here is told; the parent's where nothing is sent."""
        if self._sent is None:
            return self._parent
        context = self._sent.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"

    def tell(self, **attributes: Value) -> None:
        """Say more of it; an empty text is left out."""
        for name, value in attributes.items():
            if value != "" and self._sent is not None:
                self._sent.set_attribute(name, value[:LONGEST_WORDS] if isinstance(value, str) else value)

    def find_by(self, **about: str) -> None:
        """What only came to be known meanwhile; it is told of the logs that follow, too."""
        self.about |= about
        self.tell(**about)

    def failed(self, words: str) -> None:
        """It did not do what it is for."""
        if self._sent is not None:
            from opentelemetry.trace import Status, StatusCode

            self._sent.set_status(Status(StatusCode.ERROR, words[:LONGEST_WORDS]))

    def forget(self) -> None:
        """It is not worth a row: nothing is sent of it."""
        self._kept = False

    def end(self, at: datetime) -> None:
        if self._sent is not None and self._kept:
            self._sent.end(_ns(at))


_current: ContextVar[Span | None] = ContextVar("slipway_span", default=None)


def current() -> Span:
    """The span of what is done now; one that nobody sees outside of any."""
    return _current.get() or Span({}, "")


@contextmanager
def span(name: str, kind: Kind, parent: str, **about: Value) -> Iterator[Span]:
    """A span below `parent`, a traceparent. Its times are those of `clock.now`, its length that of the machine's clock.

    An exception passes through it, and makes it a failed one.
    """
    began_at, began = now(), time.perf_counter()
    about = {key: value for key, value in about.items() if value != ""}
    with _opened(name, kind, parent, about, began_at) as opened:
        token = _current.set(opened)
        try:
            yield opened
        except BaseException as error:
            opened.failed(type(error).__name__)
            raise
        finally:
            _current.reset(token)
            opened.end(began_at + timedelta(seconds=time.perf_counter() - began))


@contextmanager
def _opened(name: str, kind: Kind, parent: str, about: Mapping[str, Value], at: datetime) -> Iterator[Span]:
    sending = connected()
    if sending is None:
        yield Span(about, parent)
        return
    from opentelemetry.trace import SpanKind, use_span

    sent = sending.tracer.start_span(
        name,
        context=sending.context_of(parent),
        kind=SpanKind[kind.value.upper()],
        attributes=about,
        start_time=_ns(at),
    )
    with use_span(sent, end_on_exit=False, record_exception=False, set_status_on_exception=False):
        yield Span(about, parent, sent)


def _ns(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
