"""The janitor against the durable client and the tables: what was ended from outside comes to an end with a name."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.read_model import environment_row
from slipway.adapters.rows import Rows
from slipway.adapters.watched import unwatch, watch, watched
from slipway.promotion.ids import promotion_id
from tests.app_host import AppHost, eventually
from tests.triggers.conftest import ALICE, a_message, audited, intake
from triggers import looking_after

pytestmark = pytest.mark.usefixtures("configured")

NEEDED = {"claim_promotion", "pin_artifacts", "record", "end_promotion", "mirror_environment"}


@pytest.fixture(autouse=True)
def _nothing_else_is_watched(app: AppHost, configured: None) -> Iterator[None]:
    for entry in watched(None, 1000):
        unwatch(entry.instance)
    before = app.held.carried_out
    app.held.carried_out = before | NEEDED
    yield
    eventually(lambda: lock_is_free("test"))  # for whoever comes next
    app.held.carried_out = before


def begun(app: AppHost, version: str) -> str:
    """A promotion whose first stage is at work: its look at its targets never ends."""
    app.deliver(a_message(version))
    id = promotion_id("checkout", version)
    eventually(lambda: any(name == "survey_targets" and order["promotion"] == id for name, order in app.held.ordered))
    return id


def purged_before_it_had_begun(app: AppHost, version: str) -> str:
    """A promotion of which nothing is left but its message: its first record was never taken. Whether its stages were
    announced before that is left to chance: when they were not, whoever closes it announces them."""
    app.held.carried_out = app.held.carried_out - {"record"}
    app.deliver(a_message(version))
    id = promotion_id("checkout", version)
    eventually(lambda: intake(id).get("state") == "running")
    app.end(id, "purge")
    return id


def comes_to_its_end(app: AppHost, id: str) -> None:
    """Now that records are taken, in some looks: the promotion is begun again, its stages are closed, it is."""
    app.held.carried_out = app.held.carried_out | {"record"}
    looked_after_until(app, lambda: shown(app, id)["state"] == "broken")


def looked_after_until(app: AppHost, condition: Callable[[], object]) -> None:
    """The janitor comes again and again, as it does every minute."""

    def after_a_look() -> object:
        app.tick("janitor")
        return condition()

    eventually(after_a_look)


def holder_of(environment: str) -> str:
    holder = (environment_row(environment, "checkout") or {}).get("holder") or {}
    return str(holder.get("promotion", ""))


def lock_is_free(environment: str) -> bool:
    lock = environment_row(environment, "checkout") or {}
    return not lock.get("holder") and not lock.get("queue")


def shown(app: AppHost, id: str) -> dict[str, Any]:
    found: dict[str, Any] = app.http("GET", f"/api/promotions/{id}", ALICE).json
    return found


def test_a_promotion_that_was_terminated_is_aborted_and_ends_as_lost(app: AppHost, version: str) -> None:
    id = begun(app, version)
    app.end(id, "terminate")
    app.tick("janitor")
    eventually(lambda: app.entity("decisions", id).get("aborted"))
    assert app.status(id)["runtimeStatus"] == "Running", "its stage has something to undo"
    app.end(f"{id}:test", "terminate")
    app.tick("janitor")
    eventually(lambda: shown(app, id)["state"] == "broken")
    assert shown(app, id)["code"] == "PROMOTION_LOST"
    assert audited(id)[-1] == ("promotion.broken", "PROMOTION_LOST")
    eventually(lambda: intake(id)["state"] == "ended")


def test_what_is_over_is_not_watched_any_more(app: AppHost, version: str) -> None:
    id = begun(app, version)
    app.end(id, "terminate")
    app.end(f"{id}:test", "terminate")
    assert [entry.instance for entry in watched(None, 10)] == [id]
    app.tick("janitor")
    eventually(lambda: intake(id)["state"] == "ended")
    eventually(lambda: app.status(id)["runtimeStatus"] == "Completed")
    app.tick("janitor")
    assert watched(None, 10) == []


def test_a_promotion_that_was_purged_before_it_had_begun_is_made_up_from_its_message_and_ends(
    app: AppHost, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_after, "QUIET", timedelta())
    id = purged_before_it_had_begun(app, version)
    comes_to_its_end(app, id)
    assert {stage["code"] for stage in shown(app, id)["stages"]} == {"STAGE_LOST"}


def test_a_promotion_whose_pipeline_cannot_be_read_any_more_ends_all_the_same(
    app: AppHost, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_after, "QUIET", timedelta())
    id = purged_before_it_had_begun(app, version)
    Rows("promotions").upsert(id, "pipeline", {"doc": json.dumps("stages: 1")}, merge=False)
    comes_to_its_end(app, id)
    assert shown(app, id)["code"] == "PROMOTION_LOST"
    eventually(lambda: app.status(id)["runtimeStatus"] == "Completed")
    app.tick("janitor")
    assert watched(None, 10) == []


def test_a_lock_whose_holder_has_left_no_trace_is_broken_for_a_person(
    app: AppHost, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_after, "QUIET", timedelta())
    id = begun(app, version)
    eventually(lambda: holder_of("test") == id)
    for instance in (id, f"{id}:test"):
        app.end(instance, "terminate")
        app.end(instance, "purge")
    unwatch(id)
    for row in Rows("promotions").query(id):
        Rows("promotions").delete(id, row.key)
    looked_after_until(app, lambda: environment_row("test", "checkout")["broken"])
    assert environment_row("test", "checkout")["broken"]["promotion"] == id
    assert app.http("DELETE", "/api/intents/test.checkout.broken", ALICE).status == 200
    assert holder_of("test") == ""


def test_whoever_is_no_more_and_keeps_a_place_at_a_lock_is_replaced_though_nobody_watches_it(
    app: AppHost, version: str
) -> None:
    holder = begun(app, version)
    app.deliver(a_message(f"{version}-next"))
    queued = promotion_id("checkout", f"{version}-next")
    eventually(lambda: [each["promotion"] for each in environment_row("test", "checkout")["queue"]] == [queued])
    for id in (holder, queued):
        app.end(id, "terminate")
        app.end(f"{id}:test", "terminate")
        unwatch(id)
    app.tick("janitor")
    assert app.status(f"{holder}:test:sweep") and app.status(f"{queued}:test:sweep")
    eventually(lambda: environment_row("test", "checkout")["queue"] == [])


def test_a_stage_whose_orchestration_failed_is_undone_by_another(app: AppHost, version: str) -> None:
    id = begun(app, version)
    eventually(lambda: holder_of("test") == id)
    for how in ("terminate", "purge"):
        app.end(f"{id}:test", how)
    app.start("stage", f"{id}:test", {"of": "another version of ours"})
    eventually(lambda: app.status(f"{id}:test")["runtimeStatus"] == "Failed")
    app.tick("janitor")
    eventually(lambda: environment_row("test", "checkout")["broken"])
    assert holder_of("test") == ""
    eventually(lambda: shown(app, id)["state"] == "broken")
    assert app.http("DELETE", "/api/intents/test.checkout.broken", ALICE).status == 200


def test_a_promotion_that_is_well_is_left_alone(app: AppHost, version: str) -> None:
    id = begun(app, version)
    app.tick("janitor")
    app.tick("janitor")
    assert shown(app, id)["state"] == "running"
    assert app.status(f"{id}:test:sweep") is None
    assert [entry.instance for entry in watched(None, 10)] == [id]
    app.end(f"{id}:test", "terminate")
    app.tick("janitor")


def test_pages_of_what_is_watched_come_one_after_the_other() -> None:
    for n in range(5):
        watch(f"a--{n}", f"a--{n}", datetime.now(UTC))
    first = watched(None, 2)
    assert [entry.instance for entry in first] == ["a--0", "a--1"]
    assert [entry.instance for entry in watched(first[-1].instance, 10)] == ["a--2", "a--3", "a--4"]
