"""What an operator ends at the runtime's own address, the janitor brings to an end that has a name."""

import sqlite3
from pathlib import Path
from typing import Any

from tests.app_host import eventually
from tests.end_to_end.system import System, a_message


def test_a_lock_whose_orchestration_was_terminated_is_freed_and_its_change_undone(system: System, state: Path) -> None:
    """In the middle of its bake."""
    system.send(a_message("8.9.0"))
    system.until_state("checkout--8.9.0", "test", "passed")
    before, served = place(system)["live"], version_served(system)
    system.send(a_message("9.0.0"))
    system.until_state("checkout--9.0.0", "test", "baking")
    terminate(system, state, "checkout--9.0.0:test")
    assert place(system)["on_its_way"]["version"] == "9.0.0"
    the_janitor_comes(system)
    system.until_state("checkout--9.0.0", "test", "broken")
    eventually(lambda: place(system)["on_its_way"] is None)  # the stage says its end before the lock is copied
    shown = place(system)
    assert (shown["on_its_way"], shown["broken"]) == (None, None)
    assert shown["live"] | before == shown["live"], "all that was known of it is as it was"
    assert shown["live"]["old_side_gone"], "what was undone had taken the idle side"
    assert version_served(system) == served
    assert system.until_ended("checkout--9.0.0")["code"] == "STAGE_LOST"
    system.send(a_message("9.1.0"))
    system.until_state("checkout--9.1.0", "test", "passed")


def test_a_promotion_whose_orchestration_was_terminated_is_stopped_and_ends(system: System, state: Path) -> None:
    system.send(a_message("9.2.0"))
    system.until_state("checkout--9.2.0", "test", "baking")
    terminate(system, state, "checkout--9.2.0")
    the_janitor_comes(system)
    ended = system.until_ended("checkout--9.2.0")
    assert (ended["state"], ended["code"]) == ("broken", "PROMOTION_LOST")
    assert {stage["state"] for stage in ended["stages"]} == {"cancelled"}
    assert system.live("checkout--9.2.0")["checkout-test"] != "9.2.0"
    chain = system.get("/api/promotions/checkout--9.2.0/audit")
    assert chain["intact"] and chain["records"][-1]["action"] == "promotion.broken"


def place(system: System) -> dict[str, Any]:
    found: dict[str, Any] = system.get("/api/environments/test/services/checkout")
    return found


def version_served(system: System) -> str:
    return str(system.http.get(system.laptop.azure["sites"]["checkout-test"] + "/version").json()["version"])


def the_janitor_comes(system: System) -> None:
    assert system.http.post(f"{system.run.url}/admin/functions/janitor").status_code == 202


def terminate(system: System, state: Path, instance: str) -> None:
    """As an operator with the runtime's system key."""
    with sqlite3.connect(f"file:{state}/functions.sqlite?mode=ro", uri=True) as db:
        (key,) = db.execute("SELECT text FROM kept WHERE name LIKE 'key %durabletask_extension'").fetchone()
    url = f"{system.run.url}/runtime/webhooks/durabletask/instances/{instance}/terminate"
    assert system.http.post(url, params={"reason": "by hand", "code": key}).status_code == 202
