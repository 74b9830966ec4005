"""Before a ramp: what it can see at this traffic, and what it cannot."""

import math

import pytest

from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.power import requests_to_show, traffic_plan
from slipway.promotion.judge.verdict import Action
from tests.promotion.judge.builders import ramps


def test_the_plan_says_in_words_when_a_doubling_shows() -> None:
    plan = traffic_plan(Policy(), 500, 0.001)
    first = plan.steps[0]
    assert first.words.startswith("at 5% a doubling shows after 25,036 canary requests on average, about 17 minutes")
    assert first.words.endswith("this step lasts 5 minutes when nothing is proven earlier: too short")
    assert [step.long_enough for step in plan.steps] == [False, False, True, True]
    assert "from 25% on" in plan.words


@pytest.mark.parametrize(("weight", "harm"), [(0.05, 2.0), (0.5, 1.5)])
def test_simulated_ramps_take_about_as_long_as_planned(weight: float, harm: float) -> None:
    policy = Policy(steps=(weight, 1.0), ramp="fixed", patience_ticks=10_000)
    ended = ramps(20, 30_000, 0.001, harm=lambda number: harm, policy=policy, ticks=200)
    assert all(verdict.action is Action.ROLLBACK for _, verdict, _ in ended)
    mean = sum(number for number, _, _ in ended) / len(ended)
    planned = requests_to_show(policy, weight, 0.001, harm) / (30_000 * weight)
    assert planned * 0.7 < mean < planned * 1.5


def test_a_harm_below_the_smallest_that_the_judge_bets_on_takes_longer_and_near_the_margin_never_shows() -> None:
    policy = Policy()
    needed = [requests_to_show(policy, 0.5, 0.001, harm) for harm in (1.25, 1.2, 1.18, 1.15)]
    assert needed[0] < needed[1] < needed[2] < needed[3] == math.inf
    plan = traffic_plan(policy, 5_000, 0.001, harm=1.15)
    assert "too close to the margin ever to be proven" in plan.steps[0].words
    assert plan.steps[0].seconds is None
    assert "up to twice that" in traffic_plan(policy, 5_000, 0.001, harm=1.2).steps[0].words
    assert "up to twice that" not in traffic_plan(policy, 5_000, 0.001, harm=1.5).steps[0].words


@pytest.mark.parametrize("numbers", [(1.0, 2.0), (0.6, 2.0), (0.05, 30.0)])
def test_more_failures_than_requests_are_refused(numbers: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="more than all its requests"):
        traffic_plan(Policy(), 5, numbers[0], numbers[1])


def test_low_traffic_begins_higher() -> None:
    plan = traffic_plan(Policy(), 0.1, 0.01)
    assert Policy().steps[plan.start] == 0.50
    assert "because lower steps would bring too few requests" in plan.words


def test_no_traffic_and_no_failures_show_nothing() -> None:
    for plan in (traffic_plan(Policy(), 0, 0.001), traffic_plan(Policy(), 500, 0)):
        assert all(step.requests is None and step.seconds is None for step in plan.steps)
        assert "never shows at this traffic" in plan.steps[0].words


def test_bursts_and_smaller_harms_need_more() -> None:
    policy = Policy()
    usual = requests_to_show(policy, 0.05, 0.001, 2.0)
    assert requests_to_show(policy, 0.05, 0.001, 2.0, dispersion=5) == pytest.approx(5 * usual)
    assert requests_to_show(policy, 0.05, 0.001, 1.5) > usual > requests_to_show(policy, 0.05, 0.001, 5.0)
    assert requests_to_show(policy, 1.0, 0.001, 2.0) == math.inf


@pytest.mark.parametrize("numbers", [(-1, 0.1), (math.inf, 0.1), (1, 1.5), (1, -0.1), (1, math.nan)])
def test_numbers_that_cannot_be_are_refused(numbers: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="share"):
        traffic_plan(Policy(), *numbers)


def test_a_harm_within_the_margin_has_no_plan() -> None:
    with pytest.raises(ValueError, match="within the margin"):
        traffic_plan(Policy(), 500, 0.001, harm=1.05)
