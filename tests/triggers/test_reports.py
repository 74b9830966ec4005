"""Code hosts are told what the topic tells: how a stage is now, however late, often or disordered the events come."""

import asyncio
import hashlib
import json
import secrets as random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from slipway.adapters.read_model import promotion_rows, write_row
from slipway.adapters.rows import Rows
from slipway.local.functions.invocation import InvocationFailed
from slipway.promotion.about import about_stage
from slipway.promotion.events import messages
from slipway.promotion.ids import stage_id
from slipway.promotion.outcomes import Outcome
from slipway.promotion.stage_parts import Ending
from slipway.promotion.stage_phases import BAKE, REPORT
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun
from slipway.settings import settings
from tests.activities.conftest import a_secret
from tests.app_host import eventually
from tests.laptop import AzureStandin
from tests.triggers.conftest import TABLES_DOWN, Underway
from triggers import reports

pytestmark = pytest.mark.usefixtures("configured")
REFUSED = {"status": 404, "body": {"message": "Not Found"}}


class Pauses:
    """Stands in for asyncio in the trigger's module: pauses are taken down instead of waited for."""

    def __init__(self) -> None:
        self.to_thread = asyncio.to_thread
        self.taken: list[float] = []

    async def sleep(self, delay_s: float) -> None:
        self.taken.append(delay_s)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    pauses = Pauses()
    monkeypatch.setattr(reports, "asyncio", pauses)
    return pauses


class Told:
    """A promotion whose pipeline names a repository of GitHub; `stage` is its stage production."""

    def __init__(self, it: Underway, azure: AzureStandin) -> None:
        self._azure, self._app = azure, it.app
        self._repository, self.secret = f"checkout-{random.token_hex(4)}", a_secret(azure, "ghs_token")
        report = f"report: [{{github: {{repository: shop/{self._repository}, secret: {self.secret}}}}}]\n"
        row = Rows("promotions").get(it.id, "pipeline")
        assert row is not None
        Rows("promotions").upsert(it.id, "pipeline", {"doc": json.dumps(report + row.doc)}, merge=False)
        plan = replace(it.run.plan.stage("production"), reported=True)
        self.stage = StageRun(it.id, stage_id(it.id, "production"), plan, it.run.build, it.run.artifact)
        self.rev = 0

    def now(self, phase: str, outcome: str = "") -> None:
        """The stage has come there, and the read model shows it."""
        self.rev += 1
        ending = Ending(outcome, "", f"it {outcome}") if outcome else None
        self.stage = replace(self.stage, phase=phase, ending=ending, rev=self.rev)
        write_row(self.stage.promotion, "stage:production", self.rev, stage_row(self.stage))

    def event(self, action: str = "stage.baking", delivery: int = 1, **changes: str) -> None:
        """An event of the stage comes to the subscription."""
        record: dict[str, Any] = {
            "promotion": self.stage.promotion,
            "id": f"{self.stage.instance}:{self.rev}",
            "at": "2026-11-24T12:00:00Z",
            "actor": "slipway",
            "action": action,
            "stage": "production",
            "words": "so",
            "evidence": {},
            "about": about_stage(self.stage),
        }
        message = next(messages(record))
        properties = {**message.properties, **changes}
        self._app.deliver(message.body, message.id, delivery, properties, function="reports")

    @property
    def refusal(self) -> dict[str, Any] | None:
        row = Rows("reports").get(self.stage.promotion, f"{self.stage.instance}:{self.rev}")
        return row.values if row else None

    def being_made(self, at: datetime) -> None:
        """Somebody began to make the deployment then."""
        where = hashlib.sha256(f"GitHub, shop/{self._repository}".encode()).hexdigest()[:16]
        Rows("reports").upsert(self.stage.promotion, f"making:production:{where}", {"at": at}, merge=False)

    def states(self) -> list[str]:
        """Of the deployment, oldest first."""

        def get(path: str = "") -> Any:
            url = f"{self._azure.url}/github/repos/shop/{self._repository}/deployments{path}"
            headers = {"Authorization": "Bearer x"}
            return requests.get(url, headers=headers, verify=str(self._azure.settings.ca_file), timeout=30).json()

        deployments = get()
        assert len(deployments) <= 1
        return [said["state"] for each in deployments for said in reversed(get(f"/{each['id']}/statuses"))]


@pytest.fixture
def told(it: Underway, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setenv("SLIPWAY_VAULT", azure.url)
    settings.cache_clear()
    return Told(it, azure)


def test_a_stage_is_told_as_it_gets_on(told: Told) -> None:
    for phase, outcome in ((BAKE, ""), (BAKE, ""), (REPORT, Outcome.PASSED)):
        told.now(phase, outcome)
        told.event()
    assert told.states() == ["in_progress", "success"]


def test_an_event_that_comes_late_or_again_tells_how_it_is_now(told: Told) -> None:
    told.now(REPORT, Outcome.PASSED)
    for action in ("stage.passed", "stage.deploying", "stage.passed"):
        told.event(action)
    assert told.states() == ["success"]


def test_whoever_told_an_older_state_at_the_same_time_looks_once_more(told: Told, azure: AzureStandin) -> None:
    told.now(BAKE)
    azure.fault("POST", "/statuses", hold_s=30)
    with ThreadPoolExecutor(1) as pool:
        telling = pool.submit(told.event)
        eventually(lambda: azure.held("GET"))
        told.now(REPORT, Outcome.FAILED)  # it ends while GitHub is being told that it bakes
        azure.held("DELETE")
        telling.result(30)
    assert told.states() == ["in_progress", "failure"]


def test_two_events_of_a_stage_at_once_make_one_deployment(told: Told, azure: AzureStandin) -> None:
    told.now(BAKE)
    azure.fault("GET", "/deployments", hold="after", hold_s=30, times=2)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(told.event, action) for action in ("stage.deploying", "stage.baking")]
        eventually(lambda: len(azure.held("GET")) == 2)  # both have seen that there is none
        azure.held("DELETE")
        ended = [each.exception(30) for each in both]
    assert len([each for each in ended if each is None]) >= 1
    told.event(delivery=2)
    assert told.states() == ["in_progress"]


def test_whoever_saw_no_deployment_before_another_made_it_makes_none(told: Told, azure: AzureStandin) -> None:
    told.now(BAKE)
    azure.fault("GET", "/deployments", hold="after", hold_s=30)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(told.event, "stage.deploying")
        eventually(lambda: azure.held("GET"))
        told.event()
        azure.held("DELETE")
        late.result(30)
    assert told.states() == ["in_progress"]


def test_whoever_died_while_making_a_deployment_holds_others_up_for_a_minute(told: Told, pauses: Pauses) -> None:
    told.now(BAKE)
    told.being_made(datetime.now(UTC))
    with pytest.raises(InvocationFailed):
        told.event()
    assert (told.states(), pauses.taken) == ([], [2])
    told.being_made(datetime.now(UTC) - timedelta(minutes=2))
    told.event(delivery=2)
    assert told.states() == ["in_progress"]


def test_of_a_build_without_a_commit_nothing_is_told_and_that_is_counted(told: Told, pauses: Pauses) -> None:
    told.now(BAKE)
    row = promotion_rows(told.stage.promotion)["promotion"]
    write_row(told.stage.promotion, "promotion", 99, {**row, "commit": ""})
    for delivery in (1, 2):
        told.event(delivery=delivery)
    assert (told.states(), pauses.taken) == ([], [])
    assert told.refusal is not None and told.refusal["code"] == "NO_COMMIT"


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("stage.baking", {"reported": "no"}),
        ("ramp.begins", {}),
        ("stage.baking", {"promotion": "../x"}),
        ("stage.baking", {"stage": ""}),
        ("stage.baking", {"promotion": "checkout--never"}),
        ("stage.baking", {"stage": "elsewhere"}),
    ],
)
def test_what_is_nobodys_business_is_taken_and_told_to_nobody(told: Told, action: str, changes: dict[str, str]) -> None:
    told.now(BAKE)
    told.event(action, **changes)
    assert told.states() == []


def test_a_pipeline_that_names_nobody_tells_nobody(told: Told) -> None:
    told.now(BAKE)
    told.stage = replace(told.stage, plan=replace(told.stage.plan, reported=False))
    told.event()
    assert told.states() == []


def test_a_host_that_refuses_for_good_is_not_asked_again_until_somebody_puts_the_report_back(
    told: Told, azure: AzureStandin, pauses: Pauses
) -> None:
    told.now(BAKE)
    azure.fault("GET", "/github/", answer=REFUSED)
    for delivery in (1, 2, 3):
        with pytest.raises(InvocationFailed):
            told.event(delivery=delivery)
    assert (azure.faults_left(), pauses.taken, told.states()) == ([], [], [])
    assert told.refusal is not None and told.refusal["code"] == "REPORT_REFUSED"
    assert "404: Not Found" in told.refusal["words"]
    told.event(resubmitted="reports")
    assert told.states() == ["in_progress"]


def test_a_host_that_is_away_is_asked_again_after_pauses_that_grow_and_are_as_long_as_it_says(
    told: Told, azure: AzureStandin, pauses: Pauses
) -> None:
    told.now(BAKE)
    for delivery in (1, 2, 3, 4, 9):
        answer: dict[str, Any] = {"status": 503}
        if delivery in (3, 9):
            answer = {"status": 429, "headers": {"retry-after": "30" if delivery == 3 else "3000"}}
        azure.fault("GET", "/github/", answer=answer)
        with pytest.raises(InvocationFailed):
            told.event(delivery=delivery)
    assert pauses.taken == [2, 4, 30, 16, 60]
    assert told.refusal is not None and told.refusal["code"] == "REPORT_UNAVAILABLE"
    told.event(delivery=10)
    assert (told.states(), told.refusal) == (["in_progress"], None)


def test_while_our_own_rows_are_away_the_event_comes_again(told: Told, azure: AzureStandin, pauses: Pauses) -> None:
    told.now(BAKE)
    azure.fault(None, "/tables/promotions", **TABLES_DOWN)
    with pytest.raises(InvocationFailed):
        told.event()
    azure.forget_faults()
    assert pauses.taken == [2]
    told.event(delivery=2)
    assert told.states() == ["in_progress"]


def test_an_answer_that_nobody_understands_may_pass(told: Told, azure: AzureStandin, pauses: Pauses) -> None:
    told.now(BAKE)
    azure.fault("GET", "/github/", answer={"status": 200, "body": ["no deployment"]})
    with pytest.raises(InvocationFailed):
        told.event()
    assert told.refusal is not None and "do not understand" in told.refusal["words"]
    assert pauses.taken == [2]


def test_a_secret_that_is_not_there_is_named(told: Told, azure: AzureStandin) -> None:
    azure.fault("GET", f"/secrets/{told.secret}", answer={"status": 404, "body": {"error": {"code": "SecretNotFound"}}})
    told.now(BAKE)
    with pytest.raises(InvocationFailed):
        told.event()
    assert told.refusal is not None and told.secret in told.refusal["words"]
    assert "ghs_token" not in told.refusal["words"]
