"""What happens to every request to a data plane (Load Testing, registries, App Configuration), each try anew: its
correlation id, and a 429 that everybody of the process hears who asks the same host.

How much a host allows differs by its tier and is written nowhere, so nothing is counted ahead, as it is for Resource
Manager (`arm_policy`). A wait of more than a few seconds is left to the durable workflow here too.
"""

from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from slipway.adapters.arm_policy import correlated, now_s, wait
from slipway.adapters.azure_errors import retry_after_s


class Gates:
    """Until when each host of a service has asked us to wait, for all clients of the process."""

    def __init__(self) -> None:
        self._shut_until_s: dict[tuple[str, str], float] = {}
        self._lock = Lock()

    def wait_s(self, service: str, url: str) -> float:
        with self._lock:
            return max(0.0, self._shut_until_s.get((service, urlsplit(url).netloc), 0.0) - now_s())

    def shut(self, service: str, url: str, wait_s: float) -> None:
        host = service, urlsplit(url).netloc
        with self._lock:
            self._shut_until_s[host] = max(now_s() + wait_s, self._shut_until_s.get(host, 0.0))

    def forget(self) -> None:
        """All of them may be asked again."""
        with self._lock:
            self._shut_until_s.clear()


GATES = Gates()


class DataPolicy(HTTPPolicy[Any, Any]):
    """Raises AzureProblem, throttled, while the host of `service` has asked us to wait for longer than an activity
    does."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        correlated(request.http_request)
        url = request.http_request.url
        wait(GATES.wait_s(self._service, url), f"requests to {self._service}")
        response = self.next.send(request)
        if response.http_response.status_code == 429:
            GATES.shut(self._service, url, retry_after_s(response.http_response.headers))
        return response
