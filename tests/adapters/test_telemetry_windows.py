"""From rows to windows: any rows, in any order, give the same windows, and nothing is lost or counted twice."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.adapters.telemetry.assembly import BLOCKS, Seen, assemble
from slipway.adapters.telemetry.rows import (
    Latencies,
    Own,
    Place,
    Served,
    Table,
    UnusableRows,
    read_first_seen,
    read_latencies,
    read_own,
    read_served,
)
from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.telemetry import Question, Source, Span

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TICK = timedelta(seconds=60)
TICKS = 3
VERSIONS = ("2.0.0", "1.0.0", "0.9.0")

counts = st.integers(0, 1000)


def places(bins: int) -> st.SearchStrategy[Place]:
    """Also of another release, and of times before and after."""
    return st.builds(Place, st.integers(-2, bins + 2), st.sampled_from(VERSIONS), st.sampled_from("abcde"))


@st.composite
def served(draw: st.DrawFn) -> Served:
    requests = draw(counts)
    failures = draw(st.integers(0, requests))
    records = draw(st.one_of(st.none(), st.integers(0, failures)))
    return Served(draw(places(TICKS * BLOCKS)), requests, failures, records)


latencies = st.builds(Latencies, places(TICKS), st.dictionaries(st.integers(-50, 300), st.integers(1, 9), max_size=4))
own = st.builds(lambda place, bad, good: Own(place, bad + good, bad), places(TICKS), counts, counts)
seen = st.builds(Seen, st.lists(served()), st.one_of(st.none(), st.lists(latencies)), st.just({}))
seen_with_own = st.builds(lambda seen, own: Seen(seen.served, seen.latencies, {"carts": own}), seen, st.lists(own))


def question(canary: str = "2.0.0") -> Question:
    spans = tuple(Span(n + 1, NOON + n * TICK, NOON + (n + 1) * TICK) for n in range(TICKS))
    return Question(Source("w", "checkout"), canary, "1.0.0", spans)


@given(seen_with_own, st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(seen: Seen, random: object) -> None:
    def shuffled(rows: list[object]) -> list[object]:
        return random.sample(rows, len(rows))  # type: ignore[attr-defined,no-any-return]

    mixed = Seen(
        shuffled(list(seen.served)),  # type: ignore[arg-type]
        None if seen.latencies is None else shuffled(list(seen.latencies)),  # type: ignore[arg-type]
        {name: shuffled(list(rows)) for name, rows in seen.own.items()},  # type: ignore[misc]
    )
    assert assemble(question(), mixed) == assemble(question(), seen)


@given(seen_with_own)
def test_every_row_of_a_tick_counts_once(seen: Seen) -> None:
    for tick, window in enumerate(assemble(question(), seen)):
        mine = [row for row in seen.served if row.place.bin // BLOCKS == tick]
        if window.fault:
            assert all(row.place.version == "0.9.0" for row in mine)
            continue
        for arm, version in ((window.canary, "2.0.0"), (window.baseline, "1.0.0")):
            assert arm is not None
            rows = [row for row in mine if row.place.version == version]
            assert (arm.total, arm.failed) == (sum(row.requests for row in rows), sum(row.failures for row in rows))
            assert len(arm.requests) == BLOCKS
            assert arm.requests[2] == sum(row.requests for row in rows if row.place.bin % BLOCKS == 2)
            assert (arm.latencies is None) == (seen.latencies is None)
            carts = [row for row in seen.own["carts"] if (row.place.bin, row.place.version) == (tick, version)]
            assert arm.own["carts"] == (sum(row.total for row in carts), sum(row.bad for row in carts))
        assert window.trouble == ""


@given(seen_with_own)
def test_the_halves_are_the_baseline_and_no_instance_is_in_both(seen: Seen) -> None:
    for tick, window in enumerate(assemble(question(), seen)):
        if window.halves is None or window.baseline is None:
            continue
        first, second = window.halves
        assert first.requests + second.requests == window.baseline.total
        assert first.failures + second.failures == window.baseline.failed
        carts = tuple(map(sum, zip(first.own["carts"], second.own["carts"], strict=True)))
        assert carts == window.baseline.own["carts"]
        if first.latencies and second.latencies:
            assert first.latencies.merge(second.latencies) == window.baseline.latencies
        by_instance: Counter[str] = Counter()
        for row in seen.served:
            if (row.place.bin // BLOCKS, row.place.version) == (tick, "1.0.0"):
                by_instance[row.place.instance] += row.requests
        assert any(
            sum(count for instance, count in by_instance.items() if instance in chosen) == first.requests
            for chosen in _subsets(list(by_instance))
        )


def _subsets(names: list[str]) -> list[set[str]]:
    return [{name for n, name in enumerate(names) if mask >> n & 1} for mask in range(2 ** len(names))]


@pytest.mark.parametrize("instances", [2, 3, 8])
def test_instances_are_dealt_out_evenly(instances: int) -> None:
    rows = [Served(Place(0, "1.0.0", f"i{n}"), 10, 0, None) for n in range(instances)]
    halves = assemble(question(), Seen(rows))[0].halves
    assert halves is not None
    assert [half.requests // 10 for half in halves] == [(instances + 1) // 2, instances // 2]


def test_sampled_failures_say_how_many_requests_a_record_stands_for() -> None:
    rows = [Served(Place(0, "1.0.0", "a"), 100, 12, 3), Served(Place(1, "2.0.0", "b"), 100, 4, 1)]
    assert assemble(question(), Seen(rows))[0].items == 4.0
    assert assemble(question(), Seen([Served(Place(0, "1.0.0", "a"), 100, 12, None)]))[0].items == 1.0
    assert assemble(question(), Seen([Served(Place(0, "1.0.0", "a"), 100, 0, 0)]))[0].items == 1.0


def table(columns: str, *rows: tuple[object, ...]) -> Table:
    return Table(columns.split(), rows)


def test_latencies_come_as_histogram_buckets_or_durations() -> None:
    place = Place(1, "1.0.0", "0")
    packed = read_latencies(table("Bin Version Instance Histogram", (1, "1.0.0", 0, "36:2 -3.0:1")))
    assert packed == [Latencies(place, {36: 2, -3: 1})]
    assert read_latencies(table("Bin Version Instance Bucket Count", (1.0, "1.0.0", "0", 36, 2))) == [
        Latencies(place, {36: 2})
    ]
    measured = LatencyHistogram()
    measured.record(2.0, 3)
    durations = read_latencies(table("Bin Version Instance DurationMs Count", (1, "1.0.0", "0", 2.0, 3)))
    assert durations == [Latencies(place, measured.buckets())]


@pytest.mark.parametrize(
    ("read", "given", "words"),
    [
        (read_served, table("Bin Version Requests Failures"), "no column Instance"),
        (read_served, table("Bin Version Instance Requests Failures", (0, "1", "a", None, 0)), "Requests holds None"),
        (read_served, table("Bin Version Instance Requests Failures", (0, "1", "a", -1, 0)), "Requests holds -1"),
        (read_served, table("Bin Version Instance Requests Failures", (0, "1", "a", True, 0)), "Requests holds True"),
        (read_latencies, table("Bin Version Instance"), "no column DurationMs and no Count"),
        (read_latencies, table("Bin Version Instance Histogram", (0, "1", "a", "1:x")), "Histogram holds '1:x'"),
        (read_latencies, table("Bin Version Instance DurationMs Count", (0, "1", "a", "NaN", 1)), "DurationMs holds"),
        (read_own, table("Bin Version Instance Total"), "no column Bad"),
        (read_first_seen, table("FirstSeen", ("soon",)), "FirstSeen holds 'soon'"),
    ],
)
def test_what_cannot_be_read_is_named(read: object, given: Table, words: str) -> None:
    with pytest.raises(UnusableRows, match=words):
        read(given)  # type: ignore[operator]
