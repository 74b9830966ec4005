"""What happens to every request to Resource Manager, each try anew: its turn, its correlation id, a second token.

Azure throttles each subscription by a bucket for reads, one for writes and one for deletions (250, 200 and 200
requests, refilled by 25, 10 and 10 a second), and all that Slipway does there draws from them: so its requests take
turns in one bucket of each sort, which follows what Azure says is left. A 429 is heard by everybody of the process who
was to ask the same. A wait of more than a few seconds is left to the durable workflow.
"""

import logging
import re
import time
import uuid
from dataclasses import dataclass
from threading import Lock
from typing import Any

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain_response, retry_after_s
from slipway.adapters.insights import current
from slipway.adapters.token_bucket import TokenBucket

LONGEST_WAIT_S = 5.0
READS, WRITES, DELETES = "reads", "writes", "deletes"
LIMITS = {READS: (250.0, 25.0), WRITES: (200.0, 10.0), DELETES: (200.0, 10.0)}
LOW = 0.2  # of a bucket's size
CORRELATION = "x-ms-correlation-request-id"
_LEFT = "x-ms-ratelimit-remaining-subscription-{}"
_PATH = re.compile(r"/subscriptions/(?P<subscription>[^/?]+)(?:.*?/providers/(?P<provider>[^/?]+))?")
_SORTS = {"GET": READS, "HEAD": READS, "DELETE": DELETES}

_log = logging.getLogger("slipway.arm")


@dataclass(frozen=True)
class Call:
    """Whose buckets a request draws from."""

    subscription: str
    provider: str
    sort: str

    @classmethod
    def of(cls, method: str, url: str) -> "Call":
        found = _PATH.search(url.lower())
        subscription, provider = (found["subscription"], found["provider"] or "") if found else ("", "")
        return cls(subscription, provider, _SORTS.get(method.upper(), WRITES))


class Buckets:
    """One for each subscription and sort of request, for all clients of the process."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._lock = Lock()

    def of(self, call: Call) -> TokenBucket:
        with self._lock:
            return self._buckets.setdefault((call.subscription, call.sort), TokenBucket(*LIMITS[call.sort]))

    def forget(self) -> None:
        """All of them are full again."""
        with self._lock:
            self._buckets.clear()


BUCKETS = Buckets()


def correlation_of(operation: str) -> str:
    """The id under which Azure's activity log has all that an operation of ours asked for."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"slipway:{operation}"))


def correlated(request: Any) -> None:
    """Have the request, and the activity's span, say whose work it is."""
    if operation := str(current().about.get("operation") or ""):
        request.headers[CORRELATION] = correlation_of(operation)
        current().tell(correlation=correlation_of(operation))


def wait(wait_s: float, what: str) -> None:
    """Until it is the request's turn. Raises AzureProblem, throttled, when that would be too late."""
    if wait_s > LONGEST_WAIT_S:
        words = f"Azure asks us to slow down: {what} are waited with for {wait_s:.0f} s"
        raise AzureProblem(AzureFault(FaultKind.THROTTLED, "OwnTurn", words, wait_s))
    if wait_s > 0:
        _log.info("a request waits %.1f s for its turn among the %s", wait_s, what)
        time.sleep(wait_s)


def now_s() -> float:
    return clock.now().timestamp()


class ArmPolicy(HTTPPolicy[Any, Any]):
    """Raises AzureProblem, throttled, when its turn would come too late, and with what Azure answered when Azure asks
    for more patience than an activity has."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        call = Call.of(request.http_request.method, request.http_request.url)
        correlated(request.http_request)
        bucket = BUCKETS.of(call)
        wait(bucket.take(now_s(), LONGEST_WAIT_S, call.provider), f"{call.sort} in the subscription")
        response = self.next.send(request)
        if response.http_response.status_code == 401:
            # Nothing was carried out. The SDK has forgotten the token, and now asks for another.
            response = self.next.send(request)
        self._heed(bucket, call, response.http_response)
        return response

    def _heed(self, bucket: TokenBucket, call: Call, response: Any) -> None:
        left = _number(response.headers.get(_LEFT.format(call.sort)))
        size, _ = LIMITS[call.sort]
        if left is not None:
            bucket.at_most(left)
            if left < LOW * size:
                _log.warning("%.0f %s are left in the subscription %s", left, call.sort, call.subscription)
        wait_s = retry_after_s(response.headers) if response.status_code >= 400 else 0.0
        if response.status_code == 429 and wait_s:
            # With plenty left it is the resource provider that is overrun, and others may go on.
            bucket.shut(now_s() + wait_s, call.provider if left and left >= LOW * size else "")
        if wait_s > LONGEST_WAIT_S:
            raise AzureProblem(explain_response(response))


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
