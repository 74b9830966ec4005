"""Runs of one load testing resource: begun, looked at, stopped. Everything here raises AzureProblem."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.adapters.azure_errors import AzureProblem, FaultKind, explain_response
from slipway.adapters.load_testing.client import DATA_API_VERSION, asked, client_of
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.rights.catalogue import LOADS
from slipway.settings import Settings

READS: dict[str, Any] = {"retry_total": 2, "retry_status": 0}  # lost connections are tried again, refusals are not
DONE, FAILED, CANCELLED, CANCELLING = "DONE", "FAILED", "CANCELLED", "CANCELLING"
ONCE: dict[str, Any] = {"retry_total": 0}  # where somebody waits, or comes again anyway
LONGEST_NAME = 50


def run_id(operation: str) -> str:
    """An operation's id in Azure's letters (`[a-z0-9_-]`, at most 50): the same operation is the same run."""
    return f"slipway-{hashlib.sha256(operation.encode()).hexdigest()[:40]}"


@dataclass(frozen=True)
class Run:
    """A run as Azure shows it; `body` is all that it says."""

    id: str
    status: str
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.status in (DONE, FAILED, CANCELLED)

    @property
    def why(self) -> str:
        """Azure's own words for how it ended; empty when it has none."""
        details = self.body.get("errorDetails")
        told = [each.get("message") for each in details if isinstance(each, dict)] if isinstance(details, list) else []
        return "; ".join(str(each) for each in told if each)


class Runs:
    """`plan` says of which resource, and of which test."""

    def __init__(self, settings: Settings, plan: LoadRunPlan) -> None:
        self._settings, self._plan = settings, plan

    def look(self, id: str, options: Mapping[str, Any] = READS) -> Run | None:
        """The run; None when there is none of that id."""
        client = client_of(self._settings, self._plan.resource)
        try:
            body = asked(lambda: client.get_test_run(id, **options))
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING:
                return None
            raise
        found = body if isinstance(body, dict) else {}
        return Run(id, str(found.get("status") or "").upper(), found)

    def begin(self, id: str, called: str, variables: Mapping[str, str]) -> None:
        """Begin it, once: whether Azure took it is looked for before it is sent again.

        `begin_test_run` would start a thread that polls; the request that it sends is this.
        """
        from azure.core.rest import HttpRequest

        body = {
            "testId": self._plan.test,
            "displayName": f"Slipway {called}"[:LONGEST_NAME],
            "environmentVariables": dict(variables),
        }
        headers = {"Content-Type": "application/merge-patch+json"}
        client = client_of(self._settings, self._plan.resource)

        def send() -> Any:
            params = {"api-version": DATA_API_VERSION}
            request = HttpRequest("PATCH", f"/test-runs/{id}", params=params, headers=headers, json=body)
            response = client.send_request(request, **ONCE)
            if response.status_code == 401:
                response = client.send_request(request, **ONCE)
            return response

        response = asked(send)
        if response.status_code >= 400:
            raise AzureProblem(explain_response(response, LOADS))

    def stop(self, id: str) -> None:
        """Ask for its end, which follows in a while."""
        client = client_of(self._settings, self._plan.resource)
        asked(lambda: client.stop_test_run(id, **ONCE))
