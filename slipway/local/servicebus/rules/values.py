"""The values of the filter language, and what its operators make of them.

A value is a bool, int (64 bits), float, str, UUID, Timestamp, bytes, or None for what is unknown or NULL. As in
SQL, None is neither equal nor unequal to anything, itself included.
"""

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from slipway.local.servicebus.rules.errors import FilterError
from slipway.local.servicebus.types import Timestamp

Operand = bool | int | float | str | UUID | bytes | None

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPARISONS = frozenset(_ORDERED)
_ONLY_EQUAL = ("=", "<>", "!=")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def operand(value: object) -> Operand:
    """A value of AMQP as one of the language; None for what it has no kind for, e.g. a decimal."""
    if value is None or isinstance(value, bool | Timestamp | UUID):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return value if type(value) is bytes else None


def compare(sign: str, left: Operand, right: Operand) -> bool | None:
    """Unknown when one side is, or when the two are of kinds that have no order between them."""
    kind = _kind(left)
    if kind is None or kind is not _kind(right):
        return None
    if kind in (bool, UUID, bytes) and sign not in _ONLY_EQUAL:
        return None
    return _ORDERED[sign](left, right)


def both(left: bool | None, right: bool | None) -> bool | None:
    """AND: one false is enough."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:
    """OR: one true is enough."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def among(left: Operand, choices: Iterable[Operand]) -> bool | None:
    """IN: as many comparisons joined by OR, so an unknown choice leaves open what no other has settled."""
    answer: bool | None = False
    for choice in choices:
        answer = either(answer, compare("=", left, choice))
    return answer


def calculate(sign: str, left: Operand, right: Operand) -> Operand:
    """As C# does it: whole numbers stay whole, `/` cuts towards zero, `+` joins texts. Raises FilterError."""
    if left is None or right is None:
        return None
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    one, other = _number(sign, left), _number(sign, right)
    if isinstance(one, int) and isinstance(other, int):
        return _whole(sign, one, other)
    return _floating(sign, float(one), float(other))


def _kind(value: Operand) -> type | None:
    """What a value can be compared with: numbers of both sorts are one kind."""
    if value is None:
        return None
    for kind in (bool, Timestamp, str, UUID, bytes):
        if isinstance(value, kind):
            return kind
    return float


def _number(sign: str, value: Operand) -> int | float:
    if isinstance(value, bool | Timestamp) or not isinstance(value, int | float):
        raise FilterError(f"{value!r} is no number that {sign} could take")
    return value


def _whole(sign: str, one: int, other: int) -> int:
    if sign in "/%":
        if other == 0:
            raise FilterError("division by zero")
        quotient = abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)
        result = quotient if sign == "/" else one - quotient * other
    else:
        result = one + other if sign == "+" else one - other if sign == "-" else one * other
    if not _SMALLEST <= result <= _LARGEST:
        raise FilterError(f"{one} {sign} {other} does not fit 64 bits")
    return result


def _floating(sign: str, one: float, other: float) -> float:
    match sign:
        case "+":
            return one + other
        case "-":
            return one - other
        case "*":
            return one * other
    if other == 0:
        raise FilterError("division by zero")
    return one / other if sign == "/" else math.fmod(one, other)
