"""What a comparison finds at a look, and what comes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from slipway.promotion.flags import comparing
from slipway.promotion.flags import comparison as found
from slipway.promotion.flags.comparing import Comparing, decided
from slipway.promotion.flags.comparison import compared
from slipway.promotion.flags.comparison_plan import ComparisonPlan
from slipway.promotion.judge.simulation.comparisons import World, ended
from slipway.promotion.outcomes import moment
from slipway.promotion.plain import plain
from slipway.promotion.telemetry import Cohort, Cohorts
from tests.promotion.builders import NOON

DAY = 86_400.0
PLAN = ComparisonPlan(0.5, event="OrderPlaced", control="classic", treatment="fast")


def seen(control: tuple[int, ...], treatment: tuple[int, ...]) -> Cohorts:
    return Cohorts(Cohort(*control), Cohort(*treatment))


@pytest.mark.parametrize(
    ("control", "treatment", "code"),
    [
        ((10_000, 500, 90), (10_000, 650, 90), found.TREATMENT_BETTER),
        ((10_000, 500, 90), (10_000, 380, 90), found.CONTROL_BETTER),
        ((10_000, 500, 90), (10_000, 510, 90), found.COMPARING),
        ((4_000_000, 200_000, 90), (4_000_000, 200_100, 90), found.NO_DIFFERENCE),
        ((10_000, 500, 200), (10_000, 510, 90), found.CONTROL_HARMS),
        ((10_000, 500, 200), (10_000, 250, 90), found.CONFLICT),
        ((10_000, 500, 200), (10_000, 480, 90), found.CONTROL_HARMS),
        ((4_000_000, 500, 42_500), (4_000_000, 510, 40_000), found.COMPARING),  # worse, by less than the margin
        ((10_000, 500, 90), (10_000, 510, 200), found.COMPARING),  # the ramp's own judge looks at that, every tick
        ((10_000, 500, 90), (10_700, 900, 90), found.MISMATCH),
        ((300, 0, 0), (300, 0, 0), found.NO_CONVERSIONS),
        ((100, 0, 0), (100, 0, 0), found.COMPARING),
        ((0, 0, 0), (0, 0, 0), found.COMPARING),
    ],
)
def test_a_look_names_what_it_shows(control: tuple[int, ...], treatment: tuple[int, ...], code: str) -> None:
    look = compared(PLAN, seen(control, treatment), 2 * DAY)
    assert look.code == code, look.words
    assert f"treatment (fast) {treatment[1]:,} of {treatment[0]:,} users" in look.words


def test_nothing_but_harm_is_decided_before_a_day_is_over() -> None:
    better, harm = seen((10_000, 500, 90), (10_000, 700, 90)), seen((10_000, 500, 300), (10_000, 500, 90))
    assert compared(PLAN, better, DAY - 1).code == found.COMPARING
    assert compared(PLAN, better, DAY).code == found.TREATMENT_BETTER
    assert compared(PLAN, harm, 3600).code == found.CONTROL_HARMS


def test_words_give_the_estimate_with_its_interval() -> None:
    look = compared(PLAN, seen((10_000, 500, 0), (10_000, 650, 0)), 2 * DAY)
    assert look.low is not None and look.high is not None and look.lift == pytest.approx(0.3)
    assert 0 < look.low < 0.3 < look.high and "treatment +30.0% [+" in look.words and "at 95%" in look.words


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_winner_where_there_is_no_difference_is_as_rare_as_promised_at_looks_every_hour(share: float) -> None:
    plan = replace(World("", 0.0).plan, share=share)
    world = World("no difference", 0.0, plan=plan)
    ends = [ended(world, f"fixed:{number}", peeks=True) for number in range(40)]
    wrong = sum(each.code in (found.TREATMENT_BETTER, found.CONTROL_BETTER) for each in ends)
    assert wrong <= 4 and sum(each.peeked for each in ends) >= 10, "people who peek at a z-test find many"


@pytest.mark.parametrize(("lift", "code"), [(0.1, found.TREATMENT_BETTER), (-0.1, found.CONTROL_BETTER)])
def test_a_difference_twice_as_large_as_is_worth_having_takes_less_than_a_fixed_test(lift: float, code: str) -> None:
    ends = [ended(World("a difference", lift), f"fixed:{number}") for number in range(20)]
    assert {each.code for each in ends} == {code}
    assert sorted(each.look for each in ends)[10] < 0.7 * 7 * 24


def at(look: int = 1, **changes: object) -> Comparing:
    return replace(Comparing.begin(PLAN, NOON, 300.0), look=look, **changes)  # type: ignore[arg-type]


def test_looks_are_due_by_the_hour_once_telemetry_is_there_and_none_after_the_end() -> None:
    begun = at()
    due = [begun.due(PLAN, NOON + timedelta(seconds=s), 300.0) for s in (0, 3600, 3899, 3900, 7500, 14 * DAY + 300)]
    assert due == [0, 0, 0, 1, 2, 336]
    assert begun.due(PLAN, NOON + timedelta(days=30), 300.0) == 336
    assert begun.sees_until(PLAN, 336) == NOON + timedelta(days=14) and moment(begun.until) > NOON + timedelta(days=14)


@pytest.mark.parametrize(
    ("code", "on_tie", "over", "expected"),
    [
        (found.TREATMENT_BETTER, "control", False, ("TREATMENT_BETTER", "treatment", False, False)),
        (found.CONTROL_BETTER, "treatment", False, ("CONTROL_BETTER", "control", False, False)),
        (found.CONTROL_HARMS, "control", False, ("CONTROL_HARMS", "treatment", False, False)),
        (found.NO_DIFFERENCE, "control", False, ("NO_DIFFERENCE", "control", False, False)),
        (found.NO_DIFFERENCE, "person", False, ("NO_DIFFERENCE", "", False, True)),
        (found.COMPARING, "control", False, ("COMPARING", "", False, False)),
        (found.COMPARING, "treatment", True, ("COMPARISON_UNDECIDED", "treatment", False, False)),
        (found.COMPARING, "person", True, ("COMPARISON_UNDECIDED", "", False, True)),
        (found.MISMATCH, "control", False, ("SAMPLE_RATIO_MISMATCH", "", False, True)),
        (found.MISMATCH, "control", True, ("SAMPLE_RATIO_MISMATCH", "", True, True)),
        (found.CONFLICT, "treatment", False, ("VARIANTS_CONFLICT", "", False, True)),
        (found.CONFLICT, "treatment", True, ("VARIANTS_CONFLICT", "", True, True)),
        (found.NO_CONVERSIONS, "control", True, ("NO_CONVERSIONS", "", True, True)),
    ],
)
def test_what_comes_of_a_look(code: str, on_tie: str, over: bool, expected: tuple[str, str, bool, bool]) -> None:
    plan, begun = replace(PLAN, on_tie=on_tie), at(found=found.Found(code, "words"))
    decision = decided(plan, begun, moment(begun.until) if over else NOON)
    assert (decision.code, decision.keeps, decision.fails, decision.calls) == expected


def test_three_looks_without_an_answer_call_a_person_and_one_with_an_answer_goes_on() -> None:
    begun = at()
    for look in (1, 2, 3):
        assert decided(PLAN, begun, NOON).code == found.COMPARING
        begun = begun.looked(look, {"fault": "telemetry: away"})
    assert decided(PLAN, begun, NOON).code == comparing.BLIND
    back = begun.looked(4, {"found": plain(compared(PLAN, seen((10, 1, 0), (10, 1, 0)), DAY))})
    assert decided(PLAN, back, NOON).code == found.COMPARING and back.missed == 0


def test_a_comparison_without_answers_ends_when_its_time_is_over() -> None:
    blind = at(missed=3, fault="telemetry: away")
    assert not decided(PLAN, blind, moment(blind.until) - timedelta(seconds=1)).fails
    ended = decided(PLAN, blind, moment(blind.until))
    assert (ended.code, ended.keeps, ended.fails, ended.calls) == (comparing.BLIND, "", True, True)


def test_the_last_look_sees_to_the_end_and_no_further() -> None:
    plan = replace(PLAN, within_s=2.5 * 3600)
    begun = Comparing.begin(plan, NOON, 0.0)
    assert [begun.sees_until(plan, look) - NOON for look in (2, 3)] == [timedelta(hours=2), timedelta(hours=2.5)]


@pytest.mark.parametrize(
    ("on_tie", "keeps"), [("person", "control"), ("control", "control"), ("treatment", "treatment")]
)
def test_a_person_who_ends_it_keeps_what_the_pipeline_says_or_the_control(on_tie: str, keeps: str) -> None:
    ended = comparing.ended_by_hand(replace(PLAN, on_tie=on_tie), at(), "Alice ends it")
    assert (ended.code, ended.keeps) == ("COMPARISON_ENDED_BY_HAND", keeps) and PLAN.name_of(keeps) in ended.words


def test_a_comparison_travels_as_json_and_an_older_one_is_read() -> None:
    begun = at().looked(2, {"found": plain(compared(PLAN, seen((1000, 50, 3), (1000, 60, 2)), DAY))})
    assert Comparing.load(plain(begun)) == begun
    assert Comparing.load({"began_at": begun.began_at, "until": begun.until}).look == 0
