"""CPU and memory in the judge's windows: which minutes a tick gets, and how targets are put together."""

from datetime import UTC, datetime, timedelta

import pytest

from slipway.adapters.telemetry.consumption import Joining
from slipway.adapters.telemetry.counted import MINUTE, Counted, Counters, Minute
from slipway.promotion.judge.windows import Arm, Window
from slipway.promotion.telemetry import Span

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
USUAL = Counted(900, 0, 9.0)
BEGAN = NOON + timedelta(seconds=20)
AT_ONCE = Joining(timedelta(minutes=3), NOON - MINUTE)


def spans(count: int, length: timedelta = MINUTE) -> list[Span]:
    return [Span(n + 1, BEGAN + n * length, BEGAN + (n + 1) * length) for n in range(count)]


def windows(count: int) -> list[Window]:
    return [Window(n + 1, Arm((100,), (0,)), Arm((900,), (0,))) for n in range(count)]


def a_minute(n: int, canary: Counted | None, baseline: Counted | None = USUAL) -> Minute:
    return Minute(NOON + n * MINUTE, canary, baseline)


def cpu(joining: Joining, ticks: list[Span], *counters: Counters) -> list[tuple[float | None, float | None]]:
    found = joining.joined(windows(len(ticks)), ticks, counters)
    return [(each.canary and each.canary.cpu, each.baseline and each.baseline.cpu) for each in found]


def test_a_tick_gets_the_minute_whose_middle_it_holds() -> None:
    counters = Counters((a_minute(0, Counted(100, 0, 3.0)), a_minute(2, Counted(100, 0, 5.0))))
    assert cpu(AT_ONCE, spans(3), counters) == [(0.02, 0.01), (None, None), (0.04, 0.01)]
    assert AT_ONCE.asked_for(spans(3)) == (NOON, NOON + 3 * MINUTE)


def test_of_short_ticks_one_a_minute_has_a_minute_and_the_others_ask_for_none() -> None:
    short = spans(60, timedelta(seconds=1))
    counters = Counters((a_minute(0, Counted(100, 0, 3.0)),))
    assert [n for n, each in enumerate(cpu(AT_ONCE, short, counters)) if each[0]] == [10]
    assert AT_ONCE.asked_for(short[:10]) is None


def test_where_logs_are_judged_at_once_ticks_get_the_minutes_that_are_there_by_then() -> None:
    early = Joining(timedelta(), BEGAN)
    counters = Counters((a_minute(1, Counted(100, 0, 3.0)),))
    assert [each[0] for each in cpu(early, spans(4), counters)] == [None, None, None, 0.02]


def test_minutes_of_the_warm_up_count_for_no_tick() -> None:
    warm = Joining(timedelta(minutes=3), BEGAN + 2 * MINUTE)
    assert warm.asked_for(spans(3)) is None
    assert warm.asked_for(spans(5)) == (NOON + 3 * MINUTE, NOON + 5 * MINUTE)


def test_each_target_is_compared_with_itself() -> None:
    """One whose requests are dear, and has more of the canary's: no sign of a hungry release."""
    dear = Counters((a_minute(0, Counted(300, 0, 31.0), Counted(100, 0, 10.0)),))
    cheap = Counters((a_minute(0, Counted(100, 0, 2.0), Counted(900, 0, 9.0)),))
    alone = Counters((a_minute(0, Counted(100, 0, 50.0), None),))
    assert cpu(AT_ONCE, spans(1), dear, cheap, alone) == [(31 / 400, pytest.approx(31 / 400))]


def test_what_instances_need_that_nobody_asks_is_forgiven() -> None:
    idle = Counters((a_minute(0, Counted(10, 0, 1.9, instances=2)),))
    assert cpu(AT_ONCE, spans(1), idle) == [(0.0, 0.01)]


def test_memory_is_that_of_the_fullest_instance_where_there_is_a_limit() -> None:
    def counters(bytes_: float, limit: float | None) -> Counters:
        return Counters((a_minute(0, Counted(100, 0, memory_bytes=bytes_)),), memory_limit=limit)

    [seen] = AT_ONCE.joined(windows(1), spans(1), [counters(30, 100), counters(90, 200), counters(900, None)])
    assert seen.canary and seen.canary.memory == 0.45 and seen.canary.cpu is None


def test_a_window_that_logs_could_not_fill_stays_as_it_is() -> None:
    blind = [Window(1, fault="telemetry: no answer")]
    assert AT_ONCE.joined(blind, spans(1), [Counters((a_minute(0, Counted(100, 0, 3.0)),))]) == blind
