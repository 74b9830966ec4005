"""What a function may ask for beside its bindings: the `context` argument and `func.Out` parameters."""

import threading
from typing import Any
from uuid import uuid4

import azure.functions as func


class TraceContext:
    """W3C trace context of the request that caused the invocation; empty when it brought none."""

    def __init__(self, trace_parent: str = "", trace_state: str = "") -> None:
        self.trace_parent = trace_parent
        self.trace_state = trace_state
        self.attributes: dict[str, str] = {}

    # the worker also offers the names as they stand in the protocol
    @property
    def Traceparent(self) -> str:
        return self.trace_parent

    @property
    def Tracestate(self) -> str:
        return self.trace_state


class RetryContext:
    """No binding of this host has a retry policy of the runtime: always the first try."""

    retry_count = 0
    max_retry_count = 0
    exception = None


class InvocationContext(func.Context):
    """The `context` of one invocation."""

    def __init__(self, function: str, directory: str, trace: TraceContext) -> None:
        self._invocation_id = str(uuid4())
        self._function = function
        self._directory = directory
        self._trace = trace
        self._storage = threading.local()
        self._storage.invocation_id = self._invocation_id

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return self._storage

    @property
    def function_name(self) -> str:
        return self._function

    @property
    def function_directory(self) -> str:
        return self._directory

    @property
    def trace_context(self) -> Any:
        return self._trace

    @property
    def retry_context(self) -> Any:
        return RetryContext()


class Out(func.Out[Any]):
    """Holds what a function gives to an output binding; None: nothing is sent."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value
