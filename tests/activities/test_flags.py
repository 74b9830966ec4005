"""Flags through the activities, on the real SDK: dark before a release, testers asked, a look between two ticks."""

import secrets
from typing import Any

import pytest

from slipway.promotion.flags.document import FlagTesters
from slipway.promotion.flags.plan import FlagPlan, flag_order
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from tests.adapters.flag_store import FlagStore, targeting
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.workflow.test_flag_ramp import PLAN

pytestmark = pytest.mark.usefixtures("configured")

LABEL = "production"


@pytest.fixture
def store(azure: AzureStandin) -> FlagStore:
    return FlagStore(azure)


@pytest.fixture
def flag() -> FlagPlan:
    name = f"new-cart-{secrets.token_hex(4)}"
    return FlagPlan(name, LABEL, FlagTesters(("tess",)), owner="team-cart", expires_s=86_400 * 30)


def an_order(flag: FlagPlan, **more: Any) -> dict[str, Any]:
    target = Target(flag.name, "app-configuration-flag", f"flag/cart/production/{flag.name}", flag.label)
    about = {"promotion": f"cart--{flag.name}", "operation": f"op:{flag.name}", "target": plain(target), "fence": 3}
    return {**about, "release": "op", "version": "2.0.0", "flag": flag_order(flag), "service": "cart", **more}


def look(app: AppHost, flag: FlagPlan) -> dict[str, Any]:
    order = an_order(flag, watched=[], sites={}, counters=False, every_s=15.0, health={}, baseline="1.0.0")
    canary = plain(PLAN) | {"flag": flag_order(flag)}
    answer = app.activity("look_at_ramp", {**order, "targets": [order["target"]], "canary": canary})
    assert answer.state == "passed", answer
    return answer.result


def test_a_flag_is_made_dark_with_its_owner_and_day_of_expiry(app: AppHost, store: FlagStore, flag: FlagPlan) -> None:
    answer = app.activity("prepare_flag", an_order(flag))
    assert (answer.state, answer.result["state"]) == ("passed", "dark")
    found = store.read(flag.name)
    assert found.share == 0 and found.tags["owner"] == "team-cart" and len(found.tags["expires"]) == 10
    assert app.activity("check_testers", an_order(flag)).state == "passed"
    etag = found.etag
    assert app.activity("prepare_flag", an_order(flag)).result["state"] == "dark"
    assert store.read(flag.name).etag == etag, "asked again, it answers what it did"


@pytest.mark.parametrize("status", [429, 503])
def test_a_store_that_cannot_answer_now_is_asked_again(
    app: AppHost, azure: AzureStandin, flag: FlagPlan, status: int
) -> None:
    azure.fault("GET", "featureflag", answer={"status": status, "headers": {"retry-after-ms": "3000"}})
    answer = app.activity("prepare_flag", an_order(flag))
    assert answer.running and answer.after_s == 3.0
    assert app.activity("prepare_flag", an_order(flag)).state == "passed"


def test_a_tester_whom_the_flag_excludes_is_named(app: AppHost, store: FlagStore, flag: FlagPlan) -> None:
    store.put(flag.name, targeting(flag.name, Exclusion={"Users": ["tess"], "Groups": []}))
    app.activity("prepare_flag", an_order(flag))
    answer = app.activity("check_testers", an_order(flag))
    assert (answer.state, answer.code) == ("broken", "TESTER_NOT_TARGETED") and "tess" in answer.words


def test_a_flag_that_draws_anew_each_time_is_refused(app: AppHost, store: FlagStore, flag: FlagPlan) -> None:
    filters = [{"name": "Microsoft.Percentage", "parameters": {"Value": 5}}]
    store.put(flag.name, {"id": flag.name, "enabled": True, "conditions": {"client_filters": filters}})
    assert app.activity("prepare_flag", an_order(flag)).code == "FLAG_NOT_STICKY"


def test_a_look_tells_the_share_and_whose_hand_is_on_the_flag(app: AppHost, store: FlagStore, flag: FlagPlan) -> None:
    app.activity("prepare_flag", an_order(flag))
    split = app.activity("split", an_order(flag, share=0.25, operation=f"op:split:{flag.name}"))
    assert split.result["share"] == 0.25
    assert look(app, flag)["shares"] == {flag.name: 0.25}
    store.put(flag.name, targeting(flag.name, 80))
    assert look(app, flag)["flag"][0] == "FLAG_CHANGED"
    store.delete(flag.name)
    assert look(app, flag)["flag"][0] == "FLAG_GONE"


def test_a_store_that_is_away_says_nothing_of_the_share(app: AppHost, azure: AzureStandin, flag: FlagPlan) -> None:
    app.activity("prepare_flag", an_order(flag))
    azure.fault("GET", "featureflag", answer={"status": 503})
    assert look(app, flag)["shares"] == {}


def test_a_stage_that_was_overtaken_moves_no_flag(app: AppHost, flag: FlagPlan) -> None:
    app.activity("prepare_flag", an_order(flag, fence=9))
    late = app.activity("split", an_order(flag, share=0.5, fence=3, operation=f"op:late:{flag.name}"))
    assert late.code == "FENCED"
