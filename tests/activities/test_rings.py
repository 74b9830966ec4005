"""What a ring asks of the world: the regions of its database, and what an earlier ring was to do."""

from collections.abc import Iterator
from dataclasses import asdict

import pytest

from slipway.adapters.rows import Rows
from slipway.promotion.outcomes import Outcome, passed
from slipway.promotion.plan import load_stage
from slipway.promotion.rings import RegionGate
from tests.activities.conftest import Promotion
from tests.activities.test_ramp_looks import a_look
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import a_run

pytestmark = pytest.mark.usefixtures("configured")

NAME = "looked-at"


@pytest.fixture(autouse=True)
def _in_order(azure: AzureStandin) -> Iterator[None]:
    yield
    azure.forget_faults()
    azure.tell_account(NAME, region="North Europe")
    azure.tell_account(NAME, write="West Europe")


def test_the_account_is_told_as_azure_shows_it(app: AppHost, azure: AzureStandin) -> None:
    azure.tell_account(NAME, region="North Europe", state="Updating")
    answer = app.activity("look_at_account", {"account": azure.account(NAME)})
    assert answer.result["locations"] == {"westeurope": "Succeeded", "northeurope": "Updating"}
    assert answer.result["write"] == ["westeurope"]


def test_an_account_that_azure_cannot_show_now_is_asked_for_again(app: AppHost, azure: AzureStandin) -> None:
    azure.fault("GET", "/databaseAccounts/", answer={"status": 503}, times=4)
    assert app.activity("look_at_account", {"account": azure.account(NAME)}).running


def test_a_ramp_looks_at_its_rings_region_too(app: AppHost, azure: AzureStandin) -> None:
    gate = asdict(RegionGate(azure.account(NAME), "northeurope"))
    order = a_look(azure.target("plain"), gate=gate, written=["westeurope"])
    assert app.activity("look_at_ramp", order).result["signals"] == []
    azure.tell_account(NAME, write="North Europe")
    (signal,) = app.activity("look_at_ramp", order).result["signals"]
    assert signal[0] == "region" and "have moved from westeurope to northeurope" in signal[1]
    azure.fault("GET", "/databaseAccounts/", answer={"status": 404})
    ((name, words),) = app.activity("look_at_ramp", order).result["signals"]
    assert name == "region unread" and words.startswith(f"{NAME} could not be read: Azure does not find it")


def test_what_an_earlier_ring_was_to_do_is_read_from_the_frozen_plan(app: AppHost, promotion: Promotion) -> None:
    stage = a_stage("production-eu")
    run = a_run(a_build(promotion.version), stage)
    record = {"promotion": promotion.id, "id": f"{promotion.id}:1", "at": run.received_at, "actor": "slipway"}
    record |= {"action": "promotion.started", "words": "", "evidence": {}, "listed_at": run.received_at}
    record |= {"service": "checkout", "row": {"key": "promotion", "rev": 1, "doc": run.row()}}
    assert app.activity("record", record).state == passed().state
    answer = app.activity("read_stage_plan", {"promotion": promotion.id, "stage": "production-eu"})
    assert load_stage(answer.result["plan"]) == stage
    lost = app.activity("read_stage_plan", {"promotion": promotion.id, "stage": "production-us"})
    assert (lost.outcome, lost.code) == (Outcome.BROKEN, "STAGE_LOST")
    assert Rows("promotions").get(promotion.id, "promotion") is not None
