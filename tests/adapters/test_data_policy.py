"""Requests to data planes say whose work they are, and hear each other's 429."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from slipway.adapters.arm_policy import correlation_of
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.configuration.client import asked as configuration_asked
from slipway.adapters.configuration.client import client_of as configuration
from slipway.adapters.data_policy import GATES
from slipway.adapters.insights import Kind, span
from slipway.adapters.load_testing.client import client_of as load_testing
from slipway.adapters.load_testing.runs import Runs, run_id
from slipway.adapters.registry import Registry, _client
from slipway.promotion.pins import reference_of
from tests.laptop import AzureStandin
from tests.laptop_holds import PINNED_IMAGE

Ask = Callable[[AzureStandin], Any]


def a_setting(azure: AzureStandin) -> Any:
    return configuration_asked(azure.settings, lambda client: list(client.list_configuration_settings("nothing")))


def a_run(azure: AzureStandin) -> Any:
    return Runs(azure.settings, azure.load_run("peak")).look(run_id("none"))


def a_manifest(azure: AzureStandin) -> Any:
    reference = reference_of(f"{PINNED_IMAGE}:8.0.0")
    assert reference
    return Registry(azure.settings).manifest(reference)


@pytest.mark.parametrize(
    ("path", "ask"),
    [("/kv", a_setting), ("/test-runs/", a_run), ("/v2/checkout/manifests/", a_manifest)],
    ids=["App Configuration", "load testing", "registry"],
)
def test_a_429_of_a_data_plane_is_heard_by_everybody_who_was_to_ask_it(
    azure: AzureStandin, path: str, ask: Ask
) -> None:
    ask(azure)
    azure.fault("GET", path, answer={"status": 429, "headers": {"Retry-After": "60"}})
    asked_s = [_refused(lambda: ask(azure)) for _ in range(2)]
    assert asked_s[0] == 60 and 50 < asked_s[1] <= 60, "the second one was not sent"
    others = [each for each in (a_setting, a_run, a_manifest) if each is not ask]
    for other in others:
        other(azure)
    GATES.forget()
    ask(azure)


def _refused(ask: Callable[[], Any]) -> float:
    with pytest.raises(AzureProblem) as problem:
        ask()
    assert problem.value.fault.kind is FaultKind.THROTTLED and "slow down" in problem.value.fault.words
    return problem.value.fault.retry_after_s


def test_a_data_plane_knows_requests_by_the_operation(azure: AzureStandin) -> None:
    sent: list[str] = []

    def seen(response: Any) -> None:
        sent.append(response.http_request.headers.get("x-ms-correlation-request-id", ""))

    operation = "checkout--1.1.0:dev:weu:deploy:1"
    with span("deploy", Kind.WORK, "", operation=operation):
        list(configuration(azure.settings).list_configuration_settings("nothing", raw_response_hook=seen))
        with pytest.raises(ResourceNotFoundError):
            load_testing(azure.settings, azure.load_run("peak").resource).get_test_run("none", raw_response_hook=seen)
        _client(azure.settings, "shop.azurecr.io").get_manifest("checkout", "8.0.0", raw_response_hook=seen)
    assert len(sent) == 4 and set(sent) == {correlation_of(operation)}, "the registry asks who it is first"
