"""Quantities as a pipeline writes them: durations, latencies, rates and shares.

Each type holds a plain number (seconds, milliseconds, requests per second, 0..1) and reads the written form.
"""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from slipway.promotion.pipeline.findings import quoted

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_AMOUNT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)\Z")
_ISO_8601 = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,6})D)?(?:T(?=[0-9])(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?"
    r"(?:([0-9]{1,9}(?:\.[0-9]{1,6})?)S)?)?\Z"
)
_RATE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)/(s|min)\Z")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%\Z")


def refusal(code: str, words: str, suggestion: str = "") -> PydanticCustomError:
    """What a validator raises; it becomes a finding with this code and these words."""
    return PydanticCustomError(code, "{words}", {"words": words, "suggestion": suggestion})


def seconds(written: Any) -> float:
    """The seconds of `30s`, `5m`, `8h`, `1d`, `300ms` or ISO 8601. Raises PydanticCustomError."""
    text = written if isinstance(written, str) else ""
    if amount := _AMOUNT.match(text):
        return round(float(amount[1]) * _SECONDS[amount[2]], 6)
    if iso := _ISO_8601.match(text):
        parts = zip(iso.groups(), (86400, 3600, 60, 1), strict=True)
        return round(sum(float(part) * unit for part, unit in parts if part), 6)
    if isinstance(written, int | float) and not isinstance(written, bool):
        raise refusal("INVALID_DURATION", f"{quoted(written)} has no unit; write {written}s or {written}m")
    raise refusal(
        "INVALID_DURATION",
        f"{quoted(written)} is not a duration; write 300ms, 30s, 5m, 8h, 1d, or ISO 8601 such as PT5M",
    )


def between(at_least: str, at_most: str) -> Callable[[Any], float]:
    """A reader of durations from `at_least` to `at_most`, both included."""
    lowest, highest = seconds(at_least), seconds(at_most)

    def read(written: Any) -> float:
        value = seconds(written)
        if not lowest <= value <= highest:
            words = f"{quoted(written)} is out of range; it can be {at_least} to {at_most}"
            raise refusal("OUT_OF_RANGE", words)
        return value

    return read


def milliseconds(written: Any) -> float:
    """The milliseconds of a latency such as `300ms` or `0.3s`, up to 5m. Raises PydanticCustomError."""
    if isinstance(written, int | float) and not isinstance(written, bool):
        raise refusal("INVALID_DURATION", f"{quoted(written)} has no unit; write {written}ms or {written}s")
    return round(between("1ms", "5m")(written) * 1000, 3)


def requests_per_second(written: Any) -> float:
    """The requests per second of `40/s`, or of `6/min`. Raises PydanticCustomError."""
    rate = _RATE.match(written) if isinstance(written, str) else None
    if rate is None or float(rate[1]) == 0:
        words = f"{quoted(written)} is not a rate; write requests per second such as 40/s, or 6/min"
        raise refusal("INVALID_RATE", words)
    return float(rate[1]) / (60 if rate[2] == "min" else 1)


def share(written: Any) -> float:
    """The share (0 to below 1) of `1%` or `0.01`. Raises PydanticCustomError."""
    value = math.nan
    if isinstance(written, str) and (percent := _PERCENT.match(written)):
        value = round(float(percent[1]) / 100, 9)
    elif isinstance(written, int | float) and not isinstance(written, bool):
        value = float(written)
    if not 0 <= value < 1:
        raise refusal(
            "INVALID_SHARE",
            f"{quoted(written)} is not a share below 100%; write a percentage (1%) or a fraction (0.01)",
        )
    return value


def percentage(at_most: float) -> Callable[[Any], float]:
    """A reader of `10%` or `0.1`, from 0 to `at_most` (a share)."""

    def read(written: Any) -> float:
        value = math.nan
        if isinstance(written, str) and (percent := _PERCENT.match(written)):
            value = round(float(percent[1]) / 100, 9)
        elif isinstance(written, int | float) and not isinstance(written, bool):
            value = float(written)
        if not 0 <= value <= at_most:
            words = f"{quoted(written)} is not a percentage from 0% to {at_most:.0%}; write 10% or 0.1"
            raise refusal("INVALID_SHARE", words)
        return value

    return read


_DURATION = {
    "type": "string",
    "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d)|P(?=[\dT])(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$",
}
DURATION_SCHEMA = WithJsonSchema({**_DURATION, "examples": ["30s", "5m", "8h", "1d", "PT5M"]})

Latency = Annotated[float, BeforeValidator(milliseconds), WithJsonSchema({**_DURATION, "examples": ["300ms", "0.3s"]})]
Rate = Annotated[
    float,
    BeforeValidator(requests_per_second),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?/(s|min)$", "examples": ["40/s", "6/min"]}),
]
_PERCENTAGE = {"type": "string", "pattern": r"^\d+(\.\d+)? ?%$"}
Share = Annotated[
    float,
    BeforeValidator(share),
    WithJsonSchema(
        {"anyOf": [_PERCENTAGE, {"type": "number", "minimum": 0, "exclusiveMaximum": 1}], "examples": ["1%", 0.01]}
    ),
]
Weight = Annotated[
    float,
    BeforeValidator(percentage(1)),
    WithJsonSchema({"anyOf": [_PERCENTAGE, {"type": "number", "minimum": 0, "maximum": 1}], "examples": ["5%", 0.05]}),
]
Margin = Annotated[
    float,
    BeforeValidator(percentage(9)),
    WithJsonSchema({"anyOf": [_PERCENTAGE, {"type": "number", "minimum": 0, "maximum": 9}], "examples": ["10%", 0.1]}),
]
