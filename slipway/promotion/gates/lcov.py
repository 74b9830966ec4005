"""lcov's text: records of `KEY:value` lines, each ended by `end_of_record`."""

from dataclasses import dataclass, field
from typing import BinaryIO

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.measured import Measured, share_of
from slipway.promotion.gates.reading import TooLarge, Unreadable

_LONGEST = 64 * 1024  # of a line, in bytes
_MOST_FILES = 200_000
_SUMS = ("LF", "LH", "BRF", "BRH")


@dataclass
class _Record:
    """One file. The sums that a tool leaves out are counted from its `DA` and `BRDA`."""

    sums: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SUMS, 0))

    def of(self, key: str) -> int:
        return self.sums.get(key, self.counted[key])


def read_lcov(read: BinaryIO) -> Measured:
    """Raises Unreadable, saying in which line, and TooLarge."""
    totals = dict.fromkeys(_SUMS, 0)
    files: set[str] = set()
    record: _Record | None = None
    number = 0
    while line := read.readline(_LONGEST + 1):
        number += 1
        if len(line) > _LONGEST:
            raise Unreadable(f"line {number} is longer than {_LONGEST:,} bytes; that is no lcov report")
        key, _, value = line.decode("utf-8", "replace").strip().partition(":")
        if key == "SF":
            if record is not None:
                raise Unreadable(f"line {number}: a file begins before the one before it has ended")
            record = _Record()
            _once(value, files)
        elif key == "end_of_record":
            if record is None:
                raise Unreadable(f"line {number}: a record ends that has not begun")
            for name in _SUMS:
                totals[name] += record.of(name)
            record = None
        elif record is not None:
            _take(record, key, value, number)
        elif key and key != "TN" and not key.startswith("#"):
            raise Unreadable(f"line {number}: {cut(key, 40)!r} stands outside of any record; that is no lcov report")
    if record is not None:
        raise Unreadable(f"it ends after line {number}, within a record: it was cut off")
    return Measured(share_of(totals["LH"], totals["LF"], "lines"), share_of(totals["BRH"], totals["BRF"], "branches"))


def _once(file: str, files: set[str]) -> None:
    if file in files:
        raise Unreadable(f"{cut(file)} is in it twice, as of several runs: merge them first (lcov --add-tracefile)")
    if len(files) >= _MOST_FILES:
        raise TooLarge(f"more than {_MOST_FILES:,} files")
    files.add(file)


def _take(record: _Record, key: str, value: str, number: int) -> None:
    if key in _SUMS:
        record.sums[key] = _count(value, number)
    elif key == "DA":
        record.counted["LF"] += 1
        record.counted["LH"] += _is_hit(value.split(",")[1:2], number)
    elif key == "BRDA":
        record.counted["BRF"] += 1
        record.counted["BRH"] += _is_hit(value.split(",")[3:4], number)


def _is_hit(hits: list[str], number: int) -> bool:
    """`-` is a branch that was never come by. Some tools count below 0 where a counter ran over: no hit is proven."""
    text = hits[0].strip() if hits else ""
    return text not in ("-", "0") and not text.startswith("-") and _count(text, number) > 0


def _count(text: str, number: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Unreadable(f"line {number}: {cut(text, 40)!r} is not a count")
    return int(text)
