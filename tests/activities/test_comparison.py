"""A flag's comparison through the activities, on the real SDK and the production KQL."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.promotion.flags.comparison_plan import ComparisonPlan
from slipway.promotion.flags.plan import FlagPlan, flag_order
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.promotion.telemetry import Source
from slipway.settings import settings
from tests.activities.test_flags import an_order, flag, store
from tests.adapters.flag_store import FlagStore, targeting, variants
from tests.adapters.telemetry_rows import WORKSPACE, Telemetry
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.workflow.test_flag_ramp import PLAN

pytestmark = pytest.mark.usefixtures("configured")
__all__ = ["flag", "store"]

COMPARE = ComparisonPlan(0.5, event="OrderPlaced", at_least_s=0.0)


@pytest.fixture
def answers(azure: AzureStandin, configured: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workspace is the stand-in's."""
    monkeypatch.setenv("SLIPWAY_LOGS_ENDPOINT", azure.url)
    settings.cache_clear()


def comparing(flag: FlagPlan, **changes: Any) -> FlagPlan:
    return replace(flag, compare=replace(COMPARE, **changes))


def concluded(app: AppHost, flag: FlagPlan, keeps: str, operation: str = "end:1") -> Any:
    order = an_order(flag, keeps=keeps, why="treatment +5.0% [+1.0%, +9.0%] at 95%", operation=operation)
    return app.activity("conclude_comparison", order)


def at_half(app: AppHost, flag: FlagPlan) -> None:
    assert app.activity("prepare_flag", an_order(flag)).state == "passed"
    assert app.activity("split", an_order(flag, share=0.5, operation="op:split:1")).state == "passed"


def test_the_treatment_that_is_kept_is_everybodys_in_one_write_that_says_why(
    app: AppHost, store: FlagStore, flag: FlagPlan
) -> None:
    at_half(app, flag)
    answer = concluded(app, flag, "treatment")
    assert answer.state == "passed" and "everybody has the treatment" in answer.words
    kept = store.read(flag.name)
    assert kept.share == 1 and "+5.0%" in kept.tags["slipway-compared"] and kept.is_as_written and not kept.off_words
    assert concluded(app, flag, "treatment").state == "passed" and store.read(flag.name).etag == kept.etag


def test_the_control_that_is_kept_switches_the_flag_off_until_somebody_lifts_that(
    app: AppHost, store: FlagStore, flag: FlagPlan
) -> None:
    store.put(flag.name, variants(flag.name))
    at_half(app, flag)
    assert concluded(app, flag, "control").state == "passed"
    kept = store.read(flag.name)
    assert not kept.document["enabled"] and kept.document["allocation"]["percentile"][0]["to"] == 0
    assert kept.off_words.startswith("a comparison: control kept")
    found = app.activity("prepare_flag", an_order(flag, operation="op:later"))
    assert found.result["state"] == "off", "the next release compares nothing again"


@pytest.mark.parametrize("keeps", ["control", "treatment"])
def test_a_flag_that_somebody_edited_meanwhile_is_not_written_over(
    app: AppHost, store: FlagStore, flag: FlagPlan, keeps: str
) -> None:
    at_half(app, flag)
    store.put(flag.name, targeting(flag.name, 70))
    assert concluded(app, flag, keeps).code == "FLAG_CHANGED"
    assert store.read(flag.name).share == 0.7
    store.delete(flag.name)
    assert concluded(app, flag, keeps, "end:2").code == "FLAG_GONE"


def test_variants_are_held_against_those_of_the_store(app: AppHost, store: FlagStore, flag: FlagPlan) -> None:
    store.put(flag.name, variants(flag.name))
    right = comparing(flag, control="classic", treatment="fast")
    assert app.activity("prepare_flag", an_order(right)).state == "passed"
    wrong = app.activity("prepare_flag", an_order(comparing(flag, control="old"), operation="op:2"))
    assert wrong.code == "VARIANT_UNKNOWN" and "in the store it is classic" in wrong.words


@pytest.mark.usefixtures("answers")
def test_users_of_both_variants_are_compared_and_the_first_answer_stays(
    app: AppHost, azure: AzureStandin, flag: FlagPlan
) -> None:
    telemetry = Telemetry(azure, f"shop-{flag.name}", datetime.now(UTC) - timedelta(minutes=90))
    telemetry.log(
        telemetry.request(
            number,
            "2.0.0",
            user=f"user-{number}",
            features=[f"{flag.name};;{number % 2 == 0}"],
            events=["OrderPlaced"] if number % 2 == 0 or number % 10 == 1 else [],
        )
        for number in range(200)
    )
    flag = comparing(flag, treatment="fast")
    plan = replace(PLAN, flag=flag, source=Source(WORKSPACE, telemetry.role))
    times = {"began_at": iso(telemetry.begins), "ends_at": iso(telemetry.begins + timedelta(hours=1))}
    order = an_order(flag, canary=plain(plan), variant="", operation="compare:1", **times)
    order.pop("target")
    answer = app.activity("compare_variants", order)
    found = answer.result["found"]
    assert found["code"] == "TREATMENT_BETTER" and list(found["treatment"]) == [100, 100, 0], answer
    assert list(found["control"]) == [100, 20, 0] and "treatment (fast) 100 of 100 users" in answer.words
    telemetry.log([telemetry.request(300, "2.0.0", user="late", features=[f"{flag.name};;True"])])
    assert app.activity("compare_variants", order).result["found"] == found
    later = app.activity("compare_variants", {**order, "operation": "compare:2"}).result["found"]
    assert later["treatment"][0] == 101, "a row that came late is in the next look"


@pytest.mark.usefixtures("answers")
def test_telemetry_without_an_answer_is_a_fault_and_nothing_found(
    app: AppHost, azure: AzureStandin, flag: FlagPlan
) -> None:
    telemetry = Telemetry(azure, "shop", datetime.now(UTC) - timedelta(hours=3))
    plan = replace(PLAN, flag=comparing(flag), source=Source(WORKSPACE, telemetry.role))
    times = {"began_at": iso(telemetry.begins), "ends_at": iso(telemetry.begins + timedelta(hours=1))}
    order = an_order(comparing(flag), canary=plain(plan), variant="", operation="compare:1", **times)
    telemetry.mishap(partial=1)
    try:
        answer = app.activity("compare_variants", order)
    finally:
        telemetry.no_mishap()
    assert answer.state == "passed" and "in part only" in answer.result["fault"]


def test_the_order_of_a_flag_keeps_its_comparison() -> None:
    flag = FlagPlan("x", compare=COMPARE)
    assert FlagPlan.load(flag_order(flag)) == flag
