"""From rows to the judge's windows: arms by release and block, the baseline's halves by instance. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from slipway.adapters.telemetry.rows import Latencies, Own, Served
from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.judge.windows import Arm, Half, Window
from slipway.promotion.outcomes import iso
from slipway.promotion.telemetry import Question, Span

BLOCKS = 6

Row = TypeVar("Row", Served, Latencies, Own)


@dataclass(frozen=True)
class Seen:
    """What the queries of one question yielded, or what of it is about one tick.

    Bins of `served` are blocks, all others are whole ticks. `latencies` is None when they were not asked for;
    `first_seen` has a moment for each instance of the canary.
    """

    served: Sequence[Served]
    latencies: Sequence[Latencies] | None = None
    own: Mapping[str, Sequence[Own]] = field(default_factory=dict)
    first_seen: Sequence[datetime] = ()

    def of(self, wanted: Callable[[Served | Latencies | Own], bool]) -> "Seen":
        """The rows that are wanted, of each kind."""
        return Seen(
            [row for row in self.served if wanted(row)],
            None if self.latencies is None else [row for row in self.latencies if wanted(row)],
            {name: [row for row in rows if wanted(row)] for name, rows in self.own.items()},
        )

    def rows(self) -> Iterator[Served | Latencies | Own]:
        yield from self.served
        yield from self.latencies or ()
        for rows in self.own.values():
            yield from rows


def blocks_of(question: Question) -> int:
    """A ramp's tick comes in six blocks, one of the history as a whole: a day of blocks would be too much. So does one
    that counts users, who are there for longer than a block."""
    return BLOCKS if question.canary and question.flagged is None else 1


def versions_of(question: Question) -> tuple[str, ...]:
    return tuple(version for version in (question.canary, question.baseline) if version)


def assemble(question: Question, seen: Seen) -> list[Window]:
    """A window for each span. Rows of other releases and of other times count nowhere."""
    blocks, versions = blocks_of(question), versions_of(question)
    served = _by_tick(seen.served, versions, blocks)
    latencies = None if seen.latencies is None else _by_tick(seen.latencies, versions)
    own = {name: _by_tick(rows, versions) for name, rows in seen.own.items()}
    return [
        _window(
            question,
            span,
            Seen(
                served[number],
                None if latencies is None else latencies[number],
                {name: rows[number] for name, rows in own.items()},
                seen.first_seen,
            ),
        )
        for number, span in enumerate(question.spans)
    ]


def _by_tick(rows: Iterable[Row], versions: Sequence[str], bins: int = 1) -> dict[int, list[Row]]:
    ticks: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row.place.version in versions:
            ticks[row.place.bin // bins].append(row)
    return ticks


def _window(question: Question, span: Span, seen: Seen) -> Window:
    if not seen.served:
        whom = "either release" if question.canary else question.baseline
        return Window(
            span.tick, fault=f"telemetry has nothing of {whom} from {iso(span.begins)} until {iso(span.ends)}"
        )
    blocks = blocks_of(question)
    baseline = seen.of(lambda row: row.place.version == question.baseline)
    return Window(
        span.tick,
        canary=_arm(seen.of(lambda row: row.place.version == question.canary), blocks) if question.canary else None,
        baseline=_arm(baseline, blocks),
        halves=_halves(baseline),
        cold=any(_is_young(first, span.ends, question.warm_up_s) for first in seen.first_seen),
        items=_items(seen.served),
    )


def _arm(seen: Seen, blocks: int) -> Arm:
    requests, failures = [0] * blocks, [0] * blocks
    for row in seen.served:
        requests[row.place.bin % blocks] += row.requests
        failures[row.place.bin % blocks] += row.failures
    return Arm(tuple(requests), tuple(failures), _histogram(seen), _own(seen))


def _halves(baseline: Seen) -> tuple[Half, Half] | None:
    """The tick's instances by turns in their order, so that two of them make two halves, which no hash promises."""
    instances = sorted({row.place.instance for row in baseline.rows()})
    if len(instances) < 2:
        return None
    first, second = (_half(baseline, set(instances[start::2])) for start in (0, 1))
    return first, second


def _half(baseline: Seen, instances: set[str]) -> Half:
    seen = baseline.of(lambda row: row.place.instance in instances)
    requests, failures = sum(row.requests for row in seen.served), sum(row.failures for row in seen.served)
    return Half(requests, failures, _histogram(seen), _own(seen))


def _histogram(seen: Seen) -> LatencyHistogram | None:
    if seen.latencies is None:
        return None
    counts: Counter[int] = Counter()
    for row in seen.latencies:
        counts.update(row.counts)
    return LatencyHistogram.of_buckets(counts)


def _own(seen: Seen) -> dict[str, tuple[int, int]]:
    return {name: (sum(row.total for row in rows), sum(row.bad for row in rows)) for name, rows in seen.own.items()}


def _is_young(first_seen: datetime, at: datetime, warm_up_s: float) -> bool:
    return first_seen < at < first_seen + timedelta(seconds=warm_up_s)


def _items(served: Sequence[Served]) -> float:
    """Mean requests per stored record of failures; 1 when nothing is known of records."""
    records = sum(row.records or 0 for row in served)
    failures = sum(row.failures for row in served if row.records is not None)
    return max(1.0, failures / records) if records else 1.0
