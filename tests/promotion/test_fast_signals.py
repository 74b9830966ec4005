"""What the platform's counters have against a release: outages, nothing finer."""

import pytest

from slipway.promotion.fast_signals import Count, outage


def test_an_outage_of_the_canary_alone_speaks_against_it() -> None:
    words = outage(Count(100, 60), Count(1900, 6))
    assert words == "the platform counts 60 × 5xx in 100 requests, and 0.3% of the live release's"


@pytest.mark.parametrize(
    ("canary", "baseline"),
    [
        (Count(), Count()),
        (Count(10, 10), Count(1000, 0)),  # too few to tell
        (Count(1000, 30), Count(19_000, 60)),  # 3 %: the judge's to prove
        (Count(100, 60), Count(1900, 1100)),  # the live release is out as well
    ],
)
def test_anything_finer_is_left_to_the_judge(canary: Count, baseline: Count) -> None:
    assert outage(canary, baseline) == ""
