"""`$filter` of the Table service: comparisons joined by and, or, not and parentheses (OData 3 §10.2.3.6)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeAlias

from slipway.local.azure.tables.entity import Value, moment

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": eq, "ne": ne, "gt": gt, "ge": ge, "lt": lt, "le": le,
}  # fmt: skip
MIRRORED = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}

TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>\() | (?P<close>\))
    | (?P<typed>(?P<type>datetime|guid|binary|X)'(?P<inner>[^']*)')
    | '(?P<text>(?:[^']|'')*)'
    | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)L?
    | (?P<word>[A-Za-z_][\w]*)
    )\s*""",
    re.VERBOSE,
)


class FilterError(ValueError):
    """The filter cannot be read; the text says where."""


@dataclass(frozen=True)
class Comparison:
    """A property on the left, a literal on the right."""

    property: str
    operator: str
    literal: Value

    def holds(self, properties: Mapping[str, Value]) -> bool:
        """As in the service: an entity without the property, or with another type there, does not match."""
        value = properties.get(self.property)
        if value is None or not _comparable(value, self.literal):
            return False
        return COMPARISONS[self.operator](value, self.literal)


@dataclass(frozen=True)
class Both:
    left: "Filter"
    right: "Filter"

    def holds(self, properties: Mapping[str, Value]) -> bool:
        return self.left.holds(properties) and self.right.holds(properties)


@dataclass(frozen=True)
class Either:
    left: "Filter"
    right: "Filter"

    def holds(self, properties: Mapping[str, Value]) -> bool:
        return self.left.holds(properties) or self.right.holds(properties)


@dataclass(frozen=True)
class Not:
    inner: "Filter"

    def holds(self, properties: Mapping[str, Value]) -> bool:
        return not self.inner.holds(properties)


Filter: TypeAlias = Comparison | Both | Either | Not


def parse(text: str) -> Filter:
    """Raises FilterError."""
    parser = _Parser(list(_tokens(text)))
    found = parser.either()
    parser.end()
    return found


def key_bounds(filter: Filter | None) -> Iterator[Comparison]:
    """The comparisons on keys that every match must fulfil: a store can use them to look at fewer rows."""
    match filter:
        case Both(left, right):
            yield from key_bounds(left)
            yield from key_bounds(right)
        case Comparison("PartitionKey" | "RowKey", operator, str()) if operator != "ne":
            yield filter


@dataclass(frozen=True)
class _Token:
    kind: str  # open, close, word, literal
    value: Value


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise FilterError(f"cannot read the filter from {text[at:]!r} on")
        at = match.end()
        yield _token(match)


def _token(match: re.Match[str]) -> _Token:
    if match["open"] or match["close"]:
        return _Token("open" if match["open"] else "close", "")
    if match["typed"]:
        return _Token("literal", _typed(match["type"], match["inner"]))
    if match["text"] is not None:
        return _Token("literal", match["text"].replace("''", "'"))
    if match["number"]:
        number = match["number"]
        return _Token("literal", int(number) if re.fullmatch(r"[+-]?\d+", number) else float(number))
    if match["word"] in ("true", "false"):
        return _Token("literal", match["word"] == "true")
    return _Token("word", match["word"])


def _typed(type: str, inner: str) -> Value:
    try:
        if type == "datetime":
            return moment(inner)
        return inner.lower() if type == "guid" else bytes.fromhex(inner)
    except ValueError as error:
        raise FilterError(f"{inner!r} is no {type}") from error


class _Parser:
    """Recursive descent; `not` binds tighter than `and`, `and` tighter than `or`."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def either(self) -> Filter:
        found = self.both()
        while self._takes_word("or"):
            found = Either(found, self.both())
        return found

    def both(self) -> Filter:
        found = self.one()
        while self._takes_word("and"):
            found = Both(found, self.one())
        return found

    def one(self) -> Filter:
        if self._takes_word("not"):
            return Not(self.one())
        token = self._next()
        if token.kind == "open":
            found = self.either()
            if self._next().kind != "close":
                raise FilterError("a parenthesis is not closed")
            return found
        operator, right = self._next(), self._next()
        if operator.kind != "word" or operator.value not in COMPARISONS:
            raise FilterError(f"{operator.value!r} is no comparison")
        if token.kind == "word" and right.kind == "literal":
            return Comparison(str(token.value), str(operator.value), right.value)
        if token.kind == "literal" and right.kind == "word":
            return Comparison(str(right.value), MIRRORED[str(operator.value)], token.value)
        raise FilterError("a comparison needs a property and a literal")

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise FilterError(f"unexpected {self._tokens[self._at].value!r} after the filter's end")

    def _takes_word(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == _Token("word", word)
        self._at += found
        return found

    def _next(self) -> _Token:
        if self._at == len(self._tokens):
            raise FilterError("the filter ends too early")
        self._at += 1
        return self._tokens[self._at - 1]


def _comparable(one: Value, other: Value) -> bool:
    numbers = (int, float)
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool)
    if isinstance(one, numbers) and isinstance(other, numbers):
        return True
    return type(one) is type(other) or (isinstance(one, datetime) and isinstance(other, datetime))
