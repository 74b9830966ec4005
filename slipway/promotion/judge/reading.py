"""A window as JSON, as adapters and recordings deliver it. What cannot be true makes the judge blind, never angry."""

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.promotion.histogram import BUCKETS_PER_DOUBLING, LatencyHistogram
from slipway.promotion.judge.windows import MOST, Arm, Half, Window, shortened


def read_window(data: Mapping[str, Any]) -> Window:
    """The window in `data`; never raises.

    Shape: `{"tick": 3, "canary": {"requests": [..], "failures": [..], "latencies": {"buckets_per_doubling": 36,
    "counts": {bucket: count}}, "own": {name: [total, bad]}, "cpu": .., "memory": ..}, "baseline": {..},
    "halves": [{"requests": .., "failures": .., "latencies": .., "own": ..}, {..}], "cold": false, "settling": false,
    "items": 1, "fault": "", "unread": []}`; all but `tick` may be missing. Requests and failures may be one number
    instead of blocks.

    Counts that cannot be true give a window without arms and with `fault`. A histogram of another layout, or a CPU or
    memory that can be none, is left out and named in `unread`. Without a usable tick the window has number 0: never
    due.
    """
    if not isinstance(data, Mapping):
        return Window(0, fault=f"a window is an object, not {type(data).__name__}")
    if not _is_count(data.get("tick")) or data["tick"] == 0:
        return Window(0, fault=_readable(f"a window needs the number of its tick, not {data.get('tick')!r}"))
    tick = int(data["tick"])
    unread: list[str] = [str(text) for text in data.get("unread") or () if isinstance(data.get("unread"), list)]
    try:
        halves = data.get("halves")
        window = Window(
            tick=tick,
            canary=_arm("canary", data.get("canary"), unread),
            baseline=_arm("baseline", data.get("baseline"), unread),
            halves=None if halves is None else _halves(halves, unread),
            cold=_yes_or_no("cold", data.get("cold")),
            settling=_yes_or_no("settling", data.get("settling")),
            items=float(data.get("items", 1.0)),
            fault=_readable(str(data.get("fault") or "")),
            unread=tuple(_readable(text) for text in unread),
        )
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        return Window(tick, fault=_readable(f"telemetry cannot be read: {error}"))
    return Window(tick, fault=_readable(window.trouble)) if window.trouble else window


def dump_window(window: Window) -> dict[str, Any]:
    """The reverse of `read_window`."""
    return {
        "tick": window.tick,
        "canary": _dump_arm(window.canary),
        "baseline": _dump_arm(window.baseline),
        "halves": [_dump_half(half) for half in window.halves] if window.halves else None,
        "cold": window.cold,
        "settling": window.settling,
        "items": window.items,
        "fault": window.fault,
        "unread": list(window.unread),
    }


def _readable(text: str) -> str:
    """Short, and of letters that UTF-8 has: words of telemetry travel in the judge's state and in verdicts."""
    return shortened(text).encode(errors="replace").decode()


def _arm(name: str, data: Any, unread: list[str]) -> Arm | None:
    if data is None:
        return None
    return Arm(
        requests=_blocks(f"{name} requests", data.get("requests")),
        failures=_blocks(f"{name} failures", data.get("failures")),
        latencies=_latencies(name, data.get("latencies"), unread),
        own=_own(data.get("own") or {}),
        cpu=_reading(f"{name} cpu", data.get("cpu"), unread),
        memory=_reading(f"{name} memory", data.get("memory"), unread),
    )


def _halves(data: Any, unread: list[str]) -> tuple[Half, Half]:
    if not isinstance(data, Sequence) or len(data) != 2:
        raise ValueError("the baseline's halves are two")
    first, second = (_half(half, unread) for half in data)
    return first, second


def _half(data: Any, unread: list[str]) -> Half:
    return Half(
        requests=_count("requests of a half", data.get("requests")),
        failures=_count("failures of a half", data.get("failures")),
        latencies=_latencies("a half of the baseline", data.get("latencies"), unread),
        own=_own(data.get("own") or {}),
    )


def _blocks(name: str, data: Any) -> tuple[int, ...]:
    values = data if isinstance(data, list | tuple) else [data]
    return tuple(_count(name, value) for value in values)


def _own(data: Any) -> dict[str, tuple[int, int]]:
    return {str(name): (_count(name, total), _count(name, bad)) for name, (total, bad) in data.items()}


def _count(name: str, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not _is_count(value):
        raise ValueError(f"{name}: {value!r} is no count")
    return int(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def _latencies(name: str, data: Any, unread: list[str]) -> LatencyHistogram | None:
    if data is None:
        return None
    layout = data.get("buckets_per_doubling")
    if layout != BUCKETS_PER_DOUBLING:
        unread.append(f"latencies of {name}: {layout} buckets per doubling instead of {BUCKETS_PER_DOUBLING}")
        return None
    counts = data.get("counts")
    if not isinstance(counts, Mapping) or not all(_is_count(count) for count in counts.values()):
        unread.append(f"latencies of {name}: not all are counts")
        return None
    return LatencyHistogram.load(dict(counts))


def _yes_or_no(name: str, value: Any) -> bool:
    if not isinstance(value, bool | None):
        raise ValueError(f"{name}: {value!r} is neither true nor false")
    return value is True


def _reading(name: str, value: Any, unread: list[str]) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and 0 <= value <= MOST:
        return float(value)
    unread.append(f"{name}: {value!r}")
    return None


def _dump_arm(arm: Arm | None) -> dict[str, Any] | None:
    if arm is None:
        return None
    return {
        "requests": list(arm.requests),
        "failures": list(arm.failures),
        "latencies": _dump_latencies(arm.latencies),
        "own": {name: list(pair) for name, pair in arm.own.items()},
        "cpu": arm.cpu,
        "memory": arm.memory,
    }


def _dump_half(half: Half) -> dict[str, Any]:
    return {
        "requests": half.requests,
        "failures": half.failures,
        "latencies": _dump_latencies(half.latencies),
        "own": {name: list(pair) for name, pair in half.own.items()},
    }


def _dump_latencies(latencies: LatencyHistogram | None) -> dict[str, Any] | None:
    if latencies is None:
        return None
    return {"buckets_per_doubling": BUCKETS_PER_DOUBLING, "counts": latencies.dump()}
