"""GitHub web hooks: `workflow_run` (completed) and `registry_package` (published).

Fields: https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from typing import Any

from pydantic import Field

from slipway.promotion.build_messages.vendor import (
    Event,
    MaybeText,
    Message,
    Moment,
    Sha,
    Text,
    digest_in,
    link,
    named,
    read,
)
from slipway.promotion.errors import BuildRejected, NotABuild
from slipway.promotion.reported import GITHUB, SHORT_SHA, Origin, ReportedBuild

_RESULTS = {"success": "succeeded", "neutral": "partially-succeeded", "cancelled": "canceled"}  # all else: failed
_REVISION = "org.opencontainers.image.revision"
_GO_KNOWS_NO_TIME = 1  # the year of a moment that was never set


class _User(Event):
    login: MaybeText = ""


class _Repository(Event):
    name: Text
    full_name: Text


class _Run(Event):
    id: int = 0
    run_number: int
    run_attempt: int = 1
    event: Text
    head_branch: MaybeText = ""
    head_sha: Sha
    name: MaybeText = ""
    path: MaybeText = ""
    html_url: Any = None
    head_repository: _Repository | None = None  # none when the fork was deleted meanwhile
    conclusion: MaybeText = ""
    updated_at: Moment
    actor: _User | None = None


class _Workflow(Event):
    name: MaybeText = ""
    path: MaybeText = ""


class _WorkflowRun(Event):
    action: Text
    workflow: _Workflow | None = None  # then the run itself says of which one it is
    workflow_run: _Run
    repository: _Repository


class _Tag(Event):
    name: MaybeText = ""
    digest: MaybeText = ""


class _AllLabels(Event):
    revision: Any = Field(None, alias=_REVISION)


class _Labels(Event):
    revision: Any = None
    all_labels: _AllLabels = _AllLabels()


class _Container(Event):
    tag: _Tag = _Tag()
    labels: _Labels | None = None


class _Version(Event):
    version: Text
    target_commitish: MaybeText = ""
    target_oid: MaybeText = ""
    created_at: Moment
    container_metadata: _Container | None = None


class _Package(Event):
    name: Text
    updated_at: Moment
    package_version: _Version
    html_url: Any = None


class _Published(Event):
    action: Text
    registry_package: _Package
    repository: _Repository
    sender: _User = _User()


class _Told(Event):
    action: Text


def is_workflow_run(message: Message) -> bool:
    return "workflow_run" in message and "action" in message


def is_package(message: Message) -> bool:
    return "registry_package" in message and "action" in message


def parse_workflow_run(message: Message) -> ReportedBuild:
    """The run's build. Raises BuildRejected INVALID_BUILD; NotABuild NOT_A_BUILD, PULL_REQUEST."""
    _check_action(message, "workflow_run", "completed")
    told = read(_WorkflowRun, message)
    run, repository, workflow = told.workflow_run, told.repository, _workflow_of(told)
    # A fork's branch may be called main, and a pull request's run has the name of the branch that it comes from.
    elsewhere = run.head_repository is None or run.head_repository.full_name != repository.full_name
    if elsewhere or run.event.startswith("pull_request"):
        words = (
            f"GitHub: run {run.run_number} of {workflow.path} in {repository.full_name} is of a pull request or fork"
        )
        raise NotABuild(GITHUB, "PULL_REQUEST", words)
    files = (workflow.path.rpartition("/")[2], workflow.path, workflow.name)
    parts = {
        "run_number": str(run.run_number),
        "run_attempt": str(run.run_attempt),
        "run_id": str(run.id or ""),
        "tag": run.head_branch,
        "sha": run.head_sha,
        "short_sha": run.head_sha[:SHORT_SHA],
    }
    return ReportedBuild(
        origin=Origin(GITHUB, named(**_repository(repository), workflow=files)),
        version="{run_number}",
        parts={name: value for name, value in parts.items() if value},
        commit=run.head_sha,
        branch=run.head_branch,
        author=run.actor.login if run.actor else "",
        finished_at=run.updated_at,
        result=_RESULTS.get(run.conclusion, "failed"),
        url=link(run.html_url),
    )


def parse_package(message: Message) -> ReportedBuild:
    """The published package. Raises BuildRejected INVALID_BUILD; NotABuild NOT_A_BUILD, NO_TAG."""
    _check_action(message, "registry_package", "published")
    told = read(_Published, message)
    package, version = told.registry_package, told.registry_package.package_version
    container = version.container_metadata
    tag = container.tag.name if container else version.version
    if not tag:
        words = f"GitHub: {package.name} of {told.repository.full_name} was published without a tag"
        raise NotABuild(GITHUB, "NO_TAG", words)
    commit = _revision(container) or version.target_oid
    parts = {"tag": tag, "sha": commit, "short_sha": commit[:SHORT_SHA]}
    at = version.created_at
    return ReportedBuild(
        origin=Origin(GITHUB, named(**_repository(told.repository), package=package.name)),
        version="{tag}",
        parts={name: value for name, value in parts.items() if value},
        commit=commit[:100],
        branch=version.target_commitish.removeprefix("refs/heads/"),
        author=told.sender.login,
        finished_at=package.updated_at if at.year == _GO_KNOWS_NO_TIME else at,
        digest=digest_in(container.tag.digest, version.version) if container else "",
        url=link(package.html_url),
    )


def _check_action(message: Message, event: str, wanted: str) -> None:
    action = read(_Told, message).action
    if action != wanted:
        words = f"GitHub tells of a {event} that is {action}; a build is told of when it is {wanted}"
        raise NotABuild(GITHUB, "NOT_A_BUILD", words)


def _repository(repository: _Repository) -> dict[str, str]:
    return {"repository": repository.full_name, "repository_name": repository.name}


def _workflow_of(told: _WorkflowRun) -> _Workflow:
    """Raises BuildRejected INVALID_BUILD when neither it nor its run says its file."""
    workflow, run = told.workflow or _Workflow(), told.workflow_run
    path = workflow.path or run.path.partition("@")[0]  # a run may say at which branch its file was read
    if not path:
        raise BuildRejected("INVALID_BUILD", "workflow.path: is missing, and workflow_run.path too")
    return _Workflow(name=workflow.name or run.name, path=path)


def _revision(container: _Container | None) -> str:
    """The commit on the image's label. Labels may say anything: what is no commit is none."""
    labels = (container and container.labels) or _Labels()
    said = labels.revision or labels.all_labels.revision
    return said if isinstance(said, str) and len(said) <= 100 and said.isprintable() else ""
