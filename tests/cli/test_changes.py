"""What a watch prints in a pipe: a line for each change, none for what was said before."""

from slipway.cli.api_answers import Promotion
from slipway.cli.changes import changes
from tests.cli.builders import NOW, a_promotion, a_ramp, a_stage, a_step, waiting_for_approval


def lines(before: dict[str, object] | None, after: dict[str, object]) -> list[str]:
    earlier = Promotion.model_validate(before) if before else None
    return [change.line(NOW) for change in changes(earlier, Promotion.model_validate(after))]


def test_a_stage_that_moves_on_is_one_line() -> None:
    before = a_promotion(a_stage("dev", "deploying"))
    after = a_promotion(a_stage("dev", "verifying"))
    assert lines(before, after) == ["» dev         verifying"]


def test_nothing_new_is_no_line() -> None:
    assert lines(waiting_for_approval(), waiting_for_approval()) == []


def test_the_first_look_says_where_it_stands() -> None:
    first = a_promotion(a_stage("dev", "deploying"), a_stage("test", "pending", needs=["dev"]))
    assert lines(None, first) == ["» dev         deploying"]


def test_a_step_that_ended_is_said_once_with_its_words() -> None:
    load = a_step("load peak", "failed", words="error rate 21 %, allowed 2 %")
    before = a_promotion(a_stage("test", "verifying", steps=[a_step("load peak", "running")]))
    after = a_promotion(a_stage("test", "verifying", steps=[load]))
    assert lines(before, after) == ["✗ test        load peak: error rate 21 %, allowed 2 %"]
    assert lines(after, after) == []


def test_the_end_names_the_promotion_and_the_reason() -> None:
    before = a_promotion(a_stage("dev", "verifying"))
    after = a_promotion(a_stage("dev", "failed", words="it crashed"), state="failed", words="stage dev: it crashed")
    assert lines(before, after)[-1] == "✗             checkout 1.1.0 failed: stage dev: it crashed"


def test_a_first_look_at_a_second_try_says_which_failures_are_old() -> None:
    failed = a_step("load peak", "failed", words="error rate 21 %") | {"operation": "checkout--1.1.0:test:t:load:1"}
    second = a_promotion(a_stage("test", "deploying", attempt=2, steps=[failed]))
    assert lines(None, second)[0] == "✗ test        try 1 · load peak: error rate 21 %"


def test_each_new_share_of_a_canary_is_one_line() -> None:
    def at(share: float, tick: int) -> dict[str, object]:
        return a_promotion(a_stage("production", "ramping", ramp=a_ramp(share=share, tick=tick)))

    assert lines(at(0.05, 1), at(0.05, 2)) == []
    assert lines(at(0.05, 2), at(0.25, 3)) == ["» production  ramping · 25 % of the traffic"]
