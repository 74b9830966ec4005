"""Headers with secrets: they arrive, and nothing that is said afterwards holds them."""

import secrets as random
import traceback
from collections.abc import Mapping

import pytest

from activities.secret_headers import Unspeakable, with_headers
from slipway.adapters.hiding import HIDDEN
from slipway.adapters.secrets import Secrets
from slipway.promotion.errors import SlipwayError
from slipway.promotion.outcomes import Answer, failed, passed
from slipway.promotion.plan import Header
from tests.laptop import AzureStandin
from tests.owner import vault_of

PLANTED = random.token_urlsafe(24)
HEADERS = (Header("x-probe-key", secret="planted"), Header("accept", value="text/plain"))


@pytest.fixture(scope="module")
def store(azure: AzureStandin) -> Secrets:
    client = vault_of(azure)
    client.set_secret("planted", PLANTED)
    client.set_secret("two-lines", f"{PLANTED}\r\nx-admin: yes")
    client.set_secret("not-ascii", f"{PLANTED}é")
    return Secrets(azure.settings)


def test_values_are_read_and_literals_stay(store: Secrets) -> None:
    sent: list[Mapping[str, str]] = []

    def work(headers: Mapping[str, str]) -> Answer:
        sent.append(headers)
        return passed("well")

    assert with_headers(HEADERS, work, store.read) == passed("well")
    assert sent == [{"x-probe-key": PLANTED, "accept": "text/plain"}]


def test_a_release_that_sends_the_secret_back_does_not_get_it_into_the_answer(store: Secrets) -> None:
    def work(headers: Mapping[str, str]) -> Answer:
        echoed = headers["x-probe-key"]
        return failed("UNHEALTHY", f"answers version {echoed}!", f"log of {echoed}", seen=[{"version": echoed}, 7])

    answer = with_headers(HEADERS, work, store.read)
    assert PLANTED not in str(answer.dump())
    assert answer.words == f"answers version {HIDDEN}!" and answer.result == {"seen": [{"version": HIDDEN}, 7]}


def test_an_error_whose_words_hold_the_secret_is_replaced(store: Secrets) -> None:
    def work(headers: Mapping[str, str]) -> Answer:
        raise ValueError(f"illegal header {headers}")

    with pytest.raises(Unspeakable) as raised:
        with_headers(HEADERS, work, store.read)
    told = "".join(traceback.format_exception(raised.value))
    assert PLANTED not in told and "ValueError: illegal header" in str(raised.value)


def test_an_error_that_says_nothing_secret_stays_what_it_is(store: Secrets) -> None:
    def work(headers: Mapping[str, str]) -> Answer:
        raise ZeroDivisionError("nothing to see")

    with pytest.raises(ZeroDivisionError):
        with_headers(HEADERS, work, store.read)


@pytest.mark.parametrize("name", ["two-lines", "not-ascii"])
def test_a_secret_that_cannot_be_a_header_is_refused_without_its_value(store: Secrets, name: str) -> None:
    with pytest.raises(SlipwayError) as refused:
        with_headers((Header("x-probe-key", secret=name),), lambda _: passed(), store.read)
    assert refused.value.code == "SECRET_UNUSABLE"
    assert PLANTED not in str(refused.value) and name in refused.value.words
