"""`freeze`, `hours`, `rate`, `after` and the modes of order, as pipelines write them."""

from typing import Any

import pytest

from slipway.promotion.after import After
from slipway.promotion.calendar.windows import Calendar, Freeze, Hours, Rate
from slipway.promotion.pipeline import compile_plan, cyclic_services, lint, read_pipeline
from slipway.promotion.plan import PromotionPlan

SITE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.Web/sites"


def a_text(more: str = "", service: str = "checkout", mode: str = "") -> str:
    return f"""
service: {service}
owner: team
artifact: {{zip: "https://artifacts.example/{service}/{{version}}.zip"}}
{mode}
stages:
  - name: prod
    environment: production
    targets: [{{name: weu, kind: app-service, resource: "{SITE}/{service}"}}]
{more}"""


def compiled(text: str) -> PromotionPlan:
    return compile_plan(read_pipeline(text, "p.yaml"), "sha256:0")


def codes(more: str) -> list[str]:
    return [each.code for each in lint(a_text(more), "p.yaml")]


def test_a_stage_says_when_builds_enter_and_what_has_to_be_live_first() -> None:
    plan = compiled(
        a_text("""
    freeze:
      - {name: black-friday, from: 2026-11-25, to: 2026-12-02, time_zone: Europe/Berlin, except: [hotfix]}
      - {name: weekend, from: fri 16:00, to: sun, recurring: weekly, on_begin: pause}
      - {name: christmas, from: 12-20, to: 12-31, recurring: yearly, on_begin: roll-back}
      - {name: leap, from: 02-28T12:00, to: 02-28, recurring: yearly}
    hours: {days: [mon-wed, fri], from: "22:00", to: "04:00", time_zone: Europe/Berlin}
    rate: {at_most: 3, per: 24h}
    after: [{service: orders, at_least: "4.2"}, {service: users, at_least: "7", environment: shared}]
""")
    )
    (stage,) = plan.stages
    assert stage.calendar == Calendar(
        (
            Freeze("black-friday", "2026-11-25T00:00", "2026-12-03T00:00", "Europe/Berlin", ("hotfix",)),
            Freeze("weekend", "fri 16:00", "mon 00:00", recurring="weekly", on_begin="pause"),
            Freeze("christmas", "12-20T00:00", "01-01T00:00", recurring="yearly", on_begin="roll-back"),
            Freeze("leap", "02-28T12:00", "02-29T00:00", recurring="yearly"),
        ),
        Hours((0, 1, 2, 4), "22:00", "04:00", "Europe/Berlin"),
        Rate(3, 86_400),
    )
    assert stage.after == (After("orders", "4.2", "production"), After("users", "7", "shared"))
    assert PromotionPlan.load(plan.dump()) == plan
    old = plan.dump()
    old["stages"] = [{k: v for k, v in old["stages"][0].items() if k not in ("calendar", "after")}]
    assert not PromotionPlan.load(old).stages[0].calendar, "a plan of before there were calendars"


@pytest.mark.parametrize("mode", ["queue", "each", "latest", "supersede", "ignore"])
def test_every_mode_of_order_is_read(mode: str) -> None:
    assert compiled(a_text(mode=f"on_newer_build: {mode}")).stages[0].on_newer_build == mode


A_FREEZE = "{name: x, from: 2026-11-25, to: 2026-12-02"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (f"    freeze: [{A_FREEZE}, time_zone: Europe/Berlim}}]\n", "UNKNOWN_TIME_ZONE"),
        (f"    freeze: [{A_FREEZE}, time_zone: ../../etc/passwd}}]\n", "UNKNOWN_TIME_ZONE"),
        ("    freeze: [{name: x, from: 2026-02-30, to: 2026-12-02}]\n", "INVALID_TIME"),
        ("    freeze: [{name: x, from: 2026-11-25, to: 2026-11-25T25:00}]\n", "INVALID_TIME"),
        ("    freeze: [{name: x, from: fri, to: mon}]\n", "INVALID_TIME"),
        ("    freeze: [{name: x, from: 02-30, to: 03-01, recurring: yearly}]\n", "INVALID_TIME"),
        ("    freeze: [{name: x, from: 2026-12-02T10:00, to: 2026-12-02T09:00}]\n", "NEVER_IN_FORCE"),
        (f"    freeze: [{A_FREEZE}}}, {A_FREEZE}}}]\n", "DUPLICATE_NAME"),
        (f"    freeze: [{A_FREEZE}, except: [everything]}}]\n", "UNKNOWN_VALUE"),
        ("    freeze: [{name: x, from: mon, to: sun, recurring: weekly}]\n", "NEVER_OPEN"),
        ("    freeze: [{name: x, from: 01-01, to: 12-31, recurring: yearly}]\n", "NEVER_OPEN"),
        (
            '    hours: {days: [sat-sun], from: "09:00", to: "16:00"}\n'
            "    freeze: [{name: x, from: fri 18:00, to: mon 08:00, recurring: weekly}]\n",
            "NEVER_OPEN",
        ),
        ('    hours: {days: [monday], from: "09:00", to: "16:00"}\n', "INVALID_TIME"),
        ('    hours: {days: [mon], from: "9", to: "16:00"}\n', "INVALID_TIME"),
        ("    rate: {at_most: 11, per: 24h}\n", "OUT_OF_RANGE"),
        ("    rate: {at_most: 0, per: 24h}\n", "OUT_OF_RANGE"),
        ("    after: [{service: checkout, at_least: '1'}]\n", "CYCLE"),
        ("    after: [{service: orders}]\n", "MISSING_KEY"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_a_finding(more: str, code: str) -> None:
    assert codes(more) == [code]


def test_services_that_wait_for_each_other_are_found_when_both_pipelines_are_there() -> None:
    def waits(service: str, other: str) -> tuple[str, str]:
        return a_text(f"    after: [{{service: {other}, at_least: '1'}}]\n", service), f"{service}.yaml"

    texts = [waits("checkout", "orders"), waits("orders", "stock"), waits("stock", "checkout")]
    assert cyclic_services(texts[:2]) == []
    (found,) = cyclic_services(texts)
    assert (found.file, found.code) == ("checkout.yaml", "CYCLE")
    assert "checkout in production → orders in production → stock in production → checkout in production" in found.words


def test_what_is_written_well_has_no_findings(monkeypatch: Any) -> None:
    assert codes(f"    freeze: [{A_FREEZE}}}]\n    rate: {{at_most: 1, per: 24h}}\n") == []
