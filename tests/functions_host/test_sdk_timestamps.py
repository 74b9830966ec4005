"""Timestamps are read once, and mean what they meant."""

import importlib

from dateutil.parser import parse

from slipway.local.functions.sdk_timestamps import remember


def test_remembered_timestamps_are_those_that_the_sdk_reads_itself() -> None:
    remember()
    events = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")
    once = events.dt_parse
    remember()
    assert events.dt_parse is once
    for text in ("20261125T101112.123456Z", "20261125", "2026-11-25T10:11:12.5+01:00"):
        assert once(text) == once(text) == parse(text)
        assert once(text).utcoffset() == parse(text).utcoffset()
