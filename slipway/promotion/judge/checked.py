"""A stored state read back: every value is of the kind that is meant and a number that can be, or ValueError says which
is not. A state that was damaged must be noticed, because no comparison with NaN ever holds."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

from slipway.promotion.judge.evidence import Evidence
from slipway.promotion.judge.windows import Counts

MOST = 1e60  # more than the squares of all counts together
MOST_COUNTED = 10**22  # more than all counts together
NUMBERS = (float, int)
LOGS = len(Evidence().logs)


def number(value: Any, signed: bool = False) -> Any:
    """A finite number, and 0 or more if it has no sign."""
    if type(value) not in NUMBERS or not (-MOST if signed else 0) <= value <= MOST:
        raise ValueError(f"{value!r} is no number that can be there")
    return value


def count(value: Any) -> int:
    """A whole number from 0 on."""
    if type(value) is not int or not 0 <= value <= MOST_COUNTED:
        raise ValueError(f"{value!r} is no count")
    return value


def word(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def several(values: Any) -> Sequence[Any]:
    """A list."""
    if not isinstance(values, list | tuple):
        raise ValueError(f"{values!r} is no list")
    return values


def numbers(values: Any, wanted: int, signed: bool = False) -> tuple[float, ...]:
    """So many of them."""
    least = -MOST if signed else 0
    for value in several(values):
        if type(value) not in NUMBERS or not least <= value <= MOST:
            number(value, signed)
    if len(values) != wanted:
        raise ValueError(f"{len(values)} numbers instead of {wanted}")
    return tuple(map(float, values))


def counts_of(values: Any) -> Counts:
    """Requests and bad ones of both arms."""
    requests, bad, of_baseline, bad_of_baseline = (count(value) for value in several(values))
    counts = Counts(requests, bad, of_baseline, bad_of_baseline)
    if counts.x > counts.n or counts.y > counts.m:
        raise ValueError(f"more bad requests than requests in {values!r}")
    return counts


def evidence_of(ticks: Any, logs: Any) -> Evidence:
    return Evidence(count(ticks), numbers(logs, LOGS, signed=True))


def plain(data: Any, usual: Any, names: Sequence[str], signed: Sequence[str] = ()) -> dict[str, Any]:
    """The fields `names` of an object, each of the kind that it is in `usual`; those in `signed` may be below 0."""
    return {name: _like(data[name], getattr(usual, name), name in signed) for name in names}


def all_of(data: Any, usual: Any, signed: Sequence[str] = (), apart: Sequence[str] = ()) -> dict[str, Any]:
    """As `plain`, of all fields of the dataclass but those read apart; more or fewer are not taken."""
    names = _names(usual.__class__)
    if not isinstance(data, Mapping) or data.keys() != set(names):
        raise ValueError(f"not the fields of {type(usual).__name__}")
    return plain(data, usual, [name for name in names if name not in apart], signed)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _like(value: Any, usual: Any, signed: bool) -> Any:
    kind = type(usual)
    if kind is float:
        return number(value, signed)
    if kind is int:
        return count(value)
    if type(value) is not kind:
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value
