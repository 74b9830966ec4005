"""A policy is refused where it makes no sense, and kept to where it is only unusual."""

import math

import pytest

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy, PolicyInvalid
from slipway.promotion.judge.state import begin
from slipway.promotion.judge.verdict import Action
from tests.promotion.judge.builders import a_history, a_window

POLICY = Policy()


def test_a_margin_of_nothing_is_allowed_and_stricter() -> None:
    none, usual_margin = Policy(error_margin=0, latency_margin=0), POLICY
    window = a_window(1, (15_000, 30), (15_000, 15))
    strict = tick(begin(none, a_history()), [window], 1, none)[1]
    usual_one = tick(begin(usual_margin, a_history()), [window], 1, usual_margin)[1]
    assert strict.e_value > usual_one.e_value


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"false_rollback": 0}, "FALSE_ROLLBACK_INVALID"),
        ({"false_rollback": 1}, "FALSE_ROLLBACK_INVALID"),
        ({"false_rollback": math.nan}, "FALSE_ROLLBACK_INVALID"),
        ({"false_rollback": 0.5}, "FALSE_ROLLBACK_INVALID"),
        ({"own_metrics": ("\N{GRINNING FACE}",)}, "METRICS_INVALID"),
        ({"error_margin": -0.1}, "MARGIN_INVALID"),
        ({"latency_margin": math.nan}, "MARGIN_INVALID"),
        ({"steps": ()}, "STEPS_INVALID"),
        ({"steps": (0.5,)}, "STEPS_INVALID"),
        ({"steps": (0.5, 0.25, 1.0)}, "STEPS_INVALID"),
        ({"steps": (0.0, 1.0)}, "STEPS_INVALID"),
        ({"steps": (math.nan, 1.0)}, "STEPS_INVALID"),
        ({"ramp": "hasty"}, "RAMP_UNKNOWN"),
        ({"tick_s": 0}, "TIME_INVALID"),
        ({"tick_s": math.nan}, "TIME_INVALID"),
        ({"delay_ticks": -1}, "TIME_INVALID"),
        ({"blind_ticks": 0}, "TIME_INVALID"),
        ({"budget": -5}, "BUDGET_INVALID"),
        ({"patience_ticks": 1}, "PATIENCE_INVALID"),
        ({"own_metrics": ("failures",)}, "METRICS_INVALID"),
        ({"own_metrics": ("a", "a")}, "METRICS_INVALID"),
        ({"own_metrics": tuple("abcdef")}, "METRICS_INVALID"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(change: dict[str, object], code: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        Policy(**change)  # type: ignore[arg-type]
    assert refused.value.code == code


@pytest.mark.parametrize("margin", [3.5, 5.0, 9.0])
def test_a_wide_margin_is_judged_like_any_other(margin: float) -> None:
    policy = Policy(error_margin=margin)
    state = begin(policy, a_history())
    for number in range(1, 6):
        state, verdict = tick(state, [a_window(number)], number, policy)
    assert verdict.action in (Action.WAIT, Action.ADVANCE)


@pytest.mark.parametrize("wrong", [{"delay_ticks": 10**9}, {"blind_ticks": 101}])
def test_a_delay_or_a_blindness_without_a_sensible_end_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        Policy(**wrong)  # type: ignore[arg-type]
    assert refused.value.code == "TIME_INVALID"
