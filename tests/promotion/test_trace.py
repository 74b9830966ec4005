"""Trace context: what is believed of what others send, and what an orchestration passes on."""

import pytest

from slipway.promotion.trace import begun, carried, told_by, trace_id, well_formed

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("name", ["traceparent", "Diagnostic-Id", b"traceparent", b"Diagnostic-Id"])
def test_a_messages_context_is_found_under_its_new_and_its_old_name(name: str | bytes) -> None:
    assert told_by({name: GIVEN.encode(), b"other": 1}) == GIVEN


@pytest.mark.parametrize(
    "text",
    ["", None, "no", f"ff{GIVEN[2:]}", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{ID}-{'0' * 16}-01", GIVEN + "-x", 7],
)
def test_what_is_no_context_is_not_believed(text: object) -> None:
    assert well_formed(text) == "" and told_by({"traceparent": text}) == ""


def test_a_bad_new_name_leaves_the_old_one() -> None:
    assert told_by({"traceparent": "no", "Diagnostic-Id": GIVEN}) == GIVEN


def test_a_trace_of_our_own_is_well_formed_and_the_same_for_the_same_message() -> None:
    assert begun("m-1") == begun("m-1") != begun("m-2")
    assert well_formed(begun("m-1")) == begun("m-1")
    assert len(trace_id(begun("m-1"))) == 32
    assert (trace_id(GIVEN), trace_id("")) == (ID, "")


STAGE = {"trace": GIVEN, "promotion": "shop--1", "plan": {"name": "production", "targets": []}}
PASSED_ON = {"trace": GIVEN, "promotion": "shop--1", "stage": "production"}


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ({"id": "shop--1", "trace": GIVEN, "plan": {"stages": []}}, {"trace": GIVEN, "promotion": "shop--1"}),
        (STAGE, PASSED_ON),
        ({"stage": STAGE, "instance": "shop--1:production:ramp"}, PASSED_ON),
        ({"promotion": "shop--1", "stage": "production", "trace": GIVEN}, PASSED_ON),
        ({"promotion": "shop--1", "plan": {"name": "production"}}, {}),
        ({"operation": "hold", "environment": "dev"}, {}),
        (None, {}),
    ],
    ids=["promotion", "stage", "ramp", "approval", "begun before there were traces", "intent", "nothing"],
)
def test_every_orchestration_passes_on_its_trace_and_whose_work_it_is(given: object, passed_on: dict[str, str]) -> None:
    assert carried(given) == passed_on
