"""The filter language by itself: what holds, what is unknown, what is refused."""

import re
from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.local.servicebus.rules.errors import FilterError, RuleError
from slipway.local.servicebus.rules.expressions import parse_condition
from slipway.local.servicebus.rules.like import matches, pattern
from slipway.local.servicebus.rules.values import Operand, calculate, compare, operand
from slipway.local.servicebus.types import Int, Symbol, Timestamp, Ubyte

THREE = st.sampled_from([True, False, None])
NUMBERS = st.one_of(st.integers(-50, 50), st.floats(-50, 50))
OPERANDS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=3), st.uuids())


class Asked:
    """A message that is only its properties."""

    def __init__(self, users: Mapping[str, Operand] | None = None, **system: str) -> None:
        self.users = {name.lower(): value for name, value in (users or {}).items()}
        self.systems = system

    def system(self, name: str) -> Operand:
        return self.systems.get(name)

    def user(self, name: str) -> Operand:
        return self.users.get(name.lower())

    def has(self, name: str) -> bool:
        return name.lower() in self.users


MESSAGE = Asked(
    {
        "Colour": "red",
        "quantity": 10,
        "weight": 2.5,
        "urgent": True,
        "nothing": None,
        "a name": "with a space",
        "odd]name": 1,
        'say "hi"': 2,
        "über": "Ü",
        "which": "colour",
    },
    Label="placed",
    To="shop",
)


def ask(text: str, message: Asked = MESSAGE) -> bool | None:
    return parse_condition(text)(message)


@pytest.mark.parametrize(
    "text",
    [
        "1=1",
        "colour = 'red'",
        "COLOUR = 'red' and Quantity >= 10",
        "user.colour <> 'blue'",
        "colour != 'RED'",
        "sys.Label = 'placed'",
        "SYS.label LIKE 'pl%'",
        "[a name] = 'with a space'",
        "user.[a name] LIKE '%space'",
        "[odd]]name] = 1",
        '"say ""hi""" = 2',
        "über = 'Ü'",
        "quantity IN (1, 5 + 5)",
        "quantity NOT IN (1, 2)",
        "colour NOT LIKE 'blue%'",
        "colour LIKE '_e_'",
        "'100%' LIKE '100!%' ESCAPE '!'",
        "missing IS NULL",
        "nothing IS NULL",
        "sys.CorrelationId IS NULL",
        "quantity IS NOT NULL",
        "EXISTS(quantity)",
        "exists ( nothing )",
        "NOT EXISTS(missing)",
        "EXISTS(sys.To) AND NOT EXISTS(sys.ReplyTo)",
        "quantity + 2 * 3 = 16",
        "(quantity + 2) * 3 = 36",
        "quantity - 1 - 1 = 8",
        "quantity / 4 = 2",
        "-quantity / 4 = -2",
        "-quantity % 4 = -2",
        "quantity / 4.0 = 2.5",
        "weight * 4 = 10",
        "weight = 25E-1",
        "weight > .5",
        "urgent = TRUE",
        "urgent <> false",
        "'a' + 'b' = 'ab'",
        "'it''s' = 'it' + '''' + 's'",
        "NOT colour = 'blue' AND quantity = 10",
        "colour = 'blue' AND quantity = 0 OR urgent = TRUE",
        "NOT (colour = 'blue' OR quantity = 0)",
        "p(which) = 'red'",
        "property('quan' + 'tity') = 10",
        "newid() <> newid()",
        "+quantity = - -10",
    ],
)
def test_what_is_true(text: str) -> None:
    assert ask(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "colour = 'Red'",
        "colour LIKE 'r'",
        "quantity IN (1, 2)",
        "quantity NOT IN (10)",
        "EXISTS(missing)",
        "colour = 'blue' AND missing = 1",
        "1 = 0",
    ],
)
def test_what_is_false(text: str) -> None:
    assert ask(text) is False


@pytest.mark.parametrize(
    "text",
    [
        "missing = 1",
        "NOT missing = 1",
        "missing <> missing",
        "nothing = NULL",
        "missing LIKE '%'",
        "missing NOT LIKE '%'",
        "colour LIKE missing",
        "'a' LIKE 'a' ESCAPE missing",
        "missing IN (1, 2)",
        "missing NOT IN (1, 2)",
        "quantity IN (1, missing)",
        "missing + 1 = 1",
        "-missing = 1",
        "colour = 'red' AND missing = 1",
        "colour = 'blue' OR missing = 1",
        "colour = 10",
        "quantity = 'red'",
        "urgent = 1",
        "urgent > FALSE",
        "quantity LIKE '1%'",
        "p(missing) = 1",
        "p(quantity) = 1",
    ],
)
def test_what_is_unknown_and_so_lets_nothing_through(text: str) -> None:
    assert ask(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "quantity / 0 = 1",
        "quantity % 0 = 1",
        "weight / 0.0 = 1",
        "colour + 1 = 1",
        "-colour = 1",
        "urgent * 2 = 2",
        "9223372036854775807 + quantity = 1",
        "colour LIKE 'x' ESCAPE 'no'",
        "colour LIKE '!' ESCAPE '!'",
        "colour LIKE 'x' ESCAPE 1",
    ],
)
def test_what_cannot_be_asked_of_this_message(text: str) -> None:
    with pytest.raises(FilterError):
        ask(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the name of a property is missing at the end"),
        ("colour", "a condition is missing"),
        ("colour =", "the name of a property is missing at the end"),
        ("colour = 'red' quantity = 1", "something is missing before 'quantity' at character 16"),
        ("colour = 'red", "what begins at character 10 is not understood"),
        ("a = @b", "what begins at character 5 is not understood: '@b'"),
        ("NOT 5", "a condition is missing"),
        ("(a = 1) + 1 = 2", "a value is missing"),
        ("a = (b = 1)", "a value is missing"),
        ("a AND b = 1", "a condition is missing"),
        ("a NOT = 1", "IN or LIKE is missing before '='"),
        ("a IN ()", "the name of a property is missing"),
        ("a IN (1, 2", r"\) is missing at the end"),
        ("a IS 5", "NULL is missing before '5'"),
        ("a + 1 IS NULL", "only a property can be NULL"),
        ("EXISTS('a')", "the name of a property is missing"),
        ("EXISTS a", r"\( is missing"),
        ("sys.Colour = 'red'", "there is no system property 'Colour'.*MessageId"),
        ("queue.a = 1", "a property is called user.name or sys.Name"),
        ("lower(a) = 'b'", "there is no function 'lower'"),
        ("AND = 1", "the name of a property is missing before 'AND' at character 1"),
        ("a = 9223372036854775808", "does not fit 64 bits"),
        ("1 = 1;", "something is missing before ';'"),
        ("a = '" + "x" * 1020 + "'", "at most 1024 characters, this one 1026"),
        ("(" * 300 + "a = 1" + ")" * 300, "nested deeper than 40"),
        ("NOT " * 200 + "a = 1", "nested deeper than 40"),
        ("a = " + "- " * 200 + "1", "nested deeper than 40"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(RuleError, match=why):
        parse_condition(text)


def test_values_of_amqp_are_compared_as_what_they_mean() -> None:
    for value, meant in ((Int(3), 3), (Ubyte(3), 3), (Symbol("red"), "red"), (3.0, 3)):
        assert compare("=", operand(value), operand(meant)) is True
    token = UUID(int=1)
    assert compare("=", operand(token), UUID(int=1)) is True
    assert compare("<", operand(token), UUID(int=2)) is None
    assert compare("<", operand(Timestamp(1)), operand(Timestamp(2))) is True
    assert compare("=", operand(Timestamp(1)), 1) is None
    assert compare("=", operand(True), 1) is None


# Laws


def law(text: str, **known: bool | None) -> bool | None:
    """Each name is a condition that is true, false or unknown."""
    return ask(text, Asked({name: None if value is None else int(value) for name, value in known.items()}))


@given(THREE, THREE, THREE)
def test_three_valued_logic_keeps_its_laws(x: bool | None, y: bool | None, z: bool | None) -> None:
    def same(one: str, other: str) -> None:
        assert law(one, x=x, y=y, z=z) is law(other, x=x, y=y, z=z), (one, other)

    same("NOT (x = 1 AND y = 1)", "NOT x = 1 OR NOT y = 1")
    same("NOT (x = 1 OR y = 1)", "NOT x = 1 AND NOT y = 1")
    same("NOT NOT x = 1", "x = 1")
    same("x = 1 AND y = 1", "y = 1 AND x = 1")
    same("x = 1 OR y = 1", "y = 1 OR x = 1")
    same("x = 1 AND (y = 1 OR z = 1)", "x = 1 AND y = 1 OR x = 1 AND z = 1")
    same("x = 1 OR y = 1 AND z = 1", "(x = 1 OR y = 1) AND (x = 1 OR z = 1)")
    same("x = 1 AND (x = 1 OR y = 1)", "x = 1")
    same("x IN (1, y)", "x = 1 OR x = y")
    same("x NOT IN (y, z)", "x <> y AND x <> z")


@given(THREE, THREE)
def test_three_valued_logic_is_the_minimum_and_the_maximum(x: bool | None, y: bool | None) -> None:
    rank = [False, None, True]
    assert law("x = 1 AND y = 1", x=x, y=y) is rank[min(rank.index(x), rank.index(y))]
    assert law("x = 1 OR y = 1", x=x, y=y) is rank[max(rank.index(x), rank.index(y))]


@given(OPERANDS, OPERANDS)
def test_comparisons_agree_with_one_another(one: Operand, other: Operand) -> None:
    message = Asked({"a": one, "b": other})
    equal, less = ask("a = b", message), ask("a < b", message)
    assert ask("a <> b", message) is (None if equal is None else not equal)
    assert ask("b > a", message) is less
    assert ask("a >= b", message) is (None if less is None else not less)
    assert ask("a = b", Asked({"a": other, "b": one})) is equal


@given(st.integers(-1000, 1000), st.integers(-1000, 1000).filter(bool))
def test_whole_numbers_divide_towards_zero_and_leave_the_rest(one: int, other: int) -> None:
    quotient, rest = calculate("/", one, other), calculate("%", one, other)
    assert quotient == int(one / other)
    assert isinstance(quotient, int) and isinstance(rest, int)
    assert quotient * other + rest == one


def as_regex(like: str, escape: str | None) -> "re.Pattern[str]":
    parts, characters = [], iter(like)
    for character in characters:
        if character == escape:
            parts.append(re.escape(next(characters)))
        else:
            parts.append({"%": ".*", "_": "."}.get(character, re.escape(character)))
    return re.compile("".join(parts), re.DOTALL)


LETTERS = st.text("ab%_!\n", max_size=8)


@given(LETTERS, LETTERS, st.sampled_from([None, "!", "a", "%"]))
def test_like_is_what_the_same_regular_expression_is(text: str, like: str, escape: str | None) -> None:
    ends_open = re.sub(f"{re.escape(escape)}.", "", like, flags=re.DOTALL).endswith(escape) if escape else False
    if ends_open:
        with pytest.raises(FilterError, match="ends with its escape character"):
            pattern(like, escape)
        return
    assert matches(text, pattern(like, escape)) == bool(as_regex(like, escape).fullmatch(text))


def test_like_takes_no_longer_the_more_it_could_try() -> None:
    assert not matches("a" * 2_000, pattern("%a" * 30 + "b", None))
