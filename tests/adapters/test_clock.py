"""The app's one clock: the machine's, unless the host names another time."""

from datetime import UTC, datetime, timedelta

import pytest

from slipway.adapters import clock


def test_the_time_that_the_host_names_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNCTIONS_NOW", "2027-01-04T09:00:00+00:00")
    assert clock.now() == datetime(2027, 1, 4, 9, tzinfo=UTC)


def test_without_one_it_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUNCTIONS_NOW", raising=False)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
