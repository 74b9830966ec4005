"""Statuses of commits in Azure DevOps (REST 7.1, `git/repositories/…/commits/…/statuses`), by our managed identity.

A status is known by its context: `slipway` and `service/stage`. The newest one of a context is what people see. Of
deployments Azure DevOps keeps records of its own pipelines alone: no request makes one.
"""

from typing import Any
from urllib.parse import quote

from slipway.adapters.azure_errors import explain
from slipway.adapters.credentials import credential
from slipway.adapters.reporting.asking import ReportFailed, ask
from slipway.promotion.reports import AzureRepository, ReportState, StageReport
from slipway.settings import Settings

SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"  # Azure DevOps, in every tenant
GENRE = "slipway"
_STATES = {
    ReportState.WAITING: "pending",
    ReportState.RUNNING: "pending",
    ReportState.PASSED: "succeeded",
    ReportState.FAILED: "failed",
    ReportState.BROKEN: "error",
    ReportState.GONE: "notApplicable",
}


class AzureDevOps:
    """A repository's commits. Raises ReportFailed."""

    def __init__(self, settings_: Settings, repository: AzureRepository) -> None:
        self._settings, self._of = settings_, repository
        places = (repository.organization, repository.project, "_apis/git/repositories", repository.repository)
        path = "/".join(quote(each) for each in places)
        self._root = f"{settings_.azure_devops_endpoint.rstrip('/')}/{path}/commits"

    def tell(self, report: StageReport) -> None:
        """The commit says the stage's state."""
        name, state = f"{report.service}/{report.stage}", _STATES[report.state]
        path = f"{self._root}/{quote(report.commit, safe='')}/statuses"
        found = self._ask("GET", f"{path}?latestOnly=true&api-version=7.1")["value"]
        mine = next((each for each in found if _context(each) == (GENRE, name)), None)
        if mine is None and report.state is ReportState.GONE:
            return
        if mine is None or mine["state"] != state:
            status = {"state": state, "description": report.words, "context": {"genre": GENRE, "name": name}}
            self._ask("POST", f"{path}?api-version=7.1", status | ({"targetUrl": report.url} if report.url else {}))

    def _ask(self, method: str, url: str, body: Any = None) -> Any:
        from azure.core.exceptions import AzureError

        try:
            token = credential(self._settings.client_id).get_token(SCOPE).token
        except AzureError as error:
            raise ReportFailed(f"{self._of.where}: {explain(error).words}") from error
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        return ask(self._settings, self._of.where, method, url, headers, body)


def _context(status: dict[str, Any]) -> tuple[str, str]:
    context = status.get("context") or {}
    return str(context.get("genre", "")), str(context.get("name", ""))
