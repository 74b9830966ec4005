"""`builds`: what a pipeline claims as its own, read, linted, and matched to what CI reports."""

import pytest

from slipway.promotion.build import Build
from slipway.promotion.build_messages import parse_build
from slipway.promotion.claims import Claim, claimed, claimed_twice
from slipway.promotion.errors import BuildRejected, NotABuild
from slipway.promotion.pipeline import lint, read_pipeline
from slipway.promotion.reported import ReportedBuild
from tests.promotion.ci_events import BUILD_2, PACKAGE, PACKAGED, PUSHED, RUN_STATE, TAG, TAGGED, WORKFLOW_RUN, body
from tests.promotion.pipeline_texts import a_pipeline

DEVOPS = "{azure-devops: {project: FabrikamFiberChat, definition: MainRepo (1)}}"
GITHUB = "{github: {repository: octo-org/octo-repo, workflow: test.yml}}"
IMAGE = "{registry: {repository: aci-helloworld}}"
ARTIFACT = "{cdevents: {source: /event/source/123}}"


def claims_of(*items: str) -> tuple[Claim, ...]:
    return read_pipeline(a_pipeline(top=f"builds: [{', '.join(items)}]\n"), "p.yaml").claims


def taken(name: str, changes: dict[str, object] | None = None, **pipelines: str) -> Build:
    """The build of that event, as the one of `pipelines` takes it; each is a service's `builds`, or empty."""
    told = parse_build(body(name, changes))
    assert isinstance(told, ReportedBuild)
    named = {service.replace("_", "-"): items for service, items in pipelines.items()}
    silent = tuple(service for service, items in named.items() if not items)
    return claimed(told, {service: claims_of(items) if items else () for service, items in named.items()}, silent)


# lint


@pytest.mark.parametrize(
    ("item", "code", "words"),
    [
        ("{}", "ONE_SYSTEM_AN_ITEM", 'each item of builds is one of "azure-devops", "github", "registry", "cdevents"'),
        (f"{{github: {GITHUB[9:-1]}, registry: {IMAGE[11:-1]}}}", "ONE_SYSTEM_AN_ITEM", "each item"),
        ("{gitlab: {project: x}}", "UNKNOWN_KEY", '"gitlab" is not a key of an item of builds'),
        ("{azure-devops: {project: x}}", "MISSING_KEY", 'builds of azure-devops needs "definition"'),
        ("{azure-devops: {pipeline: x, definition: y}}", "UNKNOWN_KEY", '"pipeline" is not a key of builds of'),
        ("{github: {workflow: ci.yml}}", "MISSING_KEY", 'builds of github needs "repository"'),
        ("{github: {repository: a/b, workflow: c, package: d}}", "CONFLICTING_KEYS", 'either "workflow" or "package"'),
        ("{github: {repository: a/b, tags: 1.*}}", "CONFLICTING_KEYS", '"tags" are those of a "package"'),
        ("{github: {repository: a/b, version: '1.{run_nmber}'}}", "UNKNOWN_PLACEHOLDER", "cannot be filled in"),
        ("{registry: {repository: a, version: '{run_number}'}}", "UNKNOWN_PLACEHOLDER", "{tag} can"),
        ("{github: {repository: a/b, version: '1.4'}}", "INVALID_VALUE", "is the same for every build"),
        ("{github: {repository: a/b, version: '/{run_number}'}}", "INVALID_VALUE", "makes no version"),
        ("{azure-devops: {definition: a, branch: 'a b'}}", "INVALID_BRANCH", "is not a branch"),
        ("{registry: {repository: a, tags: '1/*'}}", "INVALID_VALUE", "matches no version"),
        ("{cdevents: {source: ''}}", "INVALID_VALUE", ""),
    ],
)
def test_what_is_no_origin_is_named_where_it_stands(item: str, code: str, words: str) -> None:
    text = a_pipeline(top=f"builds:\n  - {item}\n")
    found = [finding for finding in lint(text, "p.yaml") if finding.code == code]
    assert found and words in found[0].words, lint(text, "p.yaml")
    assert found[0].line == text.splitlines().index(f"  - {item}") + 1


def test_a_placeholder_is_corrected_by_the_nearest_of_that_system() -> None:
    (finding,) = lint(a_pipeline(top="builds: [{github: {repository: a/b, version: '1.{run_nmber}'}}]\n"), "p.yaml")
    assert finding.suggestion == "{run_number}"


# matching


@pytest.mark.parametrize(
    ("name", "items", "version"),
    [
        (BUILD_2, DEVOPS, "20221202.1"),
        (BUILD_2, "{azure-devops: {definition: MAINREPO (1)}}", "20221202.1"),
        (
            BUILD_2,
            "{azure-devops: {project: 16dcfeeb-d8fd-495c-917b-fec46cb44fbb, definition: MainRepo (1)}}",
            "20221202.1",
        ),
        (BUILD_2, "{azure-devops: {definition: MainRepo (1), version: '4.{id}-{short_sha}'}}", "4.2727068-6e12f61"),
        (RUN_STATE, "{azure-devops: {definition: TEST-CI, branch: main}}", "11"),
        (WORKFLOW_RUN, GITHUB, "163"),
        (
            WORKFLOW_RUN,
            "{github: {repository: Octo-Org/octo-repo, workflow: test, version: '1.4.{run_number}'}}",
            "1.4.163",
        ),
        (PUSHED, IMAGE, "v1"),
        (PUSHED, "{registry: {repository: aci-helloworld, host: demo.azurecr.io, tags: v*}}", "v1"),
        (PACKAGED, ARTIFACT, "234fd47e07d1004f0aed9c"),
        (PACKAGED, "{cdevents: {source: /event/source/123, package: myapp}}", "234fd47e07d1004f0aed9c"),
    ],
)
def test_the_pipeline_that_claims_an_origin_gets_its_builds(name: str, items: str, version: str) -> None:
    build = taken(name, shop=items, another="{registry: {repository: another}}")
    assert (build.service, build.version) == ("shop", version)


def test_a_package_is_claimed_by_its_name_not_by_a_workflow() -> None:
    package = "{github: {repository: Codertocat/hello-world-npm, package: hello-world-npm, tags: 1.*}}"
    assert taken(PACKAGE, TAGGED, shop=package).version == "1.4.2"
    for tag in ("latest", "pr-7"):
        with pytest.raises(NotABuild, match=f"TAG_NOT_PROMOTED.* the tag {tag} is not promoted; the pipeline takes 1"):
            taken(PACKAGE, {TAG: tag}, shop=package)


def test_a_pipeline_without_builds_takes_what_has_its_services_name() -> None:
    assert taken(BUILD_2, {"resource.definition.name": "shop"}, shop="").service == "shop"
    of_ci = {"workflow.path": ".github/workflows/ci.yml"}
    assert taken(WORKFLOW_RUN, of_ci, octo_repo="").service == "octo-repo"
    assert taken(PUSHED, {"data.target.repository": "team/shop"}, shop="").service == "shop"
    with pytest.raises(BuildRejected, match="UNKNOWN_SERVICE"):
        taken(PUSHED, {"data.target.repository": "team/shop"}, shop=GITHUB)


def test_what_is_claimed_by_name_goes_before_what_is_only_called_so() -> None:
    assert taken(PUSHED, aci_helloworld="", shop=IMAGE).service == "shop"


@pytest.mark.parametrize(
    ("name", "items", "origin"),
    [
        (BUILD_2, DEVOPS.replace("Chat", "Shop"), "Azure DevOps: project FabrikamFiberChat or 16dcfeeb"),
        (BUILD_2, DEVOPS.replace("Main", "Other"), "Azure DevOps: project FabrikamFiberChat or 16dcfeeb"),
        (
            WORKFLOW_RUN,
            GITHUB.replace("octo-repo", "other"),
            "GitHub: repository octo-org/octo-repo, workflow test.yml",
        ),
        (PUSHED, IMAGE.replace("aci", "my"), "a container registry: host demo.azurecr.io, repository aci-helloworld"),
        (PUSHED, "{registry: {repository: aci-helloworld, host: other.azurecr.io}}", "a container registry"),
        (PACKAGED, ARTIFACT.replace("123", "124"), "CDEvents: source /event/source/123, package myapp"),
    ],
)
def test_a_build_of_another_project_is_rejected_by_its_origin(name: str, items: str, origin: str) -> None:
    with pytest.raises(BuildRejected, match="UNKNOWN_SERVICE") as error:
        taken(name, shop=items)
    assert f"no pipeline takes the builds of {origin}" in str(error.value)


def test_another_workflow_of_a_known_repository_is_no_reject() -> None:
    for items in (GITHUB.replace("test.yml", "lint.yml"), "{github: {repository: octo-org/octo-repo, package: octo}}"):
        with pytest.raises(NotABuild, match="OTHER_WORKFLOW"):
            taken(WORKFLOW_RUN, shop=items)
    with pytest.raises(NotABuild, match="OTHER_WORKFLOW"):
        taken(WORKFLOW_RUN, octo_repo="")


def test_latest_is_never_promoted_and_other_tags_only_where_they_match() -> None:
    with pytest.raises(NotABuild, match=r"TAG_NOT_PROMOTED.*it names another image each time"):
        taken(PUSHED, {"data.target.tag": "latest"}, shop=IMAGE)
    with pytest.raises(NotABuild, match="TAG_NOT_PROMOTED"):
        taken(PUSHED, shop="{registry: {repository: aci-helloworld, tags: 1.*}}")


def test_of_several_claims_of_one_service_any_that_fits_counts() -> None:
    image = "{{registry: {{repository: aci-helloworld, tags: {}, version: '{}{{tag}}'}}}}"
    items = ", ".join((image.format("1.*", "old-"), image.format("2.*", "new-"), image.format("v*", "")))
    for tag, version in (("1.4", "old-1.4"), ("2.0", "new-2.0"), ("v1", "v1")):
        assert taken(PUSHED, {"data.target.tag": tag}, shop=items).version == version
    with pytest.raises(NotABuild, match=r"the tag 3.0 is not promoted; the pipeline takes 1\.\* or 2\.\* or v\*"):
        taken(PUSHED, {"data.target.tag": "3.0"}, shop=items)


def test_a_claim_that_cannot_say_the_version_or_branch_leaves_it_to_the_next() -> None:
    plain, of_main = "{azure-devops: {definition: TEST-CI}}", "{azure-devops: {definition: TEST-CI, branch: main}}"
    by_commit = "{azure-devops: {definition: TEST-CI, version: '1.{sha}', branch: main}}"
    assert taken(RUN_STATE, shop=f"{by_commit}, {of_main}").version == "11"
    assert taken(RUN_STATE, shop=f"{plain}, {of_main}").branch == "main"
    with pytest.raises(BuildRejected, match="BRANCH_UNKNOWN"):
        taken(RUN_STATE, shop=f"{plain}, {plain}")


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (DEVOPS, DEVOPS, True),
        (DEVOPS, "{azure-devops: {definition: mainrepo (1)}}", True),
        (DEVOPS, DEVOPS.replace("Chat", "Shop"), False),
        (GITHUB, GITHUB.replace("test.yml", "lint.yml"), False),
        (GITHUB, "{github: {repository: octo-org/octo-repo, package: octo}}", False),
        (IMAGE, "{registry: {repository: aci-helloworld, host: demo.azurecr.io}}", True),
        (IMAGE, DEVOPS, False),
        (ARTIFACT, "{cdevents: {source: /event/source/123, package: myapp}}", True),
    ],
)
def test_two_pipelines_that_claim_the_same_are_told_apart_from_two_that_do_not(
    one: str, other: str, both: bool
) -> None:
    claims = {"cart": claims_of(one), "shop": claims_of(other), "silent": ()}
    assert [(earlier, later) for earlier, later, _ in claimed_twice(claims)] == [("cart", "shop")] * both
    assert bool(list(claimed_twice(dict(reversed(claims.items()))))) == both, "in whatever order"


def test_a_build_that_two_claim_goes_to_neither() -> None:
    with pytest.raises(
        BuildRejected, match=r"CLAIMED_TWICE.*by the pipelines of cart and shop; one of them must let go"
    ):
        taken(PUSHED, cart=IMAGE, shop=IMAGE)
    assert taken(PUSHED, shop=f"{IMAGE}, {{registry: {{repository: aci-helloworld, tags: v*}}}}").service == "shop"
