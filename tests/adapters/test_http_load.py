"""The load driver against real servers: its schedule, its honesty about latency, its errors."""

import asyncio
import itertools
import socket
import time

import pytest

from slipway.adapters.http_load import drive
from slipway.settings import Settings
from tests.adapters.site import Page, a_release, a_site

HTTP = Settings()


def test_a_load_is_sent_at_its_rate_and_all_of_it_is_measured() -> None:
    with a_site(a_release("1.4.2")) as address:
        started = time.monotonic()
        measured = drive(f"{address}/", 50, 1.0, 2.0, HTTP)
        took_s = time.monotonic() - started
    assert (measured.sent, measured.answered, measured.errors) == (50, 50, 0)
    assert measured.histogram.count == 50
    assert measured.duration_s == 1.0
    assert 0.9 < took_s < 3.0
    assert 0 <= measured.lag_p99_ms < 1000


def test_latency_counts_from_when_a_request_was_due() -> None:
    with a_site(a_release("1.4.2", slow_s=0.2)) as address:
        measured = drive(f"{address}/", 20, 0.5, 3.0, HTTP)
    assert measured.answered == 10
    assert measured.histogram.quantile(0.0) >= 200


def test_a_stall_does_not_hold_up_the_requests_that_are_due_meanwhile() -> None:
    with a_site(a_release("1.4.2", slow_s=0.6)) as address:
        started = time.monotonic()
        measured = drive(f"{address}/", 20, 0.5, 3.0, HTTP)
        took_s = time.monotonic() - started
    assert measured.sent == measured.answered == 10
    assert took_s < 3.0, "one after the other would take 6 s"


def test_server_errors_and_closed_doors_count_and_other_refusals_do_not() -> None:
    turns = itertools.cycle([200, 500, 404, 503, 302, 401, 403, 201, 429, 200])

    def answer(_: str) -> Page:
        return next(turns), b"{}"

    with a_site(answer) as address:
        measured = drive(f"{address}/", 100, 0.2, 2.0, HTTP)
    assert (measured.sent, measured.answered, measured.errors) == (20, 20, 8)


def test_time_outs_and_lost_connections_are_errors_without_a_latency() -> None:
    with a_site(a_release("1.4.2", slow_s=2)) as address:
        timed_out = drive(f"{address}/", 20, 0.25, 0.2, HTTP)
    assert (timed_out.sent, timed_out.answered, timed_out.errors) == (5, 0, 5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refused = drive(f"http://127.0.0.1:{taken.getsockname()[1]}/", 20, 0.25, 1.0, HTTP)
    assert (refused.sent, refused.answered, refused.errors) == (5, 0, 5)


async def test_it_can_be_driven_from_within_a_running_loop() -> None:
    with a_site(a_release("1.4.2")) as address:
        measured = await asyncio.to_thread(drive, f"{address}/", 20, 0.2, 1.0, HTTP)
        assert drive(f"{address}/", 20, 0.2, 1.0, HTTP).answered == measured.answered == 4


@pytest.mark.parametrize(("rate", "duration"), [(201, 1), (10, 31), (0, 1), (10, 0), (-5, 1)])
def test_what_one_driver_cannot_be_true_to_is_refused(rate: float, duration: float) -> None:
    with pytest.raises(ValueError, match="one driver cannot"):
        drive("http://127.0.0.1:9/", rate, duration, 1.0, HTTP)
