"""Durable functions end to end: HTTP functions with the SDK's client, orchestrators, activities, entities."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.functions_host.processes import Process, a_host, eventually
from tests.plain_http import plain_client


def status(shop: httpx.Client, order: str) -> dict[str, Any]:
    answer: dict[str, Any] = shop.get(f"/api/orders/{order}").json()
    return answer


def ended(shop: httpx.Client, order: str) -> dict[str, Any]:
    return eventually(
        lambda: found if (found := status(shop, order))["runtimeStatus"] not in ("Pending", "Running") else {}
    )


def waiting(shop: httpx.Client, order: str) -> bool:
    return status(shop, order).get("customStatus") == {"waiting": "decision"}


def a_placed_order(shop: httpx.Client, **wanted: object) -> str:
    order = f"order-{uuid4().hex[:8]}"
    answer = shop.post(f"/api/orders/{order}", json=wanted)
    assert (answer.status_code, answer.json()["id"]) == (202, order)
    return order


def test_started_orchestration_waits_for_its_event_and_ends(shop: httpx.Client) -> None:
    order = a_placed_order(shop, item="bread", count=2)
    eventually(lambda: waiting(shop, order))
    assert shop.post(f"/api/orders/{order}/decision", json="no").status_code == 202
    found = ended(shop, order)
    assert (found["runtimeStatus"], found["name"]) == ("Completed", "order")
    assert found["output"] == {"packed": ["bread", "bread"], "answer": "no"}


def test_orchestration_calls_entity_and_activity_by_registered_name(shop: httpx.Client) -> None:
    order = a_placed_order(shop, item="milk")
    eventually(lambda: waiting(shop, order))
    shop.post(f"/api/orders/{order}/decision", json="yes")
    output = ended(shop, order)["output"]
    assert (output["packed"], output["sent"]) == (["milk"], "milk by ship")
    assert output["total"] >= 1


def test_failing_activity_is_caught_by_its_orchestrator(shop: httpx.Client, shop_host: Process) -> None:
    order = a_placed_order(shop, item="lead")
    eventually(lambda: waiting(shop, order))
    shop.post(f"/api/orders/{order}/decision", json="yes")
    failed = ended(shop, order)["output"]["failed"]
    assert failed.strip() == "None", "as on Durable Task Scheduler, the words are lost"
    assert "function ship failed" in shop_host.log
    assert "too heavy" in shop_host.log


def test_failing_orchestrator_is_failed_and_logged_without_its_state(shop: httpx.Client, shop_host: Process) -> None:
    order = a_placed_order(shop, thing="no item", secret="do-not-log")
    found = ended(shop, order)
    assert found["runtimeStatus"] == "Failed"
    assert "orchestrator order failed" in shop_host.log
    assert "$OutOfProcData$" not in shop_host.log


def test_signalled_entity_shows_its_state(shop: httpx.Client) -> None:
    assert shop.get("/api/tills/corner").json() is None
    for amount in (5, 7):
        assert shop.post("/api/tills/corner", json=amount).status_code == 202
    eventually(lambda: shop.get("/api/tills/corner").json() == 12)


def test_starting_twice_while_it_runs_fails(shop: httpx.Client) -> None:
    order = a_placed_order(shop, item="salt")
    eventually(lambda: waiting(shop, order))
    assert shop.post(f"/api/orders/{order}", json={"item": "salt"}).status_code == 500


def test_killed_host_goes_on_where_it_was(tmp_path: Path) -> None:
    log = tmp_path / "log"
    host = a_host("shop", tmp_path)
    host.start()
    with plain_client(base_url=host.ready["url"]) as shop:
        waits = a_placed_order(shop, item="tea", folder=str(tmp_path))
        eventually(lambda: waiting(shop, waits))
    host.kill()

    host.start()
    with plain_client(base_url=host.ready["url"]) as shop:
        assert waiting(shop, waits)
        shop.post(f"/api/orders/{waits}/decision", json="yes")
        eventually(lambda: "shipping" in log.read_text())
    host.kill()  # within an activity

    (tmp_path / "road is free").touch()
    host.start()
    with plain_client(base_url=host.ready["url"]) as shop:
        output = ended(shop, waits)["output"]
    assert output == {"packed": ["tea"], "sent": "tea by ship", "total": 1}
    assert log.read_text().split() == ["packed", "shipping", "shipping"], "only the one without an answer again"
    assert host.stop()[0] == 0
