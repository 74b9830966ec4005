"""Durations of a pipeline, as seconds and as they are written."""

from pydantic_core import PydanticCustomError

from slipway.promotion.pipeline.units import seconds


def seconds_of(written: object) -> float:
    """A duration's seconds; 0 when it is not there, or is reported elsewhere."""
    try:
        return seconds(written)
    except PydanticCustomError:
        return 0.0


def written(seconds: float) -> str:
    """`90s` as a pipeline has it: `1.5m`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size and seconds % (size / 2) == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
