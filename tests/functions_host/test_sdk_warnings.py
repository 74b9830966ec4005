"""Which of the SDK's warnings about unmatched completions reach the log."""

import json
import logging

import pytest

from slipway.local.functions.sdk_warnings import replayed, worth_showing

HISTORY = [
    {"EventType": 12},
    {"EventType": 14, "Name": "op", "Input": '{"id": "0f-guid", "op": "add"}'},
    {"EventType": 15, "Name": "0f-guid", "Input": '{"result": "1"}'},
    {"EventType": 15, "Name": "nudge", "Input": "null"},
]


def a_warning(about: str) -> logging.LogRecord:
    words = f"executor.py:213: UserWarning: Potential duplicate Task completion for TaskId: {about}\n  warn(warning)\n"
    return logging.LogRecord("py.warnings", logging.WARNING, "", 0, "%s", (words,), None)


@pytest.mark.parametrize(("about", "shown"), [("nudge", False), ("0f-guid", True), ("7", True), ("other", True)])
def test_only_external_events_are_in_order(about: str, shown: bool) -> None:
    token = replayed.set(json.dumps({"history": HISTORY}))
    assert worth_showing(a_warning(about)) is shown
    replayed.reset(token)


def test_all_else_is_shown() -> None:
    assert worth_showing(a_warning("nudge")), "outside of a replay nothing is in order"
    other = logging.LogRecord("py.warnings", logging.WARNING, "", 0, "%s", ("DeprecationWarning: old",), None)
    assert worth_showing(other)
