"""Users with a flag and without it, by the production KQL on real rows."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from slipway.local.azure.logs.served import Served
from slipway.promotion.judge.windows import Window
from slipway.promotion.telemetry import Flagged
from tests.adapters.telemetry_rows import Telemetry
from tests.laptop import AzureStandin

FLAG = Flagged("new-checkout", "2.0.0")


@pytest.fixture
def telemetry(azure: AzureStandin) -> Iterator[Telemetry]:
    telemetry = Telemetry.of(azure)
    yield telemetry
    telemetry.no_mishap()


def met(telemetry: Telemetry, second: float, user: str, on: bool | str = True, **more: Any) -> Served:
    """A request of a user, at which the flag was asked for; `on` may name a variant."""
    decided = on if isinstance(on, str) else ""
    feature = f"new-checkout;{decided};{bool(on)}"
    told: dict[str, Any] = {"version": "2.0.0", "features": [feature]} | more
    return telemetry.request(second, user=user, **told)


def seen(telemetry: Telemetry, rows: Iterable[Served], ticks: int = 1, flag: Flagged = FLAG) -> list[tuple[Any, ...]]:
    """Of each tick: users with the flag, bad ones of them; users without it, bad ones of them."""
    telemetry.log(rows)
    since = telemetry.begins - timedelta(minutes=10)
    asked = {"canary": "on", "baseline": "off", "flagged": flag, "since": since, "latencies": False}
    windows = telemetry.windows(telemetry.question(ticks, **asked))
    return [counts(window) for window in windows]


def counts(window: Window) -> tuple[Any, ...]:
    assert window.canary and window.baseline, window.fault
    return window.canary.total, window.canary.failed, window.baseline.total, window.baseline.failed


def test_a_user_counts_once_however_many_requests_failed(telemetry: Telemetry) -> None:
    rows = [met(telemetry, second, "ada", status=500 if second > 2 else 200) for second in range(6)]
    rows += [met(telemetry, 1, "bob"), met(telemetry, 2, "cyd", on=False), met(telemetry, 3, "dan", on=False)]
    assert seen(telemetry, rows) == [(2, 1, 2, 0)]


def test_a_user_who_met_a_failure_counts_nowhere_afterwards(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 60 * tick + 1, "ada", status=500) for tick in range(3)]
    rows += [met(telemetry, 60 * tick + 2, "bob", status=500 if tick == 1 else 200) for tick in range(3)]
    rows += [met(telemetry, 60 * tick + 3, user, on=False) for tick in range(3) for user in ("cyd", "dan")]
    assert seen(telemetry, rows, 3) == [(2, 1, 2, 0), (1, 1, 2, 0), (0, 0, 2, 0)]


def test_who_failed_before_brings_no_failure_into_the_flag(telemetry: Telemetry) -> None:
    """An old browser that always fails is no harm of the flag that it is given."""
    before = [met(telemetry, -300, "ada", on=False, status=500), met(telemetry, -20 * 60, "bob", on=False, status=500)]
    rows = [met(telemetry, 1, user, status=500) for user in ("ada", "bob")]
    rows += [met(telemetry, 1, "cyd", on=False)]
    assert seen(telemetry, [*before, *rows]) == [(1, 1, 1, 0)], "bob's was before we look"


def test_who_had_both_within_a_tick_counts_in_none_of_it(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, "ada", on=False), met(telemetry, 30, "ada"), met(telemetry, 2, "bob")]
    rows += [met(telemetry, 61, "ada"), met(telemetry, 5, "cyd", on=False), met(telemetry, 65, "cyd", on=False)]
    assert seen(telemetry, rows, 2) == [(1, 0, 1, 0), (1, 0, 1, 0)]


def test_variants_are_told_apart_by_the_one_that_is_ramped(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, "ada", on="fast"), met(telemetry, 2, "bob", on="classic", status=500)]
    assert seen(telemetry, rows, flag=Flagged("new-checkout", "2.0.0", "fast")) == [(1, 0, 1, 1)]


def test_slow_answers_count_as_failures_where_the_pipeline_says_so(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, "ada", duration_ms=2500.0), met(telemetry, 2, "bob", on=False, duration_ms=1500.0)]
    assert seen(telemetry, rows, flag=Flagged("new-checkout", "2.0.0", slow_ms=2000)) == [(1, 1, 1, 0)]


def test_clients_that_left_other_releases_and_other_flags_do_not_count(telemetry: Telemetry) -> None:
    rows = [met(telemetry, 1, "ada", status=499), met(telemetry, 2, "bob", version="1.0.0")]
    rows += [met(telemetry, 3, "eve", features=["other;;True"]), met(telemetry, 4, "", on=True)]
    rows += [met(telemetry, 5, "cyd"), met(telemetry, 6, "dan", on=False)]
    assert seen(telemetry, rows) == [(1, 0, 1, 0)]


def test_the_halves_are_of_different_users(telemetry: Telemetry) -> None:
    rows = [met(telemetry, second, f"user-{number}", on=False) for number in range(40) for second in (1, 20)]
    rows += [met(telemetry, 1, "ada")]
    telemetry.log(rows)
    asked = {"canary": "on", "baseline": "off", "flagged": FLAG, "since": telemetry.begins, "latencies": False}
    [window] = telemetry.windows(telemetry.question(**asked))
    assert window.halves and sum(half.requests for half in window.halves) == 40
    assert min(half.requests for half in window.halves) > 8


def test_before_the_flag_all_users_are_the_history(telemetry: Telemetry) -> None:
    rows = [telemetry.request(60 * tick + 1, user=user) for tick in range(3) for user in ("ada", "bob")]
    rows += [telemetry.request(61, user="cyd", status=500), telemetry.request(121, user="cyd", status=500)]
    telemetry.log(rows)
    asked = {"canary": "", "baseline": "off", "flagged": FLAG, "latencies": False}
    windows = telemetry.windows(telemetry.question(3, **asked))
    totals = [(window.baseline.total, window.baseline.failed) for window in windows if window.baseline]
    assert totals == [(2, 0), (3, 1), (2, 0)]
