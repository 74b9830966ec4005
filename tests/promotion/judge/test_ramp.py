"""What the next step may cost, and what must be known before no baseline is left."""

import pytest

from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.ramp import Outlook

POLICY = Policy()


def an_outlook(excess_rate: float, baseline_rate: float = 0.001, budget: float = 1e9) -> Outlook:
    return Outlook(2.0, baseline_rate, excess_rate, per_tick=30_000, budget=budget, excess=0.0)


@pytest.mark.parametrize(
    ("baseline_rate", "excess_rate", "fits"),
    [(0.001, 0.00024, True), (0.001, 0.00026, False), (0.0001, 0.00009, True), (0.0001, 0.00011, False)],
)
def test_before_all_the_traffic_a_small_excess_must_be_proven_whatever_the_budget(
    baseline_rate: float, excess_rate: float, fits: bool
) -> None:
    ahead = an_outlook(excess_rate, baseline_rate)
    assert ahead.fits(POLICY.last, POLICY) is fits
    assert ahead.fits(POLICY.last - 1, POLICY), "a step that keeps a baseline needs its budget only"


def test_a_cost_above_the_budget_does_not_fit() -> None:
    cost = an_outlook(0.0002).cost(POLICY.last, POLICY)
    assert an_outlook(0.0002, budget=1.01 * cost).fits(POLICY.last, POLICY)
    assert not an_outlook(0.0002, budget=0.99 * cost).fits(POLICY.last, POLICY)


@pytest.mark.parametrize(("step", "react_ticks"), [(2, 3), (POLICY.last, 5)])
def test_harm_costs_more_when_telemetry_is_late(step: int, react_ticks: int) -> None:
    ahead, a_tick = an_outlook(0.001), 0.001 * 30_000 * POLICY.steps[step]
    assert ahead.cost(step, POLICY) == pytest.approx(a_tick * react_ticks)
    assert ahead.cost(step, Policy(delay_ticks=4)) == pytest.approx(a_tick * (react_ticks + 4))
