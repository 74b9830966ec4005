"""`judge_tick` of a ramp between revisions of a container app: the memory of its replicas, which have a limit."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
import requests

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import begin
from slipway.promotion.outcomes import iso
from slipway.promotion.telemetry import Source
from slipway.settings import settings
from tests.adapters.telemetry_rows import WORKSPACE, Telemetry
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.promotion.judge.builders import a_history

HALF_A_GIB = 2**29  # as the stand-in's revisions have it
TICKS = 12


@pytest.fixture
def telemetry(azure: AzureStandin, configured: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    monkeypatch.setenv("SLIPWAY_METRICS_ENDPOINT", azure.url)
    monkeypatch.setenv("SLIPWAY_LOGS_ENDPOINT", azure.url)
    settings.cache_clear()
    yield Telemetry.of(azure)


@pytest.mark.parametrize(("a_minute", "held"), [(0.03, True), (0.0, False)])
def test_a_revision_whose_memory_will_be_full_within_the_bake_is_held(
    app: AppHost, azure: AzureStandin, telemetry: Telemetry, a_minute: float, held: bool
) -> None:
    target = azure.app("alone")
    for minute in range(TICKS):
        pods = {"x": 0.3, "y": 0.5 + a_minute * minute}
        for pod, share in pods.items():
            told = {"resource": target.resource, "dimensions": {"revisionName": "alone--v1-0-0", "podName": pod}}
            told |= {"values": {"WorkingSetBytes": share * HALF_A_GIB, "UsageNanoCores": 1e7}}
            tell(azure, telemetry, minute, told)
        by_status = {"revisionName": "alone--v1-0-0", "statusCodeCategory": "2xx"}
        tell(
            azure, telemetry, minute, {"resource": target.resource, "dimensions": by_status, "values": {"Requests": 50}}
        )
        seconds = [60 * minute + 0.5 * n for n in range(100)]
        telemetry.log(telemetry.request(second, "1.0.0", "x") for second in seconds[::10])
        telemetry.log(telemetry.request(second, "0.9.0", "ab"[n % 2]) for n, second in enumerate(seconds))

    policy = Policy(ramp="careful", warm_up_s=0)
    state = begin(policy, a_history(requests=110, failures=0)).dump()
    plan = asdict(CanaryPlan(policy, Source(WORKSPACE, "checkout")))
    for tick in range(1, TICKS + 1):
        promotion = f"checkout--{held}"
        order: dict[str, Any] = {"promotion": promotion, "operation": f"{promotion}:judge:{tick}", "canary": plan}
        order |= {"version": "1.0.0", "baseline": "0.9.0", "began_at": iso(telemetry.begins), "tick": tick}
        order |= {"state": state, "targets": [asdict(target)], "exposed_from": 1, "held": "", "usual_rate": 0.0}
        answer = app.activity("judge_tick", order | {"unwell": 0})
        assert answer.state == "passed", answer
        state = answer.result["state"]
    assert len(state["saturation"]["memory"]) >= 8, "minute by minute"
    if held:
        assert answer.result["verdict"]["code"] == "SATURATED", answer.words
        assert "memory is at" in answer.words and "would be full in" in answer.words
    else:
        assert answer.result["verdict"]["code"] != "SATURATED", answer.words


def tell(azure: AzureStandin, telemetry: Telemetry, minute: int, told: dict[str, Any]) -> None:
    at = telemetry.begins.replace(second=0, microsecond=0) + timedelta(minutes=minute)
    url, ca = f"{azure.url}/standin/readings", str(azure.settings.ca_file)
    requests.post(url, json=[told | {"minute": at.isoformat()}], verify=ca, timeout=10).raise_for_status()
