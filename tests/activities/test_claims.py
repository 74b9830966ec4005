"""The intake row: one run of a promotion counts, whatever is lost or comes twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway.adapters.intake import mark_aborted
from slipway.promotion.outcomes import Answer, Outcome
from tests.activities.conftest import Promotion
from tests.app_host import AppHost
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")


def claim(app: AppHost, promotion: Promotion, token: str = "t1") -> Answer:
    return app.activity("claim_promotion", {"promotion": promotion.id, "token": token})


def claimed(app: AppHost, promotion: Promotion, token: str = "t1") -> str:
    answer = app.followed("claim_promotion", {"promotion": promotion.id, "token": token})
    assert answer.outcome is Outcome.PASSED, answer
    return str(answer.result["claim"])


def end(app: AppHost, promotion: Promotion) -> Answer:
    return app.activity("end_promotion", {"promotion": promotion.id, "token": "t1"})


def test_the_first_run_gets_the_promotion_and_keeps_it_when_it_asks_again(app: AppHost, promotion: Promotion) -> None:
    assert claimed(app, promotion) == "mine"
    before = promotion.intake
    assert claimed(app, promotion) == "mine"
    assert promotion.intake == before, "asked twice, written once"
    assert (before["state"], before["token"]) == ("running", "t1")


def test_another_run_of_the_same_promotion_is_told_that_it_is_not_the_one(app: AppHost, promotion: Promotion) -> None:
    assert claimed(app, promotion, "t1") == "mine"
    assert claimed(app, promotion, "t2") == "theirs"
    assert promotion.intake["token"] == "t1"


def test_of_ten_runs_at_once_exactly_one_gets_the_promotion(app: AppHost, promotion: Promotion) -> None:
    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(lambda n: claimed(app, promotion, f"t{n}"), range(10)))
    assert told.count("mine") == 1
    assert promotion.intake["token"] == f"t{told.index('mine')}"


def test_a_promotion_that_was_never_taken_in_cannot_be_claimed(app: AppHost, azure: AzureStandin) -> None:
    answer = claim(app, Promotion("checkout--0.0.0", "0.0.0", azure))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "NO_INTAKE_ROW")


def test_an_ended_promotion_is_nobodys_to_claim_not_even_the_run_that_ended_it(
    app: AppHost, promotion: Promotion
) -> None:
    assert claimed(app, promotion) == "mine"
    assert end(app, promotion).outcome is Outcome.PASSED
    assert claimed(app, promotion, "t1") == "theirs"
    assert claimed(app, promotion, "t2") == "theirs"
    assert promotion.intake["state"] == "ended"


def test_ending_twice_ends_once_and_keeps_what_tells_a_repeated_message(app: AppHost, promotion: Promotion) -> None:
    assert claimed(app, promotion) == "mine"
    before = promotion.intake
    assert [end(app, promotion).outcome for _ in range(2)] == [Outcome.PASSED] * 2
    assert promotion.intake == {**before, "state": "ended"}


def test_an_aborted_promotion_is_claimed_and_ended_all_the_same_and_stays_aborted(
    app: AppHost, promotion: Promotion
) -> None:
    mark_aborted(promotion.id)
    assert claimed(app, promotion) == "mine", "whoever has to undo it must have it"
    assert promotion.intake["aborted"] is True
    assert end(app, promotion).outcome is Outcome.PASSED
    assert promotion.intake["aborted"] is True
