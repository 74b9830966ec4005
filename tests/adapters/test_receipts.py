"""Receipts: one beginning, and one answer that stays."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.receipts import Receipts
from slipway.promotion.outcomes import failed, passed
from tests.laptop import AzureStandin


@pytest.fixture
def book(azure: AzureStandin) -> Receipts:
    return Receipts(azure.settings)


def test_an_operation_begins_once_and_keeps_when_it_was_meant(book: Receipts) -> None:
    with ThreadPoolExecutor(5) as pool:
        receipts = list(pool.map(lambda _: book.begin("checkout--1.0", "dev:deploy"), range(5)))
    assert [receipt.new for receipt in receipts].count(True) == 1
    assert len({receipt.intent_at.replace(microsecond=0) for receipt in receipts}) == 1
    assert all(receipt.handle is None and receipt.answer is None for receipt in receipts)


def test_a_repeated_begin_answers_what_was_started(book: Receipts) -> None:
    begun = book.begin("checkout--1.1", "dev:deploy")
    book.started("checkout--1.1", "dev:deploy", {"kind": "deployment", "id": "7"})
    again = book.begin("checkout--1.1", "dev:deploy")
    assert not again.new
    assert abs(again.intent_at - begun.intent_at).total_seconds() < 0.001
    assert again.handle == {"kind": "deployment", "id": "7"}


def test_the_first_answer_stays_whatever_comes_after_it(book: Receipts) -> None:
    book.begin("checkout--1.2", "dev:swap")
    first = passed("live", before="1.1")
    assert book.ended("checkout--1.2", "dev:swap", first) == first
    book.started("checkout--1.2", "dev:swap", {"kind": "late"})
    assert book.ended("checkout--1.2", "dev:swap", failed("SWAP_FAILED", "a late one")) == first
    assert book.begin("checkout--1.2", "dev:swap").answer == first


def test_what_was_never_begun_cannot_end(book: Receipts) -> None:
    with pytest.raises(AzureProblem, match="never begun"):
        book.ended("checkout--1.3", "dev:swap", passed())
