"""Small durable apps after the documented patterns, on a host of their own, in virtual time."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.functions_host.processes import Process, a_host, eventually
from tests.plain_http import plain_client

START = "2026-01-05T09:00:00+00:00"
CLEANING = {"CLEANING": "0 0 3 * * *"}
WEBHOOKS = "/runtime/webhooks/durabletask"


@pytest.fixture(scope="module", params=["dts", "storage"])
def patterns_host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    options = ("--virtual-time", START, "--by-hand", "--backend", request.param)
    host = a_host("patterns", tmp_path_factory.mktemp("patterns"), CLEANING, *options)
    host.start()
    yield host
    host.end()


@pytest.fixture
def shop(patterns_host: Process) -> Iterator[httpx.Client]:
    with plain_client(base_url=patterns_host.ready["url"]) as client:
        yield client


def started(shop: httpx.Client, orchestrator: str, given: object = None) -> dict[str, Any]:
    """The addresses to look after the new instance with."""
    answer = shop.post(f"/api/start/{orchestrator}", json=given)
    assert answer.status_code == 202, answer.text
    addresses: dict[str, Any] = answer.json()
    return addresses


def move(shop: httpx.Client, **how: object) -> dict[str, Any]:
    answer = shop.post("/admin/clock", json=how)
    assert answer.status_code == 200, answer.text
    clock: dict[str, Any] = answer.json()
    return clock


def output(shop: httpx.Client, addresses: dict[str, Any]) -> Any:
    status = shop.get(addresses["statusQueryGetUri"])
    assert (status.status_code, status.json()["runtimeStatus"]) == (200, "Completed"), status.text
    return status.json()["output"]


def test_chaining(shop: httpx.Client) -> None:
    bake = started(shop, "bake", "flour")
    move(shop, advance=0)
    assert output(shop, bake) == "slice(bake(knead(flour)))"


def test_fan_out_and_fan_in(shop: httpx.Client) -> None:
    counting = started(shop, "stocktaking", 30)
    move(shop, advance=0)
    assert output(shop, counting) == 30 * 29


def test_human_interaction_answered_in_time(shop: httpx.Client) -> None:
    refund = started(shop, "refund")
    move(shop, advance=3600)
    assert shop.get(refund["statusQueryGetUri"]).json()["customStatus"] == {"asks": "manager"}
    assert shop.post(refund["sendEventPostUri"].replace("{eventName}", "answer"), json=True).status_code == 202
    move(shop, advance=0)
    assert output(shop, refund) == {"approved": True}


def test_human_interaction_escalated_after_three_days(shop: httpx.Client) -> None:
    refund = started(shop, "refund")
    move(shop, run="until idle")
    assert output(shop, refund) == "escalate(to the owner)"
    assert shop.get("/api/ticks").json().count(False) >= 3, "the cleaning of three nights on the way"


def test_monitor_sees_it_come(shop: httpx.Client) -> None:
    monitor = started(shop, "delivery", {"until": "2030-01-01T00:00:00+00:00", "every_minutes": 30, "after_looks": 8})
    move(shop, run="until idle")
    assert output(shop, monitor) == {"arrived": True, "looks": 8}


def test_monitor_gives_up_at_its_time(shop: httpx.Client) -> None:
    now = shop.get("/admin/clock").json()["now"]
    later = now[:8] + f"{int(now[8:10]) + 1:02}" + now[10:]
    monitor = started(shop, "delivery", {"until": later, "every_minutes": 60, "after_looks": 1000})
    move(shop, run="until idle")
    assert output(shop, monitor) == {"arrived": False, "looks": 24}


def test_counter_entity(shop: httpx.Client) -> None:
    for _ in range(2):
        day = started(shop, "opening_day", [1, 2, 3])
        move(shop, advance=0)
        assert output(shop, day) == 6
    key = httpx.URL(day["statusQueryGetUri"]).params["code"]
    assert shop.get(f"{WEBHOOKS}/entities/visitors/door", params={"code": key}).json() == 6


def test_early_and_late_events_are_no_noise_in_the_log(shop: httpx.Client, patterns_host: Process) -> None:
    bell = started(shop, "doorbell")
    for n in range(3):
        shop.post(bell["sendEventPostUri"].replace("{eventName}", "ring"), json=n)
        move(shop, advance=1)
    move(shop, run="until idle")
    assert output(shop, bell) == 2, "the SDK keeps the last of one name"
    assert "Potential duplicate" not in patterns_host.log


def test_a_week_of_waiting_takes_seconds_when_the_clock_moves_by_itself(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    host = a_host("patterns", tmp_path_factory.mktemp("week"), CLEANING, "--virtual-time", START)
    host.start()
    try:
        with plain_client(base_url=host.ready["url"]) as shop:
            late = {"until": "2026-01-12T09:00:00+00:00", "every_minutes": 180, "after_looks": 1000}
            monitor = started(shop, "delivery", late)
            eventually(lambda: shop.get(monitor["statusQueryGetUri"]).status_code == 200)
            seen = output(shop, monitor)
            assert (seen["arrived"], seen["looks"] > 40) == (False, True)
            assert len(shop.get("/api/ticks").json()) >= 6, "the cleaning of every night on the way"
            reached = shop.get("/admin/clock").json()["now"]
            assert reached >= "2026-01-12"
        host.kill()
        host.start()
        with plain_client(base_url=host.ready["url"]) as shop:
            clock = shop.get("/admin/clock").json()
            assert clock["now"] >= reached, "the clock never goes back"
            assert clock["virtual"]
    finally:
        host.end()
