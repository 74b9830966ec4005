"""The filter language: text in, something out that asks a message.

Grammar: Microsoft's "Subscription Rule SQL Filter Syntax", without parameters. Tightest first: signs, `* / %`,
`+ -`, comparisons with IN, LIKE and IS, NOT, AND, OR.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from uuid import uuid4

from slipway.local.servicebus.rules import values
from slipway.local.servicebus.rules.errors import FilterError, RuleError
from slipway.local.servicebus.rules.like import matches, pattern
from slipway.local.servicebus.rules.reader import Reader
from slipway.local.servicebus.rules.tokens import Kind
from slipway.local.servicebus.rules.values import Operand

SYSTEM = {
    name.lower(): name
    for name in (
        "MessageId",
        "CorrelationId",
        "To",
        "ReplyTo",
        "Label",
        "Subject",
        "SessionId",
        "ReplyToSessionId",
        "ContentType",
    )
}
"""The system properties that a rule may name, by their names in lower case."""


class Message(Protocol):
    """What a filter asks. Names of users' properties are compared without regard to case."""

    def system(self, name: str) -> Operand: ...

    def user(self, name: str) -> Operand: ...

    def has(self, name: str) -> bool:
        """Whether there is such a property of the user, be it null."""
        ...


Value = Callable[[Message], Operand]
Condition = Callable[[Message], bool | None]
"""True, false, or None for unknown. Raises FilterError."""


@dataclass(frozen=True)
class Property:
    """`system` = one that the broker knows, else one that the sender made up."""

    name: str
    system: bool

    def __call__(self, message: Message) -> Operand:
        return message.system(self.name) if self.system else message.user(self.name)

    def exists(self, message: Message) -> bool:
        return message.system(self.name) is not None if self.system else message.has(self.name)


@dataclass(frozen=True)
class Answer:
    """A condition, where the grammar could have had a value: `(a = 1)` begins as `(a + 1)` does."""

    ask: Condition


def parse_condition(text: str) -> Condition:
    """A filter. Raises RuleError with the place and the reason."""
    reader = Reader(text)
    found = _condition(reader, _or(reader))
    if reader.next.kind is not Kind.END:
        raise reader.wrong("something is missing")
    return found


def parse_value(reader: Reader) -> Value:
    """A value, as SET takes it. Raises RuleError."""
    return _value(reader, _sum(reader))


def parse_property(reader: Reader) -> Property:
    """`name`, `[a name]`, `user.name` or `sys.Name`. Raises RuleError."""
    if reader.next.kind not in (Kind.NAME, Kind.DELIMITED):
        raise reader.wrong("the name of a property is missing")
    first = reader.take()
    if not reader.accept("."):
        return Property(first.text, system=False)
    scope = first.text.lower() if first.kind is Kind.NAME else ""
    if scope not in ("sys", "user") or reader.next.kind not in (Kind.NAME, Kind.DELIMITED):
        raise reader.wrong("a property is called user.name or sys.Name")
    name = reader.take().text
    if scope == "user":
        return Property(name, system=False)
    if name.lower() not in SYSTEM:
        raise RuleError(f"there is no system property '{name}' that a rule could use; {', '.join(SYSTEM.values())}")
    return Property(SYSTEM[name.lower()], system=True)


_Node = Value | Answer


def _condition(reader: Reader, node: _Node) -> Condition:
    if not isinstance(node, Answer):
        raise reader.wrong("a condition is missing, e.g. a comparison,")
    return node.ask


def _value(reader: Reader, node: _Node) -> Value:
    if isinstance(node, Answer):
        raise reader.wrong("a value is missing, and a condition is none,")
    return node


def _or(reader: Reader) -> _Node:
    node = _and(reader)
    while reader.accept("OR"):
        node = Answer(partial(_joined, values.either, _condition(reader, node), _condition(reader, _and(reader))))
    return node


def _and(reader: Reader) -> _Node:
    node = _not(reader)
    while reader.accept("AND"):
        node = Answer(partial(_joined, values.both, _condition(reader, node), _condition(reader, _not(reader))))
    return node


def _not(reader: Reader) -> _Node:
    if not reader.accept("NOT"):
        return _comparison(reader)
    reader.deeper()
    inner = _condition(reader, _not(reader))
    reader.shallower()
    return Answer(lambda message: values.negated(inner(message)))


def _comparison(reader: Reader) -> _Node:
    if reader.accept("EXISTS"):
        reader.expect("(")
        named = parse_property(reader)
        reader.expect(")")
        return Answer(named.exists)
    node = _sum(reader)
    if sign := reader.accept(*values.COMPARISONS):
        return Answer(partial(_compared, sign, _value(reader, node), _value(reader, _sum(reader))))
    if reader.accept("IS"):
        return _is_null(reader, node)
    denied = reader.accept("NOT") is not None
    if reader.accept("IN"):
        found = _in(reader, _value(reader, node))
    elif reader.accept("LIKE"):
        found = _like(reader, _value(reader, node))
    elif denied:
        raise reader.wrong("IN or LIKE is missing")
    else:
        return node
    return Answer(lambda message: values.negated(found(message))) if denied else Answer(found)


def _is_null(reader: Reader, node: _Node) -> Answer:
    if not isinstance(node, Property):
        raise reader.wrong("only a property can be NULL,")
    named, denied = node, reader.accept("NOT") is not None
    reader.expect("NULL")
    return Answer(lambda message: (named(message) is None) is not denied)


def _in(reader: Reader, left: Value) -> Condition:
    reader.expect("(")
    choices = [parse_value(reader)]
    while reader.accept(","):
        choices.append(parse_value(reader))
    reader.expect(")")
    return lambda message: values.among(left(message), (choice(message) for choice in choices))


def _like(reader: Reader, left: Value) -> Condition:
    right = parse_value(reader)
    escape = parse_value(reader) if reader.accept("ESCAPE") else None
    return partial(_fits, left, right, escape)


def _sum(reader: Reader) -> _Node:
    node = _product(reader)
    while sign := reader.accept("+", "-"):
        node = partial(_calculated, sign, _value(reader, node), _value(reader, _product(reader)))
    return node


def _product(reader: Reader) -> _Node:
    node = _signed(reader)
    while sign := reader.accept("*", "/", "%"):
        node = partial(_calculated, sign, _value(reader, node), _value(reader, _signed(reader)))
    return node


def _signed(reader: Reader) -> _Node:
    sign = reader.accept("+", "-")
    if sign is None:
        return _operand(reader)
    reader.deeper()
    inner = _value(reader, _signed(reader))
    reader.shallower()
    return partial(_calculated, sign, _constant(0), inner)


def _operand(reader: Reader) -> _Node:
    token = reader.next
    if reader.accept("("):
        reader.deeper()
        node = _or(reader)
        reader.shallower()
        reader.expect(")")
        return _bare(node)
    if constant := reader.accept("TRUE", "FALSE", "NULL"):
        return _constant({"TRUE": True, "FALSE": False, "NULL": None}[constant])
    match token.kind:
        case Kind.TEXT:
            return _constant(reader.take().text)
        case Kind.WHOLE:
            return _constant(_whole(reader))
        case Kind.REAL:
            return _constant(float(reader.take().text))
    named = parse_property(reader)
    return _function(reader, named) if reader.sees("(") else named


def _function(reader: Reader, named: Property) -> Value:
    reader.expect("(")
    match named.name.lower():
        case "newid":
            reader.expect(")")
            return lambda message: uuid4()
        case "property" | "p":
            inner = parse_value(reader)
            reader.expect(")")
            return partial(_named, inner)
    raise reader.wrong(f"there is no function '{named.name}', only newid, property and p,")


def _bare(node: _Node) -> _Node:
    """What stands in brackets is no property any more: `(a) IS NULL` is not in the grammar."""
    return partial(_same, node) if isinstance(node, Property) else node


def _whole(reader: Reader) -> int:
    number = int(reader.next.text)
    if number >= 2**63:
        raise reader.wrong("a number does not fit 64 bits")
    reader.take()
    return number


def _constant(value: Operand) -> Value:
    return lambda message: value


# What is asked of each message


def _same(named: Property, message: Message) -> Operand:
    return named(message)


def _joined(
    join: Callable[[bool | None, bool | None], bool | None], one: Condition, other: Condition, message: Message
) -> bool | None:
    return join(one(message), other(message))


def _compared(sign: str, left: Value, right: Value, message: Message) -> bool | None:
    return values.compare(sign, left(message), right(message))


def _calculated(sign: str, left: Value, right: Value, message: Message) -> Operand:
    return values.calculate(sign, left(message), right(message))


def _fits(left: Value, right: Value, escape: Value | None, message: Message) -> bool | None:
    text, like = left(message), right(message)
    character = None if escape is None else escape(message)
    if not isinstance(text, str) or not isinstance(like, str):
        return None
    if escape is not None and not isinstance(character, str):
        if character is None:
            return None
        raise FilterError(f"ESCAPE takes one character, not {character!r}")
    return matches(text, pattern(like, character if isinstance(character, str) else None))


def _named(inner: Value, message: Message) -> Operand:
    name = inner(message)
    return message.user(name) if isinstance(name, str) else None
