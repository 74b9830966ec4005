"""A subscription's rules by themselves: what a message becomes there, and how rules are told."""

from typing import Any
from uuid import UUID

import pytest

from slipway.local.servicebus.message import Content, section, sections
from slipway.local.servicebus.rules.description import describe, read_rule, write_rule
from slipway.local.servicebus.rules.errors import FilterError, RuleError
from slipway.local.servicebus.rules.properties import Properties
from slipway.local.servicebus.rules.rule import CorrelationFilter, Rule, RuleSet, SqlFilter
from slipway.local.servicebus.types import Described, Int, Symbol, Value

BODY = section(0x75, b"the body")
ALL = Rule("all", SqlFilter("1=1"))


def a_message(users: dict[Value, Value] | None = None, **properties: Value) -> Content:
    places = ("message_id", "user_id", "to", "subject", "reply_to", "correlation_id", "content_type")
    fields = [properties.get(name) for name in places]
    head = section(0x73, fields) if properties else b""
    return Content(True, None, 5_000, {Symbol("x"): 1}, head + (section(0x74, users) if users else b"") + BODY)


def copies(rules: RuleSet, message: Content) -> list[Content]:
    return rules.copies(Properties(message))


def users_of(content: Content) -> dict[Any, Any]:
    return next((value for code, value, _ in sections(content.bare) if code == 0x74), {})  # type: ignore[return-value]


def properties_of(content: Content) -> list[Any]:
    return next((value for code, value, _ in sections(content.bare) if code == 0x73), [])  # type: ignore[return-value]


def test_a_label_and_a_subject_are_one_thing_and_ids_are_texts() -> None:
    rules = RuleSet([Rule("r", SqlFilter("sys.Subject = sys.Label AND sys.MessageId LIKE '%-000000000007'"))])
    assert len(copies(rules, a_message(subject="placed", message_id=UUID(int=7)))) == 1
    assert copies(rules, a_message(message_id=UUID(int=7))) == []


def test_what_lets_everything_pass_passes_on_the_very_message() -> None:
    message = a_message({"a": 1})
    for rules in (RuleSet([ALL]), RuleSet([ALL, Rule("some", SqlFilter("a = 2"))])):
        (copy,) = copies(rules, message)
        assert copy is message


def test_a_message_that_several_rules_let_pass_comes_once() -> None:
    rules = RuleSet([Rule("one", SqlFilter("a = 1")), Rule("many", SqlFilter("a < 5")), Rule("no", SqlFilter("a = 2"))])
    message = a_message({"a": 1})
    assert copies(rules, message) == [message]
    assert copies(rules, a_message({"a": 9})) == []
    assert copies(RuleSet([]), message) == []


def test_each_rule_with_an_action_makes_a_copy_of_its_own_that_names_it() -> None:
    rules = RuleSet([ALL, Rule("up", SqlFilter("a = 1"), "SET a = a + 1"), Rule("no", SqlFilter("a = 2"), "REMOVE a")])
    plain, changed = copies(rules, a_message({"a": 1}))
    assert users_of(plain) == {"a": 1}
    assert users_of(changed) == {"a": 2, "RuleName": "up"}


def test_an_action_changes_what_it_names_and_nothing_else() -> None:
    action = "SET sys.To = 'elsewhere'; SET Colour = 'blue' REMOVE weight; set [new one] = TRUE, SET sys.Label = NULL;"
    action += "SET missing = nowhere SET count = count / 2 SET sys.CorrelationId = 7"
    sent = a_message(
        {"colour": "red", "weight": 2.5, "count": Int(5)},
        message_id=UUID(int=7),
        to="here",
        subject="placed",
        content_type=Symbol("application/json"),
    )
    (copy,) = copies(RuleSet([Rule("r", SqlFilter("1=1"), action)]), sent)
    assert users_of(copy) == {
        "colour": "blue",
        "count": 2,
        "new one": True,
        "missing": None,
        "RuleName": "r",
    }
    assert properties_of(copy) == [UUID(int=7), None, "elsewhere", None, None, "7", "application/json"]
    assert copy.bare.endswith(BODY)
    assert (copy.durable, copy.ttl_ms, copy.annotations) == (sent.durable, sent.ttl_ms, sent.annotations)


def test_statements_see_what_those_before_them_did() -> None:
    (copy,) = copies(RuleSet([Rule("r", SqlFilter("1=1"), "SET a = 1; SET b = a + 1; REMOVE a")]), a_message())
    assert users_of(copy) == {"b": 2, "RuleName": "r"}


def test_an_action_that_cannot_be_done_is_a_failure_and_not_half_a_message() -> None:
    for action in ("SET a = 1 / 0", "SET sys.To = TRUE"):
        with pytest.raises(FilterError):
            copies(RuleSet([ALL, Rule("r", SqlFilter("1=1"), action)]), a_message())


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ("SET a", "= is missing at the end"),
        ("SET = 1", "the name of a property is missing"),
        ("DROP a", "SET or REMOVE is missing before 'DROP'"),
        ("REMOVE sys.Colour", "no system property"),
        ("SET a = b = c", "SET or REMOVE is missing before '='"),
        (" ; ", "SET or REMOVE is missing"),
    ],
)
def test_an_action_that_cannot_be_understood_is_refused(action: str, why: str) -> None:
    with pytest.raises(RuleError, match=why):
        Rule("r", SqlFilter("1=1"), action)


def test_a_correlation_filter_wants_all_of_its_properties_to_the_letter() -> None:
    rules = RuleSet([Rule("r", CorrelationFilter({"Label": "placed", "MessageId": "7"}, {"Region": "eu", "n": 1}))])
    wanted: dict[Value, Value] = {"region": "eu", "n": Int(1)}
    assert len(copies(rules, a_message(wanted, subject="placed", message_id="7"))) == 1
    for users, properties in (
        (wanted, {"subject": "Placed", "message_id": "7"}),
        (wanted, {"subject": "placed"}),
        ({**wanted, "region": "EU"}, {"subject": "placed", "message_id": "7"}),
        ({**wanted, "n": True}, {"subject": "placed", "message_id": "7"}),
        ({"region": "eu"}, {"subject": "placed", "message_id": "7"}),
    ):
        assert copies(rules, a_message(users, **properties)) == []  # type: ignore[arg-type]


def test_a_correlation_filter_of_nothing_is_refused() -> None:
    with pytest.raises(RuleError, match="needs a property"):
        CorrelationFilter({}, {})
    with pytest.raises(RuleError, match="no system property 'Size'"):
        CorrelationFilter({"Size": "1"}, {})


@pytest.mark.parametrize(
    "rule",
    [
        ALL,
        Rule("r", SqlFilter("a = 1"), "SET b = 2", 17),
        Rule("r", CorrelationFilter({"To": "x", "SessionId": "s"}, {"n": Int(1), "when": None}), None, 17),
    ],
)
def test_a_rule_is_kept_as_it_was(rule: Rule) -> None:
    assert read_rule(rule.name, write_rule(rule), rule.created_ms) == rule


@pytest.mark.parametrize(
    ("rule", "filter_code", "filter_fields", "action_code"),
    [
        (Rule("r", SqlFilter(" 1 = 1 ")), 0x1370000007, [], 0x13700000005),
        (Rule("r", SqlFilter("1=0")), 0x1370000008, [], 0x13700000005),
        (Rule("r", SqlFilter("a = 1"), "SET b = 2"), 0x1370000006, ["a = 1", 20], 0x13700000006),
        (
            Rule("r", CorrelationFilter({"CorrelationId": "c", "Label": "l"}, {"a": 1})),
            0x1370000009,
            ["c", None, None, None, "l", None, None, None, {"a": 1}],
            0x13700000005,
        ),
    ],
)
def test_rules_are_told_under_microsofts_codes(
    rule: Rule, filter_code: int, filter_fields: list[Any], action_code: int
) -> None:
    told = describe(rule)
    assert told.descriptor == 0x13700000004 and isinstance(told.value, list)
    its_filter, action, name, _ = told.value
    assert isinstance(its_filter, Described) and isinstance(action, Described)
    assert (its_filter.descriptor, its_filter.value, action.descriptor, name) == (
        filter_code,
        filter_fields,
        action_code,
        "r",
    )


@pytest.mark.parametrize(
    ("description", "why"),
    [
        ("a = 1", "must be a map"),
        ({}, "needs 'sql-filter' or 'correlation-filter'"),
        ({"sql-filter": {}}, "'expression' must be a text"),
        ({"sql-filter": {"expression": "a ="}}, "the name of a property is missing"),
        ({"correlation-filter": {"label": None}}, "needs a property"),
        ({"sql-filter": {"expression": "1=1"}, "sql-rule-action": {"expression": "a"}}, "SET or REMOVE"),
    ],
)
def test_a_description_that_is_none_is_refused(description: Value, why: str) -> None:
    with pytest.raises(RuleError, match=why):
        read_rule("r", description, 0)
