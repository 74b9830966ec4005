"""Whoever comes with an older fence is refused, and an open older write is waited for."""

from datetime import timedelta

import pytest

from slipway.adapters import fences, patience
from slipway.adapters.fences import Fences
from tests.laptop import AzureStandin


def test_a_newer_fence_shuts_the_older_one_out(azure: AzureStandin) -> None:
    book, target = Fences(azure.settings), azure.target("fence-newer")
    assert book.claim(target, 1, "deploy").granted
    book.close(target, 1, "deploy")
    assert book.claim(target, 2, "swap-back").granted
    late = book.claim(target, 1, "deploy")
    assert (late.granted, late.fence, late.wait_s) == (False, 2, 0.0)


def test_the_same_fence_may_write_again(azure: AzureStandin) -> None:
    book, target = Fences(azure.settings), azure.target("fence-same")
    assert book.claim(target, 1, "deploy").granted
    assert book.claim(target, 1, "swap").granted


def test_who_takes_over_waits_for_an_open_write(azure: AzureStandin, monkeypatch: pytest.MonkeyPatch) -> None:
    book, target = Fences(azure.settings), azure.target("fence-open")
    assert book.claim(target, 1, "deploy").granted
    waiting = book.claim(target, 2, "swap-back")
    assert not waiting.granted and 50 < waiting.wait_s <= 60
    book.close(target, 1, "deploy")
    assert book.claim(target, 2, "swap-back").granted
    monkeypatch.setattr(fences, "OPEN_FOR", timedelta(seconds=-1))
    assert book.claim(target, 3, "again").granted is False, "the write under fence 2 is still open"


def test_an_open_write_is_not_waited_for_longer_than_it_can_take(
    azure: AzureStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, target = Fences(azure.settings), azure.target("fence-dead")
    monkeypatch.setattr(fences, "OPEN_FOR", timedelta(seconds=-1))
    assert book.claim(target, 1, "deploy").granted, "its process dies now"
    assert book.claim(target, 2, "swap-back").granted


def test_a_write_is_over_before_whoever_takes_over_stops_waiting_for_it() -> None:
    assert timedelta(seconds=patience.CONNECT_S + patience.READ_S) * 2 <= fences.OPEN_FOR


def test_closing_what_somebody_took_over_changes_nothing(azure: AzureStandin) -> None:
    book, target = Fences(azure.settings), azure.target("fence-close")
    assert book.claim(target, 1, "deploy").granted
    book.close(target, 1, "deploy")
    assert book.claim(target, 2, "swap-back").granted
    book.close(target, 1, "deploy")
    assert book.claim(target, 3, "later").wait_s > 0, "the write under fence 2 is still open"
