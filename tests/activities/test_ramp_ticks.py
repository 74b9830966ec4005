"""`judge_tick` on the whole way: releases that serve, the platform's metrics, the production KQL, the judge."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from slipway.promotion.canary_plan import IGNORE, CanaryPlan
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import begin
from slipway.promotion.outcomes import Answer, iso
from slipway.promotion.plan import Target
from slipway.promotion.telemetry import Source
from slipway.settings import settings
from tests.adapters.telemetry_rows import WORKSPACE
from tests.app_host import AppHost
from tests.azure_standin.standin import CONFIG, GROUP, SITE, SLOT, Arm, StandinProcess, running
from tests.promotion.judge.builders import a_history

HUNGRY = "2.0.0-hungry"
PATIENT = CanaryPlan(Policy(steps=(0.25, 0.5, 1.0), ramp="fixed", warm_up_s=0), Source(WORKSPACE, "checkout"))
REQUESTS = 80  # to each side in a minute: the platform counts them, the workspace has rows of the traffic model
LAST_MINUTE = 8
BATCH = "/metrics:getBatch"
TRAFFIC = f"""
{CONFIG}
instances: 1
telemetry:
  traffic: [{{site: checkout-dev, service: checkout, version: 1.0.0, hours: 0, per_second: 40}}]
"""
_numbers = count(1)


@dataclass(frozen=True)
class Ramp:
    """A ramp that has lasted for some minutes at a quarter of the traffic."""

    app: AppHost
    standin: StandinProcess
    began: datetime

    def judged(self, plan: CanaryPlan, *ticks: int) -> list[Answer]:
        """What the judge says at these ticks, one after the other."""
        state, answers = begin(plan.policy, a_history(requests=2400, failures=7)).dump(), []
        promotion = f"checkout--{next(_numbers)}"
        for tick in ticks:
            order: dict[str, Any] = {"promotion": promotion, "operation": f"{promotion}:judge:{tick}"}
            order |= {"canary": asdict(plan), "version": HUNGRY, "baseline": "1.0.0", "began_at": iso(self.began)}
            order |= {"targets": [asdict(Target("dev", "app-service", SITE, "staging"))], "exposed_from": 1}
            order |= {"tick": tick, "state": state, "held": "", "usual_rate": 0.003, "unwell": 0}
            answers.append(self.app.activity("judge_tick", order))
            assert answers[-1].state == "passed", answers[-1]
            state = answers[-1].result["state"]
        return answers


@pytest.fixture(scope="module")
def ramping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StandinProcess, datetime]]:
    """A stand-in in virtual time, where users have met both releases for eight minutes."""
    with running(tmp_path_factory.mktemp("ramp"), TRAFFIC, "--virtual-time") as standin, standin.http() as http:

        def clock(moment: datetime) -> None:
            http.post("/standin/clock", json={"now": moment.isoformat()}).raise_for_status()

        began = datetime.now(UTC).replace(second=20, microsecond=0) + timedelta(hours=1)
        clock(began)
        with standin.web() as client:
            assert Arm(client).deployed(SLOT, standin.package(HUNGRY))["status"] == "RuntimeSuccessful"
            host = standin.told["sites"]["checkout-dev(staging)"].removeprefix("http://")
            rule = {"name": "staging", "actionHostName": host, "reroutePercentage": 25}
            body = {"properties": {"experiments": {"rampUpRules": [rule]}}}
            client.web_apps.update_configuration(GROUP, "checkout-dev", body)
        for minute in range(1, 4):
            clock(began + timedelta(minutes=minute))
            _users(standin)
        clock(began + timedelta(minutes=LAST_MINUTE))
        yield standin, began


def _users(standin: StandinProcess) -> None:
    """Half of them are pinned to the live release, half to the other."""
    url = standin.told["sites"]["checkout-dev"] + "/carts"
    with ThreadPoolExecutor(8) as threads, httpx.Client(timeout=30) as users:
        sides = [{"cookie": f"x-ms-routing-name={side}"} for side in ("self", "staging") for _ in range(REQUESTS)]
        assert {answer.status_code for answer in threads.map(lambda side: users.get(url, headers=side), sides)} == {200}


@pytest.fixture
def ramp(app: AppHost, ramping: tuple[StandinProcess, datetime], monkeypatch: pytest.MonkeyPatch) -> Iterator[Ramp]:
    standin, began = ramping
    given = {"TABLES_ENDPOINT": f"{standin.url}/tables", "ARM_ENDPOINT": standin.url, "CA_FILE": standin.told["ca"]}
    given |= {"LOGS_ENDPOINT": standin.url, "METRICS_ENDPOINT": standin.url, "SITE_SCHEME": "http"}
    for name, value in given.items():
        monkeypatch.setenv(f"SLIPWAY_{name}", value)
    monkeypatch.setenv("AZURE_CLIENT_ID", standin.url)  # credentials keep their tokens for the process
    settings.cache_clear()
    yield Ramp(app, standin, began)
    monkeypatch.undo()
    settings.cache_clear()


def test_a_release_that_burns_cpu_is_held_and_not_blamed(ramp: Ramp) -> None:
    """Minutes 1 to 3 are full of requests; a tick's metrics are there two minutes after it, so at ticks 4 to 6."""
    said = ramp.judged(PATIENT, *range(1, 8))
    codes = [answer.result["verdict"]["code"] for answer in said]
    assert "SATURATED" not in codes[:5] and codes[5:] == ["SATURATED", "SATURATED"], codes
    verdict = said[5].result["verdict"]
    assert verdict["action"] == "wait" and "× the baseline's CPU per request" in verdict["words"]
    assert said[5].result["unwell"] == 0


def test_by_its_pipeline_a_release_may_burn_what_it_likes(ramp: Ramp) -> None:
    said = ramp.judged(replace(PATIENT, saturation=IGNORE), *range(1, 8))
    assert "SATURATED" not in [answer.result["verdict"]["code"] for answer in said]


def test_metrics_that_do_not_come_are_named_and_blind_nobody(ramp: Ramp) -> None:
    with ramp.standin.http() as http:
        answer = {"status": 403, "body": {"error": {"code": "AuthorizationFailed", "message": "no"}}}
        fault = {"match": {"method": "POST", "path_contains": BATCH}, "times": 100, "answer": answer}
        http.post("/standin/faults", json=fault).raise_for_status()
        said = ramp.judged(PATIENT, *range(1, 8))
        http.delete("/standin/faults").raise_for_status()
    for answer in said[3:]:
        assert "CPU and memory are not known (dev: metrics: " in answer.words
        assert "Microsoft.Insights/metrics/read" in answer.words
    assert answer.result["state"]["blind"] == 0 and answer.result["state"]["judged"] == 7
    assert answer.result["verdict"]["code"] not in ("SATURATED", "BLIND")
    assert answer.result["verdict"]["words"] == answer.words
