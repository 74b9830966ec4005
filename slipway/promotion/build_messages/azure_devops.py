"""Azure DevOps service hooks: `build.complete` (resource versions 1.0 and 2.0) and a pipeline's run that changed state.

Fields: https://learn.microsoft.com/azure/devops/service-hooks/events
"""

import re
from typing import Any, Literal

from pydantic import Field

from slipway.promotion.build_messages.schema_tag import schema_in
from slipway.promotion.build_messages.vendor import (
    Event,
    M,
    MaybeText,
    Message,
    Moment,
    Sha,
    Text,
    link,
    named,
    read,
    unknown_version,
)
from slipway.promotion.errors import BuildRejected, NotABuild
from slipway.promotion.reported import AZURE_DEVOPS, SHORT_SHA, Origin, ReportedBuild

BUILD_COMPLETE, RUN_STATE = "build.complete", "ms.vss-pipelines.run-state-changed-event"
_RUN_STATE_VERSION = "5.1-preview.1"
_GOT = re.compile(r"[A-Z]+:(?P<branch>refs/.+):(?P<commit>[0-9a-f]{40})\Z")  # of Git; TFVC says C and a number
_RESULTS = {
    "succeeded": "succeeded",
    "partiallySucceeded": "partially-succeeded",
    "failed": "failed",
    "canceled": "canceled",
    "stopped": "canceled",
}


class _Person(Event):
    unique_name: MaybeText = Field("", alias="uniqueName")


class _Project(Event):
    id: MaybeText = ""
    name: MaybeText = ""


class _Page(Event):
    href: Any = None


class _Links(Event):
    web: _Page = _Page()


class _Definition(Event):
    name: Text
    project: _Project = _Project()


class _Request(Event):
    requested_for: _Person = Field(_Person(), alias="requestedFor")


class _OldBuild(Event):
    id: int = 0
    number: Text = Field(alias="buildNumber")
    status: Literal["succeeded", "partiallySucceeded", "failed", "stopped"]
    finished_at: Moment = Field(alias="finishTime")
    got: Text = Field(alias="sourceGetVersion")
    definition: _Definition
    requests: list[Any] = Field([])


class _Build(Event):
    id: int = 0
    number: Text = Field(alias="buildNumber")
    result: Literal["succeeded", "partiallySucceeded", "failed", "canceled"]
    finished_at: Moment = Field(alias="finishTime")
    branch: Text = Field(alias="sourceBranch")
    commit: Sha = Field(alias="sourceVersion")
    definition: _Definition
    project: _Project = _Project()
    requested_for: _Person = Field(_Person(), alias="requestedFor")
    links: _Links = Field(_Links(), alias="_links")
    tags: list[Any] | None = None


class _Source(Event):
    ref: MaybeText = Field("", alias="refName")
    version: MaybeText = ""


class _Sources(Event):
    itself: _Source = Field(_Source(), alias="self")


class _Resources(Event):
    repositories: _Sources = _Sources()


class _Run(Event):
    id: int = 0
    name: Text
    state: Text
    result: Literal["succeeded", "partiallySucceeded", "failed", "canceled"] | None = None
    finished_at: Moment | None = Field(None, alias="finishedDate")
    resources: _Resources = _Resources()
    links: _Links = Field(_Links(), alias="_links")


class _Author(Event):
    email: MaybeText = ""


class _Change(Event):
    author: _Author = _Author()
    version: MaybeText = ""


class _Repository(Event):
    change: _Change = _Change()


class _RunChange(Event):
    run: _Run
    pipeline: _Definition
    repositories: list[Any] = Field([])


class _Containers(Event):
    project: _Project = _Project()


class _Hook(Event):
    containers: _Containers = Field(_Containers(), alias="resourceContainers")


class _OldHook(_Hook):
    resource: _OldBuild


class _BuildHook(_Hook):
    resource: _Build


class _RunHook(_Hook):
    resource: _RunChange


def recognises(message: Message) -> bool:
    return "publisherId" in message and "eventType" in message


def parse_azure_devops(message: Message) -> ReportedBuild:
    """The build that the hook tells of. Raises BuildRejected INVALID_BUILD, UNKNOWN_EVENT_VERSION; NotABuild
    NOT_A_BUILD, PULL_REQUEST."""
    kind, version = message["eventType"], message.get("resourceVersion")
    if kind == RUN_STATE:
        if version != _RUN_STATE_VERSION:
            raise unknown_version(RUN_STATE, version, _RUN_STATE_VERSION)
        return _of_a_run(read(_RunHook, message))
    if kind != BUILD_COMPLETE:
        words = f"Azure DevOps tells of {str(kind)[:80]!a}; a build is told of by {BUILD_COMPLETE} or {RUN_STATE}"
        raise NotABuild(AZURE_DEVOPS, "NOT_A_BUILD", words)
    if version == "1.0":
        return _of_an_old_build(read(_OldHook, message))
    if version == "2.0":
        return _of_a_build(read(_BuildHook, message))
    raise unknown_version(BUILD_COMPLETE, version, "1.0 or 2.0")


def _of_a_build(hook: _BuildHook) -> ReportedBuild:
    build = hook.resource
    _check_source(build.branch, build.definition, build.number)
    return ReportedBuild(
        origin=_origin(build.definition, hook, build.project),
        version="{buildNumber}",
        parts=_parts(build.number, build.id, build.commit),
        commit=build.commit,
        branch=_branch(build.branch),
        author=build.requested_for.unique_name,
        finished_at=build.finished_at,
        result=_RESULTS[build.result],
        url=link(build.links.web.href),
        schema=schema_in(build.tags or ()),
    )


def _of_an_old_build(hook: _OldHook) -> ReportedBuild:
    build = hook.resource
    got = _GOT.match(build.got)
    if got is None:
        words = f"resource.sourceGetVersion: {build.got[:60]!a} names no branch and commit of Git"
        raise BuildRejected("INVALID_BUILD", words)
    _check_source(got["branch"], build.definition, build.number)
    return ReportedBuild(
        origin=_origin(build.definition, hook),
        version="{buildNumber}",
        parts=_parts(build.number, build.id, got["commit"]),
        commit=got["commit"],
        branch=_branch(got["branch"]),
        author=_first(_Request, build.requests).requested_for.unique_name,
        finished_at=build.finished_at,
        result=_RESULTS[build.status],
    )


def _of_a_run(hook: _RunHook) -> ReportedBuild:
    run, change = hook.resource.run, _first(_Repository, hook.resource.repositories).change
    if run.state != "completed":
        words = f"Azure DevOps says that the run {run.name} of {hook.resource.pipeline.name} is {run.state}"
        raise NotABuild(AZURE_DEVOPS, "NOT_A_BUILD", words)
    if run.result is None or run.finished_at is None:
        missing = "result" if run.result is None else "finishedDate"
        raise BuildRejected("INVALID_BUILD", f"resource.run.{missing}: is missing, and the run is completed")
    commit = run.resources.repositories.itself.version or change.version
    _check_source(run.resources.repositories.itself.ref, hook.resource.pipeline, run.name)
    return ReportedBuild(
        origin=_origin(hook.resource.pipeline, hook),
        version="{buildNumber}",
        parts=_parts(run.name, run.id, commit),
        commit=commit[:100],
        branch=_branch(run.resources.repositories.itself.ref),
        author=change.author.email[:200],
        finished_at=run.finished_at,
        result=_RESULTS[run.result],
        url=link(run.links.web.href),
    )


def _first(model: type[M], several: list[Any]) -> M:
    """The first of them, the others are not read; an empty one when there is none."""
    return read(model, several[0] if several else {})


def _check_source(ref: str, definition: _Definition, number: str) -> None:
    if ref.startswith("refs/pull/"):
        words = f"Azure DevOps: {definition.name} {number} is of a pull request, {ref[:60]}"
        raise NotABuild(AZURE_DEVOPS, "PULL_REQUEST", words)


def _origin(definition: _Definition, hook: _Hook, *projects: _Project) -> Origin:
    """A project goes by its name, where the event says it, and by its id."""
    told = (*projects, definition.project, hook.containers.project)
    project = (*(each.name for each in told), *(each.id for each in told))
    return Origin(AZURE_DEVOPS, named(project=project, definition=definition.name))


def _parts(number: str, id: int, commit: str) -> dict[str, str]:
    known = {"buildNumber": number, "id": str(id or ""), "sha": commit, "short_sha": commit[:SHORT_SHA]}
    return {name: value for name, value in known.items() if value}


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
