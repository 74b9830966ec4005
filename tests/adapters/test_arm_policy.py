"""Requests to Resource Manager take turns, hear each other's 429, and say whose work they are."""

import logging
import uuid
from typing import Any

import pytest

from slipway.adapters import clock
from slipway.adapters.app_service.arm import Arm
from slipway.adapters.arm_policy import BUCKETS, LONGEST_WAIT_S, Call, correlation_of
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.insights import Kind, span
from slipway.adapters.token_bucket import TokenBucket
from tests.laptop import AzureStandin
from tests.laptop_holds import SUBSCRIPTION

SITE = "plain"


def ask(azure: AzureStandin, site: str = SITE) -> int:
    return Arm(azure.settings, SUBSCRIPTION).get(azure.target(site).resource).status


def refused(azure: AzureStandin) -> float:
    with pytest.raises(AzureProblem) as problem:
        ask(azure)
    assert problem.value.fault.kind is FaultKind.THROTTLED and "slow down" in problem.value.fault.words
    return problem.value.fault.retry_after_s


def throttled(headers: dict[str, str]) -> dict[str, Any]:
    return {"status": 429, "headers": headers, "body": {"error": {"code": "TooManyRequests", "message": "no"}}}


def test_a_429_is_heard_by_everybody_who_was_to_ask_the_same(azure: AzureStandin) -> None:
    azure.fault("GET", f"/sites/{SITE}", answer=throttled({"Retry-After": "60"}))
    assert refused(azure) == 60
    assert 50 < refused(azure) <= 60, "the second one was not sent"
    with pytest.raises(AzureProblem) as problem:
        Arm(azure.settings, SUBSCRIPTION).get(azure.account("shop-db"))
    assert problem.value.fault.code == "OwnTurn"
    BUCKETS.forget()
    assert ask(azure) == 200


def test_with_plenty_left_only_the_provider_is_overrun(azure: AzureStandin) -> None:
    headers = {"Retry-After": "60", "x-ms-ratelimit-remaining-subscription-reads": "240"}
    azure.fault("GET", f"/sites/{SITE}", answer=throttled(headers))
    assert refused(azure) == 60 and refused(azure) > 50
    assert Arm(azure.settings, SUBSCRIPTION).get(azure.account("shop-db"), "2026-03-15").status == 200


def test_what_azure_says_is_left_is_all_there_is(azure: AzureStandin, caplog: pytest.LogCaptureFixture) -> None:
    azure.fault(
        "GET", f"/sites/{SITE}", answer={"status": 200, "headers": {"x-ms-ratelimit-remaining-subscription-reads": "3"}}
    )
    with caplog.at_level(logging.WARNING, "slipway.arm"):
        ask(azure)
    assert "3 reads are left in the subscription" in caplog.text
    bucket = BUCKETS.of(Call.of("GET", azure.target(SITE).resource))
    at_once = [bucket.take(clock.now().timestamp(), 0.0) for _ in range(100)].count(0.0)
    assert 3 <= at_once < 50, "three, and what comes back by 25 a second meanwhile"
    assert bucket.take(clock.now().timestamp() + 10, 0.0) == 0.0, "and it fills again"


def test_what_azure_says_in_no_number_says_nothing(azure: AzureStandin) -> None:
    header = {"x-ms-ratelimit-remaining-subscription-reads": "\u00b2"}
    azure.fault("GET", f"/sites/{SITE}", answer={"status": 200, "headers": header})
    assert ask(azure) == 200


def test_a_short_wait_is_waited_and_a_long_one_left_to_the_workflow(azure: AzureStandin) -> None:
    bucket = BUCKETS.of(Call.of("GET", azure.target(SITE).resource))
    ask(azure)
    bucket.at_most(-4.0)  # five places short, at 25 a second
    assert ask(azure) == 200
    bucket.at_most(-25.0 * (LONGEST_WAIT_S + 1))
    assert LONGEST_WAIT_S < refused(azure) < LONGEST_WAIT_S + 2


def test_a_token_that_azure_does_not_take_any_more_is_asked_for_anew(azure: AzureStandin) -> None:
    denied = {"error": {"code": "ExpiredAuthenticationToken", "message": "The access token expiry UTC time is over."}}
    azure.fault("GET", f"/sites/{SITE}", answer={"status": 401, "body": denied})
    assert ask(azure) == 200
    azure.fault("GET", f"/sites/{SITE}", answer={"status": 401, "body": denied}, times=2)
    with pytest.raises(AzureProblem) as problem:
        ask(azure)
    assert problem.value.fault.kind is FaultKind.DENIED


def test_azures_activity_log_knows_requests_by_the_operation(azure: AzureStandin) -> None:
    sent: list[str] = []
    client = Arm(azure.settings, SUBSCRIPTION).client

    def seen(response: Any) -> None:
        sent.append(response.http_request.headers.get("x-ms-correlation-request-id", ""))

    with span("deploy", Kind.WORK, "", operation="checkout--1.1.0:dev:weu:deploy:1"):
        client.web_apps.get("shop", SITE, raw_response_hook=seen)
    client.web_apps.get("shop", SITE, raw_response_hook=seen)
    assert sent == [correlation_of("checkout--1.1.0:dev:weu:deploy:1"), ""]
    assert uuid.UUID(sent[0]).version == 5


@pytest.mark.parametrize(
    ("method", "url", "call"),
    [
        (
            "GET",
            "https://a/subscriptions/S/resourceGroups/g/providers/Microsoft.Web/sites/x?a=b",
            ("microsoft.web", "reads"),
        ),
        ("POST", "https://a/subscriptions/S/providers/Microsoft.App/locations/x", ("microsoft.app", "writes")),
        ("PATCH", "https://a/subscriptions/S/resourceGroups/g", ("", "writes")),
        (
            "DELETE",
            "https://a/subscriptions/S/resourceGroups/g/providers/Microsoft.Web/x",
            ("microsoft.web", "deletes"),
        ),
    ],
)
def test_whose_buckets_a_request_draws_from(method: str, url: str, call: tuple[str, str]) -> None:
    assert Call.of(method, url) == Call("s", *call)


def test_a_bucket_gives_what_it_holds_at_once_and_then_as_it_fills() -> None:
    bucket = TokenBucket(10, 2.0)
    assert [bucket.take(100.0, 5.0) for _ in range(12)] == [0.0] * 10 + [0.5, 1.0]
    assert bucket.take(100.0, 1.0) == 1.5 and bucket.take(100.0, 1.0) == 1.5, (
        "nobody's place is taken who does not wait"
    )
    assert bucket.take(101.5, 1.0) == 0.0
    bucket.shut(110.0, "web")
    assert (bucket.take(102.0, 0.0, "web"), bucket.take(102.0, 0.0, "cdn")) == (8.0, 0.0)
    assert bucket.take(500.0, 0.0, "web") == 0.0
