"""Every CI system's event is a build of its origin, an event of no build, or rejected with the reason."""

from datetime import UTC, datetime
from typing import Any

import pytest

from slipway.promotion.build import Build
from slipway.promotion.build_messages import parse_build
from slipway.promotion.errors import BuildRejected, NotABuild
from tests.promotion.ci_events import (
    BUILD_1,
    BUILD_2,
    MISSING,
    PACKAGE,
    PACKAGED,
    PUBLISHED,
    PUSHED,
    PUSHED_AS_CLOUD_EVENT,
    RUN_STATE,
    TAGGED,
    WORKFLOW_RUN,
    body,
    refused,
    reported,
)

PUSHED_DIGEST = "sha256:213bbc182920ab41e18edc2001e06abcca6735d87782d9cef68abd83941cf0e5"
PACKAGE_DIGEST = "sha256:3da1996a8115d7616457760d9920b815241d0a03b34cf5f04e9a0e9d8de37498"
CI_1 = {
    "system": "azure-devops",
    "project": "be9b3917-87e6-42a4-a549-2bc06a7a878f",
    "definition": "ConsumerAddressModule",
    "buildNumber": "ConsumerAddressModule_20150407.1",
    "id": "2",
}
CI_OF_RUN = {
    "system": "github",
    "repository": "octo-org/octo-repo",
    "workflow": "test.yml",
    "run_number": "163",
    "run_attempt": "1",
    "run_id": "289782451",
    "url": "https://github.com/octo-org/octo-repo/actions/runs/289782451",
}
# as they are


def test_a_build_of_azure_devops_in_its_first_form() -> None:
    told = reported(BUILD_1)
    assert told.origin.goes_by("definition", "consumeraddressmodule"), "whatever its capitals"
    assert told.origin.goes_by("project", "be9b3917-87e6-42a4-a549-2bc06a7a878f"), "it says no name, only an id"
    assert told.build("address") == Build(
        service="address",
        version="ConsumerAddressModule_20150407.1",
        commit="600c52d2d5b655caa111abfd863e5a9bd304bb0e",
        branch="master",
        author="author@example.com",
        finished_at=datetime(2015, 4, 7, 18, 6, 10, 690_000, UTC),
        source="azure-devops",
        evidence={"ci": CI_1},
    )


def test_a_build_of_azure_devops_in_its_second_form() -> None:
    told = reported(BUILD_2)
    assert told.origin.goes_by("project", "FabrikamFiberChat") and told.origin.goes_by("definition", "MainRepo (1)")
    build = told.build("chat")
    assert (build.version, build.branch, build.author) == ("20221202.1", "main", "jack@FabrikamFiber.com")
    assert build.commit == "6e12f6141917f66a2964af55952ee33914d2d91f"
    assert build.finished_at == datetime(2022, 12, 2, 12, 21, 8, 520_904, UTC)


def test_a_tag_of_azure_devops_says_on_which_versions_of_the_database_the_build_runs() -> None:
    tags = ["nightly", "slipway-schema-from-13-to-15-expand-13-contract-14"]
    told = reported(BUILD_2, {"resource.tags": tags}).build("chat")
    assert told.schema == {"from": 13, "to": 15, "expand": 13, "contract": 14}
    assert reported(BUILD_2, {"resource.tags": ["slipway-schema-from-14-to-14"]}).schema == {"from": 14, "to": 14}
    assert reported(BUILD_2, {"resource.tags": [" Slipway-Schema-From-14-To-14 "]}).schema == {"from": 14, "to": 14}
    for none in ([], None, ["schema-review", 7]):
        assert reported(BUILD_2, {"resource.tags": none}).build("chat").schema == {}, "no limits"


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (["slipway-schema-13-15"], "is none of the form slipway-schema-from-13-to-15-expand-13-contract-14"),
        (["slipway_schema-from-13-to-15"], "is none of the form"),
        (["SlipwaySchema-from-13-to-15"], "is none of the form"),
        (["slipway-schemas"], "is none of the form"),
        (["slipway-schema-from-15-to-13"], "has to rise from `from`"),
        (["slipway-schema-from-0-to-13"], "greater than or equal to 1"),
        (["slipway-schema-from-1-to-2", "slipway-schema-from-1-to-3"], "a build has one schema"),
    ],
)
def test_a_build_whose_limits_are_misspelt_is_not_one_without_limits(tags: list[str], words: str) -> None:
    assert words in refused(BUILD_2, {"resource.tags": tags})


@pytest.mark.parametrize(
    ("name", "field", "said", "result"),
    [
        (BUILD_1, "resource.status", "partiallySucceeded", "partially-succeeded"),
        (BUILD_1, "resource.status", "stopped", "canceled"),
        (BUILD_2, "resource.result", "partiallySucceeded", "partially-succeeded"),
        (BUILD_2, "resource.result", "failed", "failed"),
        (BUILD_2, "resource.result", "canceled", "canceled"),
        (RUN_STATE, "resource.run.result", "failed", "failed"),
        (WORKFLOW_RUN, "workflow_run.conclusion", "failure", "failed"),
        (WORKFLOW_RUN, "workflow_run.conclusion", "timed_out", "failed"),
        (WORKFLOW_RUN, "workflow_run.conclusion", "cancelled", "canceled"),
        (WORKFLOW_RUN, "workflow_run.conclusion", "neutral", "partially-succeeded"),
        (WORKFLOW_RUN, "workflow_run.conclusion", "of the future", "failed"),
        (WORKFLOW_RUN, "workflow_run.conclusion", None, "failed"),
    ],
)
def test_only_what_ci_calls_succeeded_is(name: str, field: str, said: Any, result: str) -> None:
    assert reported(name).result == "succeeded"
    assert reported(name, {field: said}).result == result


def test_a_run_says_no_branch_so_the_pipeline_has_to() -> None:
    told = reported(RUN_STATE)
    assert (told.build("api", branch="main").version, told.author) == ("11", "john@fabrikamfiber.com")
    with pytest.raises(BuildRejected, match=r"BRANCH_UNKNOWN.*definition TEST-CI: this event says no branch"):
        told.build("api")
    itself = {"refName": "refs/heads/feature/x", "version": "c0ffee1"}
    known = reported(RUN_STATE, {"resource.run.resources": {"repositories": {"self": itself}}})
    assert (known.branch, known.commit) == ("feature/x", "c0ffee1"), "as the runs of the REST API have it"
    assert known.build("api", branch="main").branch == "feature/x", "what the event says goes before"


def test_a_run_of_a_github_workflow() -> None:
    told = reported(WORKFLOW_RUN)
    for field, value in (("repository", "octo-org/octo-repo"), ("workflow", "test.yml"), ("workflow", "test")):
        assert told.origin.goes_by(field, value)
    assert told.build("octo") == Build(
        service="octo",
        version="163",
        commit="3484a3fb816e0859fd6e1cea078d76385ff50625",
        branch="master",
        author="Codertocat",
        finished_at=datetime(2020, 10, 5, 16, 33, 49, tzinfo=UTC),
        source="github",
        evidence={"ci": CI_OF_RUN},
    )
    assert told.build("octo", "1.4.{run_number}-{short_sha}").version == "1.4.163-3484a3f"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (WORKFLOW_RUN, {"workflow_run.event": "pull_request"}),
        (WORKFLOW_RUN, {"workflow_run.event": "pull_request_target"}),
        (WORKFLOW_RUN, {"workflow_run.head_repository.full_name": "mallory/x", "workflow_run.head_branch": "main"}),
        (WORKFLOW_RUN, {"workflow_run.head_repository": None, "workflow_run.head_branch": "main"}),
        (BUILD_1, {"resource.sourceGetVersion": f"LG:refs/pull/7/merge:{'a' * 40}"}),
        (BUILD_2, {"resource.sourceBranch": "refs/pull/7/merge"}),
        (RUN_STATE, {"resource.run.resources": {"repositories": {"self": {"refName": "refs/pull/7/merge"}}}}),
    ],
)
def test_a_pull_request_or_fork_is_no_build_though_its_branch_is_called_main(
    name: str, changes: dict[str, Any]
) -> None:
    assert refused(name, changes).startswith("PULL_REQUEST")


def test_a_package_that_github_published() -> None:
    build = reported(PACKAGE, TAGGED).build("hello")
    assert (build.version, build.digest, build.branch) == ("1.4.2", PACKAGE_DIGEST, "master")
    assert build.commit == "6c62fb45fe66bfb1ea9a66abc38f6a0cc974292b", "the revision on the image's label"
    assert build.finished_at == datetime(2019, 5, 9, 23, 28, 29, tzinfo=UTC), "GitHub's own year 1 is no time"
    of_npm = {"registry_package.package_version.container_metadata": MISSING}
    assert reported(PACKAGE, of_npm | {"registry_package.package_version.version": "2.0.1"}).build("x").digest == ""


@pytest.mark.parametrize("name", [PUSHED, PUSHED_AS_CLOUD_EVENT])
def test_an_image_pushed_to_a_registry(name: str) -> None:
    told = reported(name)
    assert told.origin.goes_by("host", "demo.azurecr.io") and told.origin.goes_by("repository", "aci-helloworld")
    build = told.build("hello")
    assert (build.version, build.digest, build.commit, build.branch) == ("v1", PUSHED_DIGEST, "", "")
    full = {"eventType": "Microsoft.ContainerRegistry.ImagePushed"} if name == PUSHED else {}
    assert reported(name, full) == told, "as it is written now"


def test_what_a_registry_knows_of_a_build_is_no_difference_to_what_ci_knows() -> None:
    build = reported(PUSHED).build("hello")
    assert build.is_same("", "c0ffee1") and build.is_same(PUSHED_DIGEST, "c0ffee1")
    assert not build.is_same(PACKAGE_DIGEST, "")


@pytest.mark.parametrize(
    ("name", "commit", "author"),
    [
        ("cdevents-artifact-packaged-0.1.1", "myChange123", ""),
        ("cdevents-artifact-packaged-0.2.0", "myChange123", ""),
        (PACKAGED, "myChange123", ""),
        (PUBLISHED, "", "mybot-myapp"),
    ],
)
def test_an_artifact_of_cdevents(name: str, commit: str, author: str) -> None:
    told = reported(name)
    assert told.origin.goes_by("source", "/event/source/123") and told.origin.goes_by("package", "myapp")
    build = told.build("app")
    assert (build.version, build.commit, build.author) == ("234fd47e07d1004f0aed9c", commit, author)


def test_a_package_url_may_name_a_digest_and_the_tag_beside_it() -> None:
    purl = f"pkg:oci/myapp@{PUSHED_DIGEST.replace(':', '%3A')}?repository_url=mycr.io/myapp&tag=1.4.2"
    told = reported(PACKAGED, {"subject.id": purl})
    assert (told.build("app").version, told.digest) == ("1.4.2", PUSHED_DIGEST)
    assert told.origin.goes_by("package", "mycr.io/myapp")
    assert refused(PACKAGED, {"subject.id": purl.partition("&tag")[0]}).startswith("NO_TAG")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (BUILD_2, "resource._links.web.href"),
        (RUN_STATE, "resource.run._links.web.href"),
        (WORKFLOW_RUN, "workflow_run.html_url"),
        (PACKAGE, "registry_package.html_url"),
    ],
)
def test_the_page_at_ci_is_kept_and_a_bad_link_is_no_reason_to_reject(name: str, path: str) -> None:
    page = "https://ci.example/builds/7"
    assert reported(name, TAGGED | {path: page} if name == PACKAGE else {path: page}).evidence["ci"]["url"] == page
    for bad in ("javascript:alert(1)", "https://" + "x" * 500, 7, None, MISSING):
        changes = {path: bad} | (TAGGED if name == PACKAGE else {})
        assert "url" not in reported(name, changes).build("shop", branch="main").evidence["ci"]


# of no build


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        (BUILD_2, {"eventType": "git.push"}, "NOT_A_BUILD: Azure DevOps tells of 'git.push'"),
        (RUN_STATE, {"resource.run.state": "inProgress"}, "NOT_A_BUILD: Azure DevOps says that the run 11 of TEST-CI"),
        ("github-workflow-run-requested", {}, "NOT_A_BUILD: GitHub tells of a workflow_run that is requested"),
        (PACKAGE, {"action": "updated"}, "NOT_A_BUILD: GitHub tells of a registry_package that is updated"),
        (PACKAGE, {}, "NO_TAG: GitHub: hello-world-npm"),
        (PUSHED, {"eventType": "Microsoft.ContainerRegistry.ImageDeleted"}, "NOT_A_BUILD: the registry tells of"),
        (PUSHED, {"eventType": "Microsoft.ContainerRegistry.ChartPushed"}, "NOT_A_BUILD: the registry tells of"),
        (PUSHED_AS_CLOUD_EVENT, {"type": "Microsoft.ContainerRegistry.ImageDeleted"}, "NOT_A_BUILD"),
        (PUSHED, {"data.action": "quarantine"}, "NOT_A_BUILD: demo.azurecr.io/aci-helloworld: quarantine of"),
        (PUSHED, {"data.target.mediaType": "application/vnd.cncf.helm.config.v1+json"}, "NOT_A_BUILD"),
        (PUSHED, {"data.target.tag": MISSING}, "NO_TAG: demo.azurecr.io/aci-helloworld: pushed without a tag"),
        (PUSHED, {"data.target.tag": "sha256-213bbc182920ab41.sig"}, "NOT_A_BUILD"),
        (PACKAGED, {"context.type": "dev.cdevents.artifact.deleted.0.3.0"}, "NOT_A_BUILD: dev.cdevents.artifact"),
        (PACKAGED, {"subject.id": "pkg:golang/mygit.com/myorg/myapp"}, "NO_TAG"),
    ],
)
def test_an_event_of_no_build_is_named_and_no_reject(name: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(NotABuild) as error:
        parse_build(body(name, changes))
    assert str(error.value).startswith(said)
    assert error.value.system in ("azure-devops", "github", "registry", "cdevents")
