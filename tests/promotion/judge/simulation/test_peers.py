"""The peers do what their documentation says."""

import pytest

from slipway.promotion.judge.simulation.peers.argo import Argo
from slipway.promotion.judge.simulation.peers.flagger import Flagger
from slipway.promotion.judge.simulation.peers.kayenta import Kayenta, is_high
from slipway.promotion.judge.simulation.peers.plain import Plain
from slipway.promotion.judge.simulation.rule import PROMOTED, ROLLED_BACK, Move, Rule
from slipway.promotion.judge.windows import Arm, Window


def window(tick: int, canary: tuple[int, int], baseline: tuple[int, int] = (10_000, 10)) -> Window:
    """(requests, failures) of both arms."""
    (n, x), (m, y) = canary, baseline
    return Window(tick, Arm((n,), (x,)), Arm((m,), (y,)))


def ends(rule: Rule, *canaries: tuple[int, int]) -> tuple[int, Move, list[float]]:
    """Feeds a rule one tick after the other, the last for ever: at which tick it ends, how, and the weights."""
    weights = [rule.weight]
    for tick in range(1, 100):
        move = rule.after(window(tick, canaries[min(tick, len(canaries)) - 1]))
        if move.ended:
            return tick, move, weights
        weights.append(move.weight)
    raise AssertionError("the ramp never ended")


GOOD, BAD, NOTHING = (1_000, 1), (1_000, 11), (0, 0)


def test_flagger_goes_up_by_five_to_fifty_and_promotes() -> None:
    tick, move, weights = ends(Flagger(), GOOD)
    assert (tick, move.ended) == (10, PROMOTED)
    assert weights == pytest.approx([step / 100 for step in range(5, 51, 5)])


def test_flagger_halts_at_a_failed_check_and_rolls_back_at_the_tenth() -> None:
    assert ends(Flagger(), BAD)[:2] == (10, Move(0.0, ROLLED_BACK, "10 checks failed"))
    tick, move, weights = ends(Flagger(), BAD, GOOD)
    assert (tick, move.ended, weights[:3]) == (11, PROMOTED, [0.05, 0.05, 0.10])


def test_flagger_counts_a_canary_without_traffic_as_a_failed_check() -> None:
    assert ends(Flagger(), NOTHING)[0] == 10


def test_argo_takes_ten_minutes_each_at_twenty_to_eighty_percent() -> None:
    tick, move, weights = ends(Argo(), BAD)  # 1.1 % is within its 5 %
    assert (tick, move.ended) == (40, PROMOTED)
    assert [weights[minute] for minute in (0, 9, 10, 20, 30, 39)] == [0.2, 0.2, 0.4, 0.6, 0.8, 0.8]


def test_argo_fails_at_the_fourth_failed_measurement() -> None:
    tick, move, _ = ends(Argo(), (1_000, 51))
    assert (tick, move.ended) == (20, ROLLED_BACK)


def test_kayenta_judges_every_ten_minutes_and_promotes_after_forty() -> None:
    alternating = [(1_000, 1), (1_000, 2)] * 20
    tick, move, weights = ends(Kayenta(), *alternating)
    assert (tick, move.ended) == (40, PROMOTED)
    assert [weights[minute] for minute in (0, 10, 20, 30)] == [0.05, 0.10, 0.25, 0.50]
    assert ends(Kayenta(), (1_000, 30), (1_000, 31))[:2] == (10, Move(0.0, ROLLED_BACK, "error rate: High"))


@pytest.mark.parametrize(
    ("canary", "baseline", "high"),
    [
        ([2.0 + i for i in range(10)], [1.0 + i for i in range(10)], False),
        ([20.0 + i for i in range(10)], [1.0 + i for i in range(10)], True),
        ([1.0 + i for i in range(10)], [20.0 + i for i in range(10)], False),
        ([0.0] * 10, [0.0] * 10, False),
        ([], [1.0], False),
        ([3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0], False),
        ([1.0, 2.0] * 5, [1.0] * 10, False),
    ],
)
def test_kayenta_calls_high_what_is_beyond_a_quarter_of_the_shift(
    canary: list[float], baseline: list[float], high: bool
) -> None:
    assert is_high(canary, baseline) is high


def test_the_plain_test_proves_harm_at_a_hundred_and_else_goes_on_every_five_minutes() -> None:
    assert ends(Plain(), (1_000, 40))[:2] == (1, Move(0.0, ROLLED_BACK, "harm proven"))
    tick, move, weights = ends(Plain(), GOOD)
    assert (tick, move.ended) == (20, PROMOTED)
    assert [weights[minute] for minute in (0, 5, 10, 15)] == [0.05, 0.10, 0.25, 0.50]
