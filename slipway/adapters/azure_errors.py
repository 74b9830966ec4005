"""What an Azure SDK's error means for us: one function, for every adapter.

The shapes: `{"error": {"code", "message"}}` (ARM, Tables and Blobs through their SDKs), App Service's own
`{"Code", "Message", "Details"}` beside it, flat `{"code", "message"}` (DNS), `{"errors": [{"code", "message"}]}`
(container registries), and Service Bus conditions, which the SDK turns into exceptions of its own.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from slipway.adapters.denied import denied_words
from slipway.adapters.denied import said as _said
from slipway.promotion.errors import SlipwayError
from slipway.promotion.outcomes import Answer, broken, running
from slipway.promotion.rights.role import Role


class FaultKind(StrEnum):
    """What to do: come again (throttled, conflict, unavailable), look first (unknown), or ask a person."""

    THROTTLED = "throttled"
    DENIED = "denied"
    MISSING = "missing"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    INVALID = "invalid"


_MAY_PASS = {FaultKind.THROTTLED, FaultKind.CONFLICT, FaultKind.UNAVAILABLE}
UNKNOWN = "AZURE_UNKNOWN"
_UNREADABLE = "the answer cannot be read"
LONGEST_RETRY_AFTER_S = 3600.0  # whoever asks for more than any throttle of Azure's is asked again all the same


@dataclass(frozen=True)
class AzureFault:
    """One failed call: Azure's own `code`, our `words`; `retry_after_s` is 0 when Azure named no time; `said` is the
    text that Azure gave."""

    kind: FaultKind
    code: str
    words: str
    retry_after_s: float = 0.0
    said: str = ""

    @property
    def stable_code(self) -> str:
        """Our own code for it, `AZURE_DENIED` and the like."""
        return f"AZURE_{self.kind.upper()}"

    def answer(self, handle: dict[str, Any], after_s: float) -> Answer:
        """Running on with `handle` when it may pass (no sooner than Azure asked for), else broken. One that runs on
        has a code only when whether Azure did it is not known."""
        if self.kind is FaultKind.UNKNOWN:
            return replace(running(handle, after_s, self.words), code=UNKNOWN)
        if self.kind in _MAY_PASS:
            return running(handle, max(after_s, self.retry_after_s), self.words)
        return broken(self.stable_code, self.words)


class AzureProblem(SlipwayError):
    """A call to Azure that failed, raised where there is no `Answer` to put it in."""

    def __init__(self, fault: AzureFault) -> None:
        super().__init__(fault.stable_code, fault.words)
        self.fault = fault


def explain(error: BaseException, role: str | Role = "") -> AzureFault:
    """What `error`, raised by an Azure SDK, means. Raises it again when it is none of theirs.

    `role` is what the request takes: data services refuse without naming an action. A name is that of a role of Azure's
    which the deployment of Slipway gives, a `Role` is one that `slipway roles` prints.
    """
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        DecodeError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    if isinstance(error, AzureProblem):
        return error.fault
    if not isinstance(error, AzureError):
        raise error
    if _service_bus_kind(error):
        kind = _service_bus_kind(error) or FaultKind.UNAVAILABLE
        return _fault(kind, type(error).__name__, str(error), role=role)
    if isinstance(error, ServiceResponseError):
        return _fault(FaultKind.UNKNOWN, type(error).__name__, "the answer never came")
    if isinstance(error, DecodeError):
        return _fault(FaultKind.UNKNOWN, type(error).__name__, _UNREADABLE)
    if isinstance(error, ServiceRequestError):
        return _fault(FaultKind.UNAVAILABLE, type(error).__name__, "not reachable")
    if isinstance(error, HttpResponseError) and error.response is not None:
        return explain_response(error.response, role)
    if isinstance(error, ClientAuthenticationError):
        return _fault(FaultKind.UNAVAILABLE, type(error).__name__, f"no token for our identity: {error.message}")
    return _fault(FaultKind.UNAVAILABLE, type(error).__name__, str(error))


@contextmanager
def explained() -> Iterator[None]:
    """What an Azure SDK raises within becomes an AzureProblem; so does an answer that it cannot read."""
    from azure.core.exceptions import AzureError, DeserializationError

    try:
        yield
    except AzureError as error:
        raise AzureProblem(explain(error)) from error
    except (json.JSONDecodeError, DeserializationError) as error:
        raise unreadable(type(error).__name__) from error


def unreadable(what: str) -> AzureProblem:
    """Of an answer that is not of the form that it should have."""
    return AzureProblem(_fault(FaultKind.UNKNOWN, what, _UNREADABLE))


def explain_response(response: Any, role: str | Role = "") -> AzureFault:
    """What an HTTP answer with status ≥ 400 means (an azure-core response, old or new). `role` as in `explain`."""
    code, message = _code_and_message(_text_of(response))
    status = int(response.status_code)
    code = code or response.headers.get("x-ms-error-code") or str(status)  # what a HEAD answers has no body
    fault = _fault(_kind(status), code, message or f"HTTP {status}", retry_after_s(response.headers))
    if fault.kind is not FaultKind.DENIED:
        return fault
    return replace(fault, words=denied_words(code, message or f"HTTP {status}", role, _host_of(response)))


def _host_of(response: Any) -> str:
    """Where the request went."""
    return urlsplit(str(getattr(getattr(response, "request", None), "url", ""))).hostname or ""


def _text_of(response: Any) -> str:
    """Its body, which nobody has read yet when the SDK was asked for a stream."""
    from azure.core.exceptions import AzureError

    try:
        if hasattr(response, "read"):
            response.read()
        return str(response.text())
    except AzureError:
        return ""


def _kind(status: int) -> FaultKind:
    match status:
        case 429:
            return FaultKind.THROTTLED
        case 401 | 403:
            return FaultKind.DENIED
        case 404 | 410:
            return FaultKind.MISSING
        case 409 | 412:
            return FaultKind.CONFLICT
        case 408:
            return FaultKind.UNAVAILABLE
    return FaultKind.UNAVAILABLE if status >= 500 and status != 501 else FaultKind.INVALID


def _fault(kind: FaultKind, code: str, message: str, retry_after_s: float = 0.0, role: str | Role = "") -> AzureFault:
    said = _said(message)
    match kind:
        case FaultKind.THROTTLED:
            words = f"Azure asks us to slow down ({said})"
        case FaultKind.DENIED:
            words = denied_words(code, message, role)
        case FaultKind.MISSING:
            words = f"Azure does not find it ({code}: {said})"
        case FaultKind.CONFLICT:
            words = f"something else is under way there ({code}: {said})"
        case FaultKind.UNAVAILABLE:
            words = f"Azure is not available ({code}: {said})"
        case FaultKind.UNKNOWN:
            words = f"whether Azure did it is not known ({code}: {said})"
        case FaultKind.INVALID:
            words = f"Azure refused the request ({code}: {said})"
    return AzureFault(kind, code, words, retry_after_s, said)


def _code_and_message(body: str) -> tuple[str, str]:
    """Azure's code and message out of any of the shapes; the body itself when it is none of them."""
    try:
        document = json.loads(body)
    except ValueError:
        inside = re.search(r"<(?:Code|m:code)>([^<]*)<.*?<(?:Message|m:message)[^>]*>([^<]*)<", body, re.DOTALL)
        return (inside[1], inside[2]) if inside else ("", body)
    for shape in _shapes(document) if isinstance(document, dict) else ():
        if isinstance(shape, dict):
            lower = {key.lower(): value for key, value in shape.items()}
            code, message = lower.get("code"), lower.get("message")
            if code or message:
                return str(code or ""), str(message.get("value", "") if isinstance(message, dict) else message or "")
    return "", body


def _shapes(document: dict[str, Any]) -> tuple[Any, ...]:
    several = document.get("errors")  # as container registries have it
    first = several[0] if isinstance(several, list) and several else None
    return document.get("error"), document.get("odata.error"), first, document


def retry_after_s(headers: Any) -> float:
    """When Azure wants to be asked again, in seconds, an hour at most; 0 when it does not say."""
    for name, unit_s in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            asked_s = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue  # absent, or a date, which Azure's throttles do not use
        return min(asked_s, LONGEST_RETRY_AFTER_S) if asked_s > 0 else 0.0
    return 0.0


_SERVICE_BUS = {
    "ServiceBusServerBusyError": FaultKind.THROTTLED,
    "ServiceBusQuotaExceededError": FaultKind.THROTTLED,
    "ServiceBusAuthenticationError": FaultKind.DENIED,
    "ServiceBusAuthorizationError": FaultKind.DENIED,
    "MessagingEntityNotFoundError": FaultKind.MISSING,
    "MessagingEntityDisabledError": FaultKind.CONFLICT,
    "MessageSizeExceededError": FaultKind.INVALID,
    "OperationTimeoutError": FaultKind.UNKNOWN,
    "ServiceBusError": FaultKind.UNAVAILABLE,
}


def _service_bus_kind(error: BaseException) -> FaultKind | None:
    """By the exception's nearest name, so that the SDK need not be imported to say so."""
    for ancestor in type(error).__mro__:
        if ancestor.__name__ in _SERVICE_BUS:
            return _SERVICE_BUS[ancestor.__name__]
    return None
