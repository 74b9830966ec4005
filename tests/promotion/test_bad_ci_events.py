"""Events that are cut off, wrong, of the future, or anything at all: rejected by name, and nothing else is raised."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.build import Build
from slipway.promotion.build_messages import parse_build
from slipway.promotion.errors import BuildRejected, NotABuild
from slipway.promotion.reported import ReportedBuild
from tests.promotion.ci_events import (
    BUILD_1,
    BUILD_2,
    LABELS,
    MISSING,
    OF_BUILDS,
    PACKAGE,
    PACKAGED,
    PUSHED,
    PUSHED_AS_CLOUD_EVENT,
    RUN_STATE,
    TAGGED,
    WORKFLOW_RUN,
    body,
    event,
    refused,
    reported,
)

# cut off, wrong, and of the future


@pytest.mark.parametrize("name", OF_BUILDS)
def test_a_truncated_event_is_no_json(name: str) -> None:
    whole = body(name)
    for end in range(1, len(whole), 97):
        with pytest.raises(BuildRejected, match="NOT_JSON"):
            parse_build(whole[:end])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *((BUILD_1, f"resource.{field}") for field in ("buildNumber", "status", "finishTime", "sourceGetVersion")),
        *((BUILD_2, f"resource.{field}") for field in ("buildNumber", "result", "sourceBranch", "sourceVersion")),
        (BUILD_2, "resource.definition.name"),
        (BUILD_2, "resource"),
        *((RUN_STATE, f"resource.{field}") for field in ("run.name", "run.state", "run.result", "run.finishedDate")),
        *((RUN_STATE, f"resource.{field}") for field in ("pipeline", "pipeline.name")),
        *((WORKFLOW_RUN, f"workflow_run.{field}") for field in ("run_number", "head_sha", "event", "updated_at")),
        *((WORKFLOW_RUN, field) for field in ("workflow_run.head_sha", "repository.full_name")),
        (PACKAGE, "registry_package.package_version"),
        *((PUSHED, field) for field in ("data.action", "data.target.repository", "data.target.digest", "data")),
        *((PACKAGED, field) for field in ("context.source", "context.timestamp", "subject.id")),
    ],
)
def test_what_a_minimal_event_lacks_is_named(name: str, path: str) -> None:
    assert refused(name, {path: MISSING}).startswith("INVALID_BUILD") and path in refused(name, {path: MISSING})


@pytest.mark.parametrize(
    ("name", "path", "value", "words"),
    [
        (BUILD_2, "resource.result", "great", "resource.result: can be"),
        (BUILD_2, "resource.sourceBranch", "", "resource.sourceBranch: is empty or holds control characters"),
        (BUILD_2, "resource.definition", "x", "resource.definition: "),
        (BUILD_2, "resource.finishTime", "yesterday", "resource.finishTime: is not a moment"),
        (BUILD_2, "resource.finishTime", None, "resource.finishTime: is missing"),
        (BUILD_1, "resource.sourceGetVersion", "C1234", "resource.sourceGetVersion: 'C1234' names no branch"),
        (WORKFLOW_RUN, "workflow_run.run_number", "many", "workflow_run.run_number: "),
        (PUSHED, "data.target.digest", "sha1:abc", "data.target.digest: is not sha256:"),
        (PACKAGED, "subject.id", "myapp-1.4.2", "subject.id: 'myapp-1.4.2' is no package URL"),
        (PUSHED_AS_CLOUD_EVENT, "data", "text", "data: is missing, or not an object"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(name: str, path: str, value: Any, words: str) -> None:
    assert refused(name, {path: value}).startswith(f"INVALID_BUILD: {words}")


def with_more(part: Any) -> Any:
    """The same with a field that nobody knows in every object."""
    if isinstance(part, list):
        return [with_more(each) for each in part]
    return (
        {**{key: with_more(value) for key, value in part.items()}, "ofTheFuture": 1} if isinstance(part, dict) else part
    )


@pytest.mark.parametrize("name", OF_BUILDS)
def test_fields_that_a_later_version_adds_are_no_obstacle(name: str) -> None:
    assert parse_build(json.dumps(with_more(event(name))).encode()) == reported(name)


@pytest.mark.parametrize(
    ("name", "path", "value", "words"),
    [
        (BUILD_2, "resourceVersion", "3.0", "build.complete has the version '3.0'; known is 1.0 or 2.0"),
        (BUILD_2, "resourceVersion", MISSING, "build.complete has the version 'None'"),
        (RUN_STATE, "resourceVersion", "8.0", "ms.vss-pipelines.run-state-changed-event has the version '8.0'"),
        (PUSHED, "dataVersion", "2.0", "ImagePushed has the version '2.0'"),
        (PUSHED, "metadataVersion", "2", "the Event Grid event around it has the version '2'; known is 1"),
        (PUSHED_AS_CLOUD_EVENT, "specversion", "2.0", "the CloudEvent has the version '2.0'; known is 1.0"),
        (PACKAGED, "context.type", "dev.cdevents.artifact.packaged.0.9.0", "dev.cdevents.artifact.packaged.0.9.0"),
        (PACKAGED, "context.type", "dev.cdevents.artifact.packaged.1.0.0", "dev.cdevents.artifact.packaged.1.0.0"),
    ],
)
def test_an_event_of_a_version_nobody_knew_is_refused_by_that_name(
    name: str, path: str, value: Any, words: str
) -> None:
    assert refused(name, {path: value}).startswith(f"UNKNOWN_EVENT_VERSION: {words}")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *((BUILD_1, path) for path in ("resource.requests", "resourceContainers")),
        *((BUILD_2, f"resource.{path}") for path in ("requestedFor", "project", "_links", "definition.project")),
        *((RUN_STATE, path) for path in ("resource.repositories", "resource.run.resources", "resource.run._links")),
        *((WORKFLOW_RUN, f"workflow_run.{path}") for path in ("actor", "html_url", "id")),
        *((PACKAGE, path) for path in ("sender", LABELS, "registry_package.html_url")),
        *((PUSHED, path) for path in ("data.request", "data.actor", "dataVersion")),
        *((PACKAGED, f"subject.{path}") for path in ("content", "content.change")),
    ],
)
def test_a_part_that_is_null_is_one_that_the_event_does_not_have(name: str, path: str) -> None:
    tagged = TAGGED if name == PACKAGE else {}
    assert reported(name, {**tagged, path: None}) == reported(name, {**tagged, path: MISSING})


def test_a_run_whose_workflow_is_null_says_itself_of_which_one_it_is() -> None:
    path = ".github/workflows/test.yml"
    run = {"workflow_run.path": f"{path}@main", "workflow_run.name": "test"}
    assert reported(WORKFLOW_RUN, {"workflow": None, **run}) == reported(WORKFLOW_RUN)
    words = "INVALID_BUILD: workflow.path: is missing, and workflow_run.path too"
    assert refused(WORKFLOW_RUN, {"workflow": None, "workflow_run.path": MISSING}) == words


@pytest.mark.parametrize(
    "labels",
    [
        {"org.opencontainers.image.description": "x" * 3000},
        {"org.opencontainers.image.description": "two\nlines"},
        {"maintainers": 2, "more": {"of": ["them"]}},
        {f"label-{n}": "x" for n in range(300)},
    ],
)
def test_labels_of_an_image_that_nobody_reads_may_say_anything(labels: dict[str, Any]) -> None:
    revision = {"org.opencontainers.image.revision": "c0ffee1"}
    told = reported(PACKAGE, {**TAGGED, LABELS: {"all_labels": labels | revision}})
    assert told.commit == "c0ffee1"


@pytest.mark.parametrize("revision", [7, "x" * 101, "two\nlines", None])
def test_a_label_that_names_no_commit_is_none(revision: object) -> None:
    labels = {"all_labels": {"org.opencontainers.image.revision": revision}}
    oid = event(PACKAGE)["registry_package"]["package_version"]["target_oid"]
    assert reported(PACKAGE, {**TAGGED, LABELS: labels}).commit == oid


def test_what_comes_after_the_first_request_or_repository_is_not_read() -> None:
    requests = event(BUILD_1)["resource"]["requests"]
    assert reported(BUILD_1, {"resource.requests": [*requests, {"requestedFor": 7}]}) == reported(BUILD_1)


def test_a_branch_may_be_as_long_as_git_allows() -> None:
    assert reported(WORKFLOW_RUN, {"workflow_run.head_branch": "b" * 255}).branch == "b" * 255
    words = "INVALID_BUILD: workflow_run.head_branch: is longer than 255 characters"
    assert refused(WORKFLOW_RUN, {"workflow_run.head_branch": "b" * 256}) == words


@pytest.mark.parametrize("number", ["20221202.1 • Added Viva support", "release/1.4", "v" * 65, "-1"])
def test_a_build_number_that_is_no_version_says_what_to_do(number: str) -> None:
    told = reported(BUILD_2, {"resource.buildNumber": number})
    with pytest.raises(BuildRejected, match=r"INVALID_BUILD: version: .*`version:` in `builds` can make another"):
        told.build("chat")
    assert told.build("chat", "1.{id}").version == "1.2727068"


def test_a_version_made_of_what_the_event_does_not_say_is_refused() -> None:
    with pytest.raises(BuildRejected, match=r"INVALID_BUILD: GitHub: .* the version 1.\{tag\} needs tag"):
        reported(WORKFLOW_RUN, {"workflow_run.head_branch": None}).build("octo", "1.{tag}", branch="main")


def test_several_events_in_one_message_are_refused() -> None:
    (one,) = event(PUSHED)
    with pytest.raises(BuildRejected, match=r"UNKNOWN_SHAPE: the message is a list of 2; one message has one build"):
        parse_build(json.dumps([one, one]).encode())


# anything at all


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
PATHS = sorted(
    {
        (name, path)
        for name in (*OF_BUILDS, PACKAGE)
        for path in (
            "",
            *(
                f"{outer}.{inner}" if inner else outer
                for message in [event(name)]
                for outer, value in (message[0] if isinstance(message, list) else message).items()
                for inner in ("", *(value if isinstance(value, dict) else ()))
            ),
        )
    }
)


@given(st.sampled_from(PATHS), ANY, ANY)
def test_no_json_makes_a_parser_raise_anything_else(at: tuple[str, str], value: Any, deeper: Any) -> None:
    name, path = at
    message = event(name, {path: value} if path else {})
    if not path:
        message = (
            [message, deeper]
            if isinstance(deeper, list)
            else {**(deeper if isinstance(deeper, dict) else {}), "eventType": value, "publisherId": deeper}
        )
    try:
        told = parse_build(json.dumps(message).encode(), {"ce-specversion": "1.0", "ce-type": str(value)})
        built = told.build("any", branch="main") if isinstance(told, ReportedBuild) else told
        assert Build.load(json.loads(json.dumps(built.dump()))) == built
    except (BuildRejected, NotABuild) as refusal:
        refusal.words.encode()
        assert len(refusal.words) < 3000
