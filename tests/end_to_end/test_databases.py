"""A release with a database on the whole laptop system: real migrations, real tests, and a way back that ends."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.system import SELDOM_S, Promotion, System, a_message, stage_of, start

PIPELINE = Path(__file__).with_name("migrated.yaml")
JOBS = [
    {"name": "checkout-uat", "image": "registry.example/checkout-uat:1"},
    {"name": "checkout-migrate", "image": "registry.example/checkout-migrations:1", "env": {"DATABASE": "checkout"}},
]
IMAGES = {"registry.example/checkout-uat": "uat", "registry.example/checkout-migrations": "migrate"}
OLD, NEW = {"from": 12, "to": 13}, {"from": 13, "to": 16, "expand": 13, "contract": 14}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("databases")


@pytest.fixture(scope="module")
def system(state: Path) -> Iterator[System]:
    with start(state, PIPELINE, jobs=JOBS, job_images=IMAGES, pace=0.1, container_apps=[]) as laptop:
        yield System(laptop)


def released(system: System, version: str, schema: dict[str, int]) -> dict[str, Any]:
    """The stage as it ended."""
    system.send(a_message(version) | {"schema": schema})
    return stage_of(system.until(f"checkout--{version}", over, every_s=SELDOM_S), "production")


def over(seen: Promotion) -> bool:
    return stage_of(seen, "production")["state"] in ("passed", "failed", "broken", "cancelled")


def step(stage: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in stage["steps"] if each["name"] == name)
    return found


def columns(state: Path, table: str) -> list[str]:
    (file,) = state.glob("**/volumes/checkout.sqlite")
    with sqlite3.connect(file) as database:
        return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def there(system: System) -> dict[str, Any]:
    found: dict[str, Any] = system.get("/api/environments/production/services/checkout")
    return found


@pytest.mark.timeout(120)
def test_a_database_is_expanded_before_its_release_and_contracted_after_the_old_one(
    system: System, state: Path
) -> None:
    first = released(system, "1.1.0", OLD)
    assert first["state"] == "passed" and step(first, "tests uat")["state"] == "passed", first
    second = released(system, "1.2.0", NEW)
    assert second["state"] == "passed" and step(second, "expand")["state"] == "passed", second
    assert columns(state, "orders")[:3] == ["id", "customer", "customer_id"], "old code still runs"

    system.until("checkout--1.2.0", lambda _: (there(system)["database"] or {}).get("version") == 14)
    assert columns(state, "orders") == ["id", "customer_id"]
    shown = there(system)
    assert shown["reach"]["how"] == "none"
    assert shown["reach"]["words"] == "the database is at 14, and 1.1.0 runs on 12 to 13"
    assert shown["releases"][0]["database"] == 14 and shown["live"]["schema"] == NEW
    refused = system.call("POST", "/api/promotions/checkout--1.2.0/commands", json={"command": "rollback"})
    assert (refused.status_code, refused.json()["code"]) == (409, "SCHEMA_OUT_OF_RANGE")


@pytest.mark.timeout(120)
def test_a_bad_migration_and_bad_tests_stop_a_build_before_its_users(system: System, state: Path) -> None:
    bad = released(system, "1.3.0-badmigration", {"from": 14, "to": 16, "expand": 16})
    assert (bad["state"], bad["code"]) == ("failed", "MIGRATION_FAILED") and "exited with 3" in bad["words"]
    assert columns(state, "customers") == ["id", "name", "email"], "half-way: 15 is there, 16 is not"
    assert there(system)["database"]["towards"] == 16
    assert not [each for each in bad["steps"] if each["name"] == "deploy"]

    failing = released(system, "1.4.0-errors", {"from": 14, "to": 16, "expand": 16})
    assert (failing["state"], failing["code"]) == ("failed", "TESTS_FAILED"), failing
    assert "failures" in step(failing, "tests uat")["log"]
    shown = there(system)
    assert (shown["database"]["version"], shown["live"]["version"]) == (16, "1.2.0")
    assert step(failing, "expand")["state"] == "passed", "it carried on from where the other had stopped"
