import sqlite3
from pathlib import Path

import httpx

from tests.end_to_end.system import System, a_message, start


def test_a_lock_whose_orchestration_was_terminated_is_freed_and_its_change_undone(tmp_path: Path) -> None:
    """An operator terminates a stage at the runtime's own address, in the middle of its bake."""
    with start(tmp_path) as laptop:
        system = System(laptop)
        system.send(a_message("6.0.0"))
        system.until_state("checkout--6.0.0", "test", "baking")
        terminate(system, tmp_path, "checkout--6.0.0:test")
        assert system.get("/api/environments/test/services/checkout")["on_its_way"]["version"] == "6.0.0"
        assert httpx.post(f"{system.run.url}/admin/functions/janitor").status_code == 202
        system.until_state("checkout--6.0.0", "test", "broken")
        shown = system.get("/api/environments/test/services/checkout")
        assert (shown["on_its_way"], shown["broken"], shown["live"]) == (None, None, None)
        assert system.live("checkout--6.0.0")["checkout-test"] == "1.0.0"
        assert system.until_ended("checkout--6.0.0")["code"] == "STAGE_LOST"
        system.send(a_message("6.1.0"))
        system.until_state("checkout--6.1.0", "test", "passed")


def terminate(system: System, state: Path, instance: str) -> None:
    """As an operator with the runtime's system key."""
    with sqlite3.connect(f"file:{state}/functions.sqlite?mode=ro", uri=True) as db:
        (key,) = db.execute("SELECT text FROM kept WHERE name LIKE 'key %durabletask_extension'").fetchone()
    url = f"{system.run.url}/runtime/webhooks/durabletask/instances/{instance}/terminate"
    assert httpx.post(url, params={"reason": "by hand", "code": key}).status_code == 202
