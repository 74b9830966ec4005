"""`report` of a pipeline, and how a stage's state reads in the words of a code host."""

import pytest

from slipway.promotion.outcomes import Outcome
from slipway.promotion.pipeline import compile_plan, lint, read_pipeline
from slipway.promotion.reports import AzureRepository, GitHubRepository, ReportState, stage_report
from slipway.promotion.stage_phases import ROLLED_BACK, STATE_OF_PHASE
from tests.promotion.pipeline_texts import a_pipeline, a_stage
from tests.promotion.test_pipeline_rings import ring, ringed

GITHUB = "github: {repository: shop/storefront, secret: github-token}"
DEVOPS = "azure-devops: {organization: shop, project: Web Shop, repository: storefront}"
PROMOTION = {"id": "shop--1.1.0", "service": "shop", "version": "1.1.0", "commit": "3f9c2d1"}


def codes(report: str) -> list[str]:
    return [each.code for each in lint(a_pipeline(a_stage("dev"), top=f"report: {report}\n"), "shop.yaml")]


def test_a_pipeline_names_its_code_hosts_and_every_stage_is_marked_each_ring_too() -> None:
    top = f"report: [{{{GITHUB}}}, {{{DEVOPS}}}]\n"
    pipeline = read_pipeline(a_pipeline(ringed(ring("weu"), ring("neu")), top=top), "x")
    assert [each.host for each in pipeline.report] == [
        GitHubRepository("shop/storefront", "github-token"),
        AzureRepository("shop", "Web Shop", "storefront"),
    ]
    assert all(stage.reported for stage in compile_plan(pipeline, "sha256:0").stages)
    nobody = compile_plan(read_pipeline(a_pipeline(a_stage("dev")), "x"), "sha256:0")
    assert not nobody.stage("dev").reported


@pytest.mark.parametrize(
    ("report", "code"),
    [
        ("[{github: {repository: storefront, secret: github-token}}]", "INVALID_REPOSITORY"),
        ("[{github: {repository: shop/.., secret: github-token}}]", "INVALID_REPOSITORY"),
        ("[{github: {repository: shop/storefront, secret: ghp_abc}}]", "INVALID_SECRET_NAME"),
        ("[{github: {repository: shop/storefront}}]", "MISSING_KEY"),
        ("[{azure-devops: {organization: a/b, project: shop, repository: x}}]", "INVALID_REPOSITORY"),
        ("[{azure-devops: {organization: shop, project: a/../b, repository: x}}]", "INVALID_REPOSITORY"),
        ("[{azure-devops: {organization: shop, project: shop, repository: x, token: y}}]", "UNKNOWN_KEY"),
        (f"[{{{GITHUB}, {DEVOPS}}}]", "ONE_HOST_AN_ITEM"),
        ("[{}]", "ONE_HOST_AN_ITEM"),
        ("[{gitlab: {}}]", "UNKNOWN_KEY"),
    ],
)
def test_a_host_that_cannot_be_told_is_a_finding(report: str, code: str) -> None:
    assert code in codes(report)


@pytest.mark.parametrize(
    ("builds", "words"),
    [
        ("[{registry: {repository: shop}}]", "but of no build of a container registry, which names no commit"),
        ("[{azure-devops: {definition: shop}}]", ""),
    ],
)
def test_a_plan_says_of_which_builds_nobody_is_told(builds: str, words: str) -> None:
    top = f"builds: {builds}\nreport: [{{{GITHUB}}}]\n"
    (tells,) = read_pipeline(a_pipeline(a_stage("dev"), top=top), "shop.yaml").tells
    assert tells == ", ".join(filter(None, ("GitHub, shop/storefront", words)))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (STATE_OF_PHASE["approval"], ReportState.WAITING),
        (STATE_OF_PHASE["lock"], ReportState.WAITING),
        *((STATE_OF_PHASE[phase], ReportState.RUNNING) for phase in ("deploy", "verify", "ramp", "bake", "undo")),
        (Outcome.PASSED, ReportState.PASSED),
        (Outcome.FAILED, ReportState.FAILED),
        (Outcome.BROKEN, ReportState.BROKEN),
        (Outcome.NOT_ENOUGH_EVIDENCE, ReportState.BROKEN),
        (Outcome.CANCELLED, ReportState.GONE),
        (ROLLED_BACK, ReportState.GONE),
    ],
)
def test_a_stages_state_is_one_that_every_host_can_say(state: str, told: ReportState) -> None:
    row = {"name": "production", "environment": "production", "state": state, "waits_for": "", "words": ""}
    report = stage_report(PROMOTION, row, "https://slipway.example")
    assert report is not None and report.state is told
    assert "1.1.0" in report.words and report.url == "https://slipway.example/api/promotions/shop--1.1.0"


def test_of_a_stage_that_waits_for_others_there_is_nothing_to_tell() -> None:
    row = {"name": "production", "environment": "production", "state": STATE_OF_PHASE["needs"]}
    assert stage_report(PROMOTION, row, "") is None
