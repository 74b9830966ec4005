"""Code hosts are told of a stage, each in its own words, once; what they refuse is said as what it is."""

import secrets as random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests

from slipway.adapters.credentials import credential
from slipway.adapters.reporting.asking import ReportFailed
from slipway.adapters.reporting.azure_devops import SCOPE, AzureDevOps
from slipway.adapters.reporting.github import GitHub
from slipway.promotion.errors import SlipwayError
from slipway.promotion.reports import AzureRepository, GitHubRepository, ReportState, StageReport
from tests.laptop import AzureStandin
from tests.owner import vault_of

AWAY = {"headers": {"retry-after": "7"}}


@pytest.fixture(scope="module")
def token(azure: AzureStandin) -> str:
    """The name of a secret with a token for GitHub."""
    name = f"github-{random.token_hex(4)}"
    vault = vault_of(azure)
    vault.set_secret(name, "ghs_one")
    return name


@pytest.fixture
def repository() -> str:
    return f"storefront-{random.token_hex(4)}"


@pytest.fixture
def github(azure: AzureStandin, token: str, repository: str) -> GitHub:
    return GitHub(azure.settings, GitHubRepository(f"shop/{repository}", token))


@pytest.fixture
def devops(azure: AzureStandin, repository: str) -> AzureDevOps:
    return AzureDevOps(azure.settings, AzureRepository("shop", "Web Shop", repository))


def a_report(state: ReportState = ReportState.RUNNING, version: str = "1.1.0", **changes: Any) -> StageReport:
    of = StageReport(
        promotion=f"storefront--{version}",
        service="storefront",
        version=version,
        commit="3f9c2d1",
        stage="production",
        environment="production",
        state=state,
        words=f"{version} is {state}",
        url=f"https://slipway.example/api/promotions/storefront--{version}",
    )
    return replace(of, **changes)


@pytest.fixture
def on_github(azure: AzureStandin, repository: str) -> Callable[[], dict[str, list[str]]]:
    """By version: the states that its deployment had, oldest first."""

    def get(path: str = "") -> Any:
        url = f"{azure.url}/github/repos/shop/{repository}/deployments{path}"
        ca = str(azure.settings.ca_file)
        return requests.get(url, headers={"Authorization": "Bearer x"}, verify=ca, timeout=30).json()

    def found() -> dict[str, list[str]]:
        told = {}
        for each in reversed(get()):
            assert each["payload"]["version"] not in told, "a deployment twice"
            told[each["payload"]["version"]] = [said["state"] for said in reversed(get(f"/{each['id']}/statuses"))]
        return told

    return found


@pytest.fixture
def on_devops(azure: AzureStandin, repository: str) -> Callable[[], list[dict[str, Any]]]:
    """The statuses of the commit, oldest first."""

    def found() -> list[dict[str, Any]]:
        url = f"{azure.url}/azure-devops/shop/Web%20Shop/_apis/git/repositories/{repository}/commits/3f9c2d1/statuses"
        headers = {"Authorization": f"Bearer {credential().get_token(SCOPE).token}"}
        answer = requests.get(url, headers=headers, verify=str(azure.settings.ca_file), timeout=30)
        value: list[dict[str, Any]] = answer.json()["value"]
        return value[::-1]

    return found


# GitHub


def test_a_stage_is_a_deployment_whose_statuses_follow_it(
    github: GitHub, on_github: Callable[[], dict[str, list[str]]]
) -> None:
    for state in (ReportState.WAITING, ReportState.RUNNING, ReportState.RUNNING, ReportState.PASSED):
        github.tell(a_report(state))
    assert on_github() == {"1.1.0": ["queued", "in_progress", "success"]}


def test_a_release_that_takes_the_place_of_another_makes_that_one_inactive_and_no_other_services(
    github: GitHub, on_github: Callable[[], dict[str, list[str]]]
) -> None:
    github.tell(a_report(ReportState.PASSED, "1.0.0"))
    github.tell(a_report(ReportState.PASSED, "7.7.7", service="basket", promotion="basket--7.7.7"))
    github.tell(a_report(ReportState.FAILED, "1.0.1"))
    for _ in range(2):
        github.tell(a_report(ReportState.PASSED, "1.1.0"))
    told = on_github()
    assert told["1.0.0"] == ["success", "inactive"]
    assert (told["7.7.7"], told["1.0.1"], told["1.1.0"]) == (["success"], ["failure"], ["success"])


def test_a_deployment_too_many_of_its_own_goes_with_those_before_it(
    azure: AzureStandin, github: GitHub, repository: str
) -> None:
    report, ca = a_report(ReportState.PASSED), str(azure.settings.ca_file)
    url, bearer = f"{azure.url}/github/repos/shop/{repository}/deployments", {"Authorization": "Bearer x"}
    of = {"promotion": report.promotion, "stage": report.stage, "version": report.version}
    asked = {"ref": report.commit, "task": "slipway:storefront", "environment": "production", "payload": of}
    first, _ = (requests.post(url, json=asked, headers=bearer, verify=ca, timeout=30).json()["id"] for _ in range(2))
    requests.post(f"{url}/{first}/statuses", json={"state": "in_progress"}, headers=bearer, verify=ca, timeout=30)
    github.tell(report)
    said = requests.get(f"{url}/{first}/statuses", headers=bearer, verify=ca, timeout=30).json()
    assert [each["state"] for each in said] == ["inactive", "in_progress"]


def test_what_never_was_there_is_not_told_as_gone_and_what_was_there_is(
    github: GitHub, on_github: Callable[[], dict[str, list[str]]]
) -> None:
    github.tell(a_report(ReportState.GONE))
    assert on_github() == {}
    github.tell(a_report(ReportState.PASSED))
    github.tell(a_report(ReportState.GONE))
    assert on_github() == {"1.1.0": ["success", "inactive"]}


def test_a_deployment_whose_answer_was_lost_is_found_by_the_next_try(
    azure: AzureStandin, github: GitHub, on_github: Callable[[], dict[str, list[str]]]
) -> None:
    for moment in ("before", "after"):
        azure.fault("POST", "/deployments", drop=moment)
        with pytest.raises(ReportFailed, match="does not answer") as raised:
            github.tell(a_report())
        assert not raised.value.for_good
    github.tell(a_report())
    assert on_github() == {"1.1.0": ["in_progress"]}


def test_a_token_that_was_renewed_is_read_again(
    azure: AzureStandin, github: GitHub, on_github: Callable[[], dict[str, list[str]]]
) -> None:
    azure.fault("GET", "/deployments", answer={"status": 401, "body": {"message": "Bad credentials"}})
    github.tell(a_report())
    assert on_github() == {"1.1.0": ["in_progress"]}
    azure.fault("GET", "/deployments", answer={"status": 401, "body": {"message": "Bad credentials"}}, times=2)
    with pytest.raises(ReportFailed, match="Bad credentials") as raised:
        github.tell(a_report())
    assert raised.value.for_good


def test_a_rate_limit_is_waited_for_as_long_as_github_says(azure: AzureStandin, github: GitHub) -> None:
    limited = {"status": 403, "headers": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999"}}
    azure.fault("GET", "/deployments", answer=limited)
    with pytest.raises(ReportFailed, match="slow down") as raised:
        github.tell(a_report())
    assert raised.value.after_s > 3600 and not raised.value.for_good


def test_without_a_token_in_the_vault_nothing_is_sent(azure: AzureStandin) -> None:
    with pytest.raises(SlipwayError) as raised:
        GitHub(azure.settings, GitHubRepository("shop/storefront", "never-there")).tell(a_report())
    assert raised.value.code == "SECRET_MISSING"


# Azure DevOps


def test_a_commit_has_one_context_a_stage_and_says_how_that_is(
    devops: AzureDevOps, on_devops: Callable[[], list[dict[str, Any]]]
) -> None:
    for state in (ReportState.WAITING, ReportState.RUNNING, ReportState.FAILED, ReportState.FAILED):
        devops.tell(a_report(state))
    told = on_devops()
    assert [each["state"] for each in told] == ["pending", "failed"]
    assert told[-1]["context"] == {"genre": "slipway", "name": "storefront/production"}
    assert told[-1]["targetUrl"].endswith("/api/promotions/storefront--1.1.0")
    assert told[-1]["description"] == "1.1.0 is failed"


def test_a_status_of_somebody_else_is_left_alone(
    devops: AzureDevOps, on_devops: Callable[[], list[dict[str, Any]]]
) -> None:
    devops.tell(a_report(ReportState.PASSED, stage="staging"))
    devops.tell(a_report(ReportState.RUNNING))
    assert [each["context"]["name"] for each in on_devops()] == ["storefront/staging", "storefront/production"]


def test_a_status_whose_answer_was_lost_is_found_by_the_next_try(
    azure: AzureStandin, devops: AzureDevOps, on_devops: Callable[[], list[dict[str, Any]]]
) -> None:
    azure.fault("POST", "/statuses", drop="after")
    with pytest.raises(ReportFailed, match="does not answer"):
        devops.tell(a_report())
    devops.tell(a_report())
    assert [each["state"] for each in on_devops()] == ["pending"]


def test_the_page_where_people_sign_in_is_a_refusal(azure: AzureStandin, devops: AzureDevOps) -> None:
    azure.fault("GET", "/azure-devops/", answer={"status": 302, "headers": {"location": f"{azure.url}/signin"}})
    with pytest.raises(ReportFailed, match="does not accept our token") as raised:
        devops.tell(a_report())
    assert raised.value.for_good


# both


@pytest.mark.parametrize("host", ["github", "devops"])
@pytest.mark.parametrize(
    ("answer", "for_good", "after_s"),
    [
        ({"status": 403, "body": {"message": "not yours"}}, True, 0),
        ({"status": 404, "body": {"message": "Not Found"}}, True, 0),
        ({"status": 422, "body": {"message": "No commit found for SHA"}}, True, 0),
        ({"status": 429, **AWAY}, False, 7),
        ({"status": 500, "body": "oops"}, False, 0),
        ({"status": 503, **AWAY}, False, 7),
        ({"status": 200, "body": "<html>"}, False, 0),
    ],
    ids=lambda value: str(value["status"]) if isinstance(value, dict) else "",
)
def test_a_refusal_is_for_good_or_may_pass(
    azure: AzureStandin,
    request: pytest.FixtureRequest,
    host: str,
    answer: dict[str, Any],
    for_good: bool,
    after_s: float,
) -> None:
    azure.fault("GET", {"github": "/github/", "devops": "/azure-devops/"}[host], answer=answer)
    with pytest.raises(ReportFailed) as raised:
        request.getfixturevalue(host).tell(a_report())
    failed = raised.value
    assert (failed.for_good, failed.after_s) == (for_good, after_s)
    assert failed.code == ("REPORT_REFUSED" if for_good else "REPORT_UNAVAILABLE")
    assert {"github": "GitHub", "devops": "Azure DevOps"}[host] in failed.words and "ghs_" not in failed.words


@pytest.mark.parametrize("host", ["github", "devops"])
def test_after_a_500_once_the_next_try_tells(azure: AzureStandin, request: pytest.FixtureRequest, host: str) -> None:
    azure.fault("POST", {"github": "/github/", "devops": "/azure-devops/"}[host], answer={"status": 500})
    client = request.getfixturevalue(host)
    with pytest.raises(ReportFailed):
        client.tell(a_report())
    client.tell(a_report())
    assert azure.faults_left() == []
