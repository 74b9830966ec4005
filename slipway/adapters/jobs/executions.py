"""Container Apps jobs and their executions as Resource Manager shows them (azure-mgmt-appcontainers, api 2026-07-01).

Everything here raises AzureProblem for what Azure says.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain
from slipway.adapters.credentials import management_client
from slipway.adapters.once import once_per_process
from slipway.promotion.job_run import OPERATION
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.App/jobs/(?P<name>[^/]+)/?",
    re.IGNORECASE,
)
_READS: dict[str, Any] = {"retry_total": 2, "retry_status": 0}  # lost connections are tried again, refusals are not
Document = dict[str, Any]


@dataclass(frozen=True)
class Place:
    subscription: str
    group: str
    name: str


def place_of(job: str) -> Place:
    """The place that a job's resource id names. Raises AzureProblem when it names none."""
    found = _RESOURCE.fullmatch(job)
    if found is None:
        raise AzureProblem(
            AzureFault(FaultKind.INVALID, "InvalidJob", f"{job} is not the resource id of a Container Apps job")
        )
    return Place(found["subscription"], found["group"], found["name"])


@dataclass(frozen=True)
class Job:
    """`template` in REST's form; `secrets` are the names of its secrets; `at_once`: so many replicas run for each
    execution."""

    template: Document
    secrets: frozenset[str]
    at_once: int


@dataclass(frozen=True)
class Execution:
    """`operation` is that of Slipway which started it, empty for somebody else's; `env` are the plain variables of its
    containers, `image` that of the first. `exit_code` is None when Azure names none. Moments are None while they have
    not come."""

    name: str
    status: str
    operation: str
    exit_code: int | None
    began: datetime | None
    ended: datetime | None
    reason: str
    message: str
    env: Mapping[str, str] = field(default_factory=dict)
    image: str = ""

    @property
    def over(self) -> bool:
        return self.status in ("Succeeded", "Failed", "Stopped")


class Executions:
    def __init__(self, settings_: Settings) -> None:
        self._settings = settings_

    def job(self, place: Place) -> Job:
        with _explained():
            told = self._client(place).jobs.get(place.group, place.name, **_READS).as_dict()
        properties = told.get("properties") or {}
        configuration = properties.get("configuration") or {}
        manual = configuration.get("manualTriggerConfig") or {}
        return Job(
            template=properties.get("template") or {},
            secrets=frozenset(str(each.get("name")) for each in configuration.get("secrets") or ()),
            at_once=max(int(manual.get(key) or 1) for key in ("parallelism", "replicaCompletionCount")),
        )

    def all(self, place: Place) -> list[Execution]:
        with _explained():
            listed = self._client(place).jobs_executions.list(place.group, place.name, **_READS)
            return [_execution(each) for each in listed]

    def one(self, place: Place, name: str) -> Execution | None:
        """None when Azure does not show it."""
        try:
            with _explained():
                return _execution(self._client(place).job_execution(place.group, place.name, name, **_READS))
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING:
                return None
            raise

    def start(self, place: Place, template: Document) -> str:
        """`POST` once. The execution's name, empty when Azure has not named it yet."""
        answers: list[Any] = []
        body: Any = template
        with _explained():
            self._client(place).jobs.begin_start(
                place.group,
                place.name,
                body,
                polling=False,
                retry_total=0,
                raw_response_hook=lambda response: answers.append(response.http_response),
            )
            return _name_in(answers[-1].text())  # read by now: the hook sees it before

    def stop(self, place: Place, name: str) -> None:
        """Asks once, and does not wait for it."""
        with _explained():
            self._client(place).jobs.begin_stop_execution(place.group, place.name, name, polling=False, retry_total=0)

    def _client(self, place: Place) -> "ContainerAppsAPIClient":
        return _client(self._settings, place.subscription)


def _execution(found: Any) -> Execution:
    told = found.as_dict()
    properties = told.get("properties") or {}
    containers = (properties.get("template") or {}).get("containers") or ()
    env = {
        str(each.get("name")): str(each["value"])
        for one in containers
        for each in one.get("env") or ()
        if each.get("value") is not None
    }
    return Execution(
        name=str(told.get("name") or ""),
        status=str(properties.get("status") or "Unknown"),
        operation=env.get(OPERATION, ""),
        exit_code=_exit_code(properties.get("detailedStatus") or {}),
        began=_moment(properties.get("startTime")),
        ended=_moment(properties.get("endTime")),
        reason=str(properties.get("reason") or ""),
        message=str(properties.get("message") or ""),
        env=env,
        image=str(containers[0].get("image") or "") if containers else "",
    )


def _exit_code(detailed: Document) -> int | None:
    """The first code that is none of success, else 0, of all containers of all replicas."""
    replicas = detailed.get("replicas") or ()
    codes = [each.get("code") for replica in replicas for each in replica.get("containers") or ()]
    known = [int(code) for code in codes if code is not None]
    return next((code for code in known if code), 0) if known else None


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _name_in(body: str) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return str(document.get("name") or "") if isinstance(document, dict) else ""


@contextmanager
def _explained() -> Iterator[None]:
    """What the SDK raises, and what it makes of an answer that is not Azure's, as a fault."""
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise AzureProblem(explain(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        words = f"Azure answered in a form that cannot be read ({type(error).__name__}: {error})"
        raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "Unreadable", words)) from error


@once_per_process
def _client(settings_: Settings, subscription: str) -> "ContainerAppsAPIClient":
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

    return management_client(ContainerAppsAPIClient, settings_, subscription)
