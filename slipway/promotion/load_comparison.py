"""Whether a release is slower, or fails more often, than the one before it under the same load.

It speaks against a release only on proof: with a confidence of 99 % it must be worse by more than 10 % (p50, p95), and
by more than what a driver within its own limit may add. What is uncertain, and how it is counted:

- Which requests a run happened to send. A latency is compared by how many requests of the new run lie beyond a
  multiple of the old run's quantile: the control percentile test, which needs no shape of the distribution, turned
  round into a bound of that multiple (Mathisen 1943; Gastwirth 1968; Chakraborti and van der Laan, "Precedence tests
  and confidence bounds for complete data", 1994). Errors by the hybrid score interval (Newcombe 1998, method 10).
- That requests of one run are not independent: each run counts for as many as its dispersion leaves (`unevenness`).
- That the same release does not measure the same twice. No single run shows that, so it is taken as 3.7 %, which is
  what repeated application benchmarks in a cloud vary by (Henning et al., "When Should I Run My Application
  Benchmark?", FSE Companion 2025). The two uncertainties are joined as squares (MOVER, Zou and Donner 2008).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol

from slipway.promotion.histogram import BUCKET_WIDTH
from slipway.promotion.load_judgement import DRIVER_LAG_MS, LoadMeasurement, milliseconds, percent
from slipway.promotion.outcomes import Answer, failed, not_enough_evidence, passed
from slipway.promotion.plan import Header, LoadTest

WORSE_BY_AT_MOST = 1.1
LEAST_MS = DRIVER_LAG_MS  # a driver that keeps its schedule may still add so much
LEAST_ERRORS = 0.005
Z = 2.326  # one-sided, 99 %
RUN_NOISE = 0.037  # standard deviation of the logarithm, of each run
FEWEST_TO_COMPARE = 100  # requests: with fewer, a p95 that doubled would often not be proven
LOOKS_AT = 5  # releases, when the last ones have no measurement of this load
TELLS_A_RATIO = 2.0  # who could not even prove a latency twice as long has not enough to tell


@dataclass(frozen=True)
class KeptLoad:
    """A load that a release of `version` came through before it was proven, and what was measured then."""

    version: str
    test: LoadTest
    measured: LoadMeasurement

    @property
    def in_time(self) -> bool:
        """Whether its driver kept the schedule: a late one's latencies are too long to be a measure for others."""
        return self.measured.lag_p99_ms <= DRIVER_LAG_MS

    def dump(self) -> dict[str, Any]:
        return {"version": self.version, "test": asdict(self.test), "measured": self.measured.dump()}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "KeptLoad":
        return cls(data["version"], LoadTest.load(data["test"]), LoadMeasurement.load(data["measured"]))


class Measured(Protocol):
    """What is kept of a load, whoever drove it."""

    @property
    def version(self) -> str: ...

    @property
    def in_time(self) -> bool:
        """Whether it can be a measure for others."""


def last_comparable(versions: Iterable[str], kept: Callable[[str], Measured | None]) -> Measured | None:
    """Of the newest few of `versions` what was measured last in time; else what a late driver measured, if anything.
    `kept` looks it up."""
    found = [each for version in islice(versions, LOOKS_AT) if (each := kept(version))]
    return next((each for each in found if each.in_time), found[0] if found else None)


def compare_load(test: LoadTest, measured: LoadMeasurement, previous: KeptLoad | None) -> Answer:
    """`passed`, `failed` (LOAD_MORE_ERRORS_THAN_PREVIOUS, LOAD_SLOWER_THAN_PREVIOUS) or `not enough evidence`
    (LOAD_DRIVER_LATE, LOAD_TOO_FEW_TO_COMPARE). With nothing to compare with it has passed, and says so.

    The result's `previous` holds what was compared: version, requests, and for each latency and the error rate what it
    was, is, and what the change is at least.
    """
    if previous is None:
        return passed("nothing to compare with yet")
    if load_of(previous.test) != load_of(test):
        words = f"nothing to compare with: {previous.version} was measured under another load ({_load_words(previous)})"
        return passed(words)
    if not previous.in_time:
        return passed(f"nothing to compare with: the load driver of {previous.version} was late itself")
    new, old = _Seen(test, measured), _Seen(previous.test, previous.measured)
    latencies = {name: _latency(q, new, old) for name, q in (("p50", 0.5), ("p95", 0.95))}
    errors = _errors(new, old)
    compared = {"version": previous.version, "requests": old.measured.sent, "error_rate": asdict(errors)}
    compared |= {f"{name}_ms": asdict(each) for name, each in latencies.items() if each}
    version = previous.version
    worse = [errors.words(version)] if errors.worse else []
    worse += [each.words(name, version) for name, each in latencies.items() if each and each.worse]
    if errors.worse:
        return failed("LOAD_MORE_ERRORS_THAN_PREVIOUS", "; ".join(worse), previous=compared)
    if worse and measured.lag_p99_ms > DRIVER_LAG_MS:
        words = f"the load driver itself was late (p99 {measured.lag_p99_ms:.1f} ms), so its latencies are no measure"
        return not_enough_evidence("LOAD_DRIVER_LATE", words, previous=compared)
    if worse:
        return failed("LOAD_SLOWER_THAN_PREVIOUS", "; ".join(worse), previous=compared)
    blind = [name for name, each in latencies.items() if each and not each.tells]
    if blind:
        words = (
            f"{measured.sent} requests cannot show whether {' and '.join(blind)} doubled since {version}: "
            "drive more of them, or longer"
        )
        return not_enough_evidence("LOAD_TOO_FEW_TO_COMPARE", words, previous=compared)
    return passed(f"{version}: p95 {milliseconds(old.measured.latency_ms(0.95))}", previous=compared)


def load_of(test: LoadTest) -> tuple[float, float, str, tuple[Header, ...]]:
    """What must be the same for two measurements to be comparable."""
    return test.rate_per_s, test.duration_s, test.path, test.headers


@dataclass(frozen=True)
class LatencyChange:
    """A latency in ms as it was and is (None: no answer). With 99 % confidence it is `at_least` × what it was (None:
    no answer any more). `tells`: twice as long a latency would have been proven, or would not matter."""

    was: float
    now: float | None
    at_least: float | None
    worse: bool
    tells: bool

    def words(self, name: str, version: str) -> str:
        """`p95 231 ms, 1.4 × the 160 ms of 1.0.0 (at least 1.2 × with 99 % confidence)`."""
        times = f"{_times(self.now / self.was)} the" if self.now is not None else "after"
        least = "" if self.at_least is None else f" (at least {_times(_floored(self.at_least))} with 99 % confidence)"
        return f"{name} {milliseconds(self.now)}, {times} {milliseconds(self.was)} of {version}{least}"


@dataclass(frozen=True)
class ErrorChange:
    """A share of errors as it was and is; with 99 % confidence it has grown by `at_least` (all 0..1)."""

    was: float
    now: float
    at_least: float
    worse: bool

    def words(self, version: str) -> str:
        """`error rate 4 %, after 0.5 % of 1.0.0 (at least 2.2 points more with 99 % confidence)`."""
        least = f"at least {math.floor(self.at_least * 1000) / 10:g} points more with 99 % confidence"
        return f"error rate {percent(self.now)}, after {percent(self.was)} of {version} ({least})"


def _latency(q: float, new: "_Seen", old: "_Seen") -> LatencyChange | None:
    """How the quantile `q` has changed; None when it was never answered before: nothing is slower than that."""
    was, now = old.measured.latency_ms(q), new.measured.latency_ms(q)
    if was is None:
        return None
    bound = new.exceeded_by(_proving_share(1 - q, new.worth(q), old.worth(q)))
    if bound is None:
        return LatencyChange(was, now, None, worse=True, tells=True)
    noise = Z * math.sqrt(2) * RUN_NOISE
    point = math.log((now or bound) / was)
    sampled = point - math.log(bound / was) if bound else math.inf
    at_least = math.exp(point - math.hypot(max(sampled, 0.0), noise))
    worse = at_least > max(WORSE_BY_AT_MOST, (was + LEAST_MS) / was)
    tells = was <= LEAST_MS or WORSE_BY_AT_MOST * math.exp(point) <= TELLS_A_RATIO * at_least
    return LatencyChange(was, now, at_least, worse, tells)


def _proving_share(share: float, n: float, m: float) -> float:
    """The share of `n` new requests that must lie beyond a cut which `share` of `m` old ones exceed, so that it proves
    the new ones to exceed it more often: where the pooled score of two proportions reaches Z. At most 1."""
    low, high = share, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        pooled = (n * middle + m * share) / (n + m)
        score = (middle - share) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        low, high = (middle, high) if score < Z else (low, middle)
    return high


def _errors(new: "_Seen", old: "_Seen") -> ErrorChange:
    return error_change(old.measured.error_rate, new.measured.error_rate, old.worth(None), new.worth(None))


def error_change(was: float, now: float, was_of: float, now_of: float) -> ErrorChange:
    """How a share of errors has changed, each of as many independent requests: by Wilson's intervals of both, joined as
    squares."""
    lowest, _ = _wilson(now, now_of)
    _, highest = _wilson(was, was_of)
    at_least = now - was - math.hypot(now - lowest, highest - was)
    return ErrorChange(was, now, at_least, worse=at_least > max(was * (WORSE_BY_AT_MOST - 1), LEAST_ERRORS))


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share of `n`, each bound at 99 %."""
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class _Seen:
    """A measurement with the test that it is of."""

    test: LoadTest
    measured: LoadMeasurement

    def worth(self, q: float | None) -> float:
        """As how many independent requests they count: beyond the quantile `q`, or (None) as errors."""
        kinds = {0.5: self.measured.slow_half, 0.95: self.measured.slow_tail, None: self.measured.failures}
        side_by_side = max(1, round(self.measured.duration_s / self.test.duration_s))
        return self.measured.sent / kinds[q].dispersion(side_by_side)

    def exceeded_by(self, share: float) -> float | None:
        """The longest latency (ms, at most 2 % too short) that at least so large a share of all requests exceeds;
        None when that many were never answered, 0 when there are not as many."""
        histogram, sent = self.measured.histogram, max(self.measured.sent, self.measured.histogram.count)
        rank = sent - math.ceil(share * sent) + 1
        if rank > histogram.count:
            return None
        return histogram.at_rank(rank) / BUCKET_WIDTH if rank > 1 else 0.0


def _floored(ratio: float) -> float:
    """Down to a tenth, so that no more is claimed than was proven; from 10 on to a whole number."""
    return math.floor(ratio * 10) / 10 if ratio < 10 else float(math.floor(ratio))


def _times(ratio: float) -> str:
    return f"{ratio:.2g} ×" if ratio < 9.95 else f"{ratio:.0f} ×"


def _load_words(kept: KeptLoad) -> str:
    test = kept.test
    return f"{test.rate_per_s:g}/s on {test.path} for {test.duration_s:g} s"
