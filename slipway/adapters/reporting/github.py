"""GitHub's deployments (REST 2022-11-28): one for each stage of a promotion, in the environment of that name.

`task` has the service in it, so that services that share a repository have deployments of their own; `payload` says
of which promotion one is. What a report finds there is not done again. GitHub would make other deployments of an
environment inactive by itself, those of other services too: we do it, with our own alone.
"""

from typing import Any
from urllib.parse import quote

from slipway.adapters.reporting.asking import ReportFailed, ask
from slipway.adapters.reports import making
from slipway.adapters.secrets import Secrets
from slipway.promotion.reports import GitHubRepository, ReportState, StageReport
from slipway.settings import Settings

_STATES = {
    ReportState.WAITING: "queued",
    ReportState.RUNNING: "in_progress",
    ReportState.PASSED: "success",
    ReportState.FAILED: "failure",
    ReportState.BROKEN: "error",
    ReportState.GONE: "inactive",
}
_LONGEST_DESCRIPTION = 140
_LOOKS_BACK = 30  # earlier deployments of the same service and environment


class GitHub:
    """A repository's deployments. Raises ReportFailed; SlipwayError when its token cannot be read."""

    def __init__(self, settings_: Settings, repository: GitHubRepository) -> None:
        self._settings, self._of = settings_, repository
        owner, _, name = repository.repository.partition("/")
        self._root = f"{settings_.github_endpoint.rstrip('/')}/repos/{quote(owner)}/{quote(name)}/deployments"

    def tell(self, report: StageReport) -> None:
        """The stage's deployment is there, and says its state."""
        found = self._of_this_service(report)
        mine = _own(found, report)
        if mine is None:
            if report.state is ReportState.GONE:  # nothing of it ever was there
                return
            mine = self._made(report)
        self._say(mine["id"], _STATES[report.state], report.words, report.url)
        if report.state is ReportState.PASSED:
            self._retire([each for each in found if each["id"] < mine["id"]], report)

    def _of_this_service(self, report: StageReport) -> list[dict[str, Any]]:
        """The newest first."""
        query = f"?environment={quote(report.environment)}&task={quote(_task(report), safe='')}&per_page={_LOOKS_BACK}"
        found: list[dict[str, Any]] = self._ask("GET", query)
        return found

    def _made(self, report: StageReport) -> dict[str, Any]:
        """A new deployment. Several events of a stage come at once: one at a time looks once more, and makes it."""
        with making(report.promotion, report.stage, self._of.where, self._settings) as my_turn:
            if not my_turn:
                raise ReportFailed(f"{self._of.where}: another event of this stage makes its deployment just now")
            made: dict[str, Any] = _own(self._of_this_service(report), report) or self._ask(
                "POST", "", self._new(report)
            )
            return made

    def _new(self, report: StageReport) -> dict[str, Any]:
        return {
            "ref": report.commit,
            "task": _task(report),
            "environment": report.environment,
            "description": f"{report.service} {report.version}"[:_LONGEST_DESCRIPTION],
            "payload": {"promotion": report.promotion, "stage": report.stage, "version": report.version},
            "auto_merge": False,
            "required_contexts": [],  # whether the commit may be deployed is Slipway's to say
        }

    def _retire(self, earlier: list[dict[str, Any]], report: StageReport) -> None:
        """What was active before is not any more. Each release retires those before it, so the first one that is
        inactive has only such behind it."""
        words = f"{report.version} took its place"
        for each in earlier:
            only_after = "" if _is_of(each, report) else "success"  # one of its own is one too many, whatever it says
            if not self._say(each["id"], "inactive", words, "", only_after):
                return

    def _say(self, id: int, state: str, words: str, url: str, only_after: str = "") -> bool:
        """Whether the deployment's newest status had to be another one (and, if that is given, was `only_after`)."""
        newest = self._ask("GET", f"/{id}/statuses?per_page=1")
        now = newest[0]["state"] if newest else ""
        if now == state:
            return False
        if only_after and now != only_after:
            return True
        status = {"state": state, "description": words[:_LONGEST_DESCRIPTION], "auto_inactive": False}
        self._ask("POST", f"/{id}/statuses", status | ({"log_url": url} if url else {}))
        return True

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return ask(self._settings, self._of.where, method, self._root + path, self._headers(), body)
        except ReportFailed as failed:
            if failed.status != 401:
                raise
        Secrets(self._settings).forget(self._of.secret)  # it may have been renewed since we read it
        return ask(self._settings, self._of.where, method, self._root + path, self._headers(), body)

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {Secrets(self._settings).read(self._of.secret)}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "slipway",
        }


def _task(report: StageReport) -> str:
    return f"slipway:{report.service}"


def _own(found: list[dict[str, Any]], report: StageReport) -> dict[str, Any] | None:
    return next((each for each in found if _is_of(each, report)), None)


def _is_of(deployment: dict[str, Any], report: StageReport) -> bool:
    payload = deployment.get("payload")
    of = (report.promotion, report.stage)
    return isinstance(payload, dict) and (payload.get("promotion"), payload.get("stage")) == of
