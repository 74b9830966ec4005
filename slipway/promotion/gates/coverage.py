"""Coverage of a whole report: Cobertura XML, or lcov's text."""

import math
from dataclasses import dataclass
from typing import BinaryIO

from slipway.promotion.gates.answer import Breach, GateAnswer, cut, judged
from slipway.promotion.gates.lcov import read_lcov
from slipway.promotion.gates.measured import Measured, share_of
from slipway.promotion.gates.reading import Asked, Incomplete, Unreadable
from slipway.promotion.gates.xml_reading import count, walk

_SAME = 1e-9  # two shares that differ by less are the same


def judge(asked: Asked, read: BinaryIO) -> GateAnswer:
    """Raises Unreadable, TooLarge, Incomplete."""
    read.seek(0)
    first = read.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    read.seek(0)
    measured = _cobertura(read) if first == b"<" else read_lcov(read)
    if measured.lines is None:
        raise Incomplete("it measured no line")
    breaches = [*_below(asked, measured), *_lower(asked, measured)]
    shares = {name: share for name, share in measured.shares if share is not None}
    least = [f"{name} {_percent(share)}{_asked(asked, name)}" for name, share in shares.items()]
    facts = {name: round(share, 6) for name, share in shares.items()}
    return judged(breaches, ", ".join(least), facts, facts)


def _below(asked: Asked, measured: Measured) -> list[Breach]:
    breaches = []
    for name, share in measured.shares:
        least = asked.setting(name)
        if least is None:
            continue
        if share is None:
            raise Incomplete(f"it measured no {name}, and {_percent(least)} of them must be covered")
        if share < least - _SAME:
            words = f"{name} coverage is {_percent(share)}, at least {_percent(least)} must be covered"
            breaches.append(Breach("COVERAGE_TOO_LOW", words))
    return breaches


def _lower(asked: Asked, measured: Measured) -> list[Breach]:
    if not asked.setting("not_lower") or asked.previous is None:
        return []
    breaches = []
    for name, share in measured.shares:
        before = asked.previous.get(name)
        if before is None:
            continue
        if share is None:
            raise Incomplete(f"it measured no {name}; the live release has {_percent(before)} of them covered")
        if share < before - 1e-6:  # as it was rounded to be kept
            words = f"{name} coverage fell from {_percent(before)} of the live release to {_percent(share)}"
            breaches.append(Breach("COVERAGE_FELL", words))
    return breaches


def _asked(asked: Asked, name: str) -> str:
    least = asked.setting(name)
    return "" if least is None else f" of at least {_percent(least)}"


def _percent(share: float) -> str:
    """Rounded down, so that 79.996 % never reads as 80 %."""
    return f"{math.floor(share * 10_000 + 1e-6) / 100:g} %"


def _cobertura(read: BinaryIO) -> Measured:
    report = _Report()
    walk(read, report)
    return Measured(
        report.share("lines", "line-rate", report.lines_hit, report.lines),
        report.share("branches", "branch-rate", 0, 0),
    )


@dataclass
class _Report:
    """The counts that the report's root names are taken before its rounded rates; the lines of its classes are counted
    where it names neither."""

    attributes: dict[str, str] | None = None
    lines: int = 0
    lines_hit: int = 0

    def begins(self, path: list[str], attributes: dict[str, str]) -> None:
        if self.attributes is None:
            if path[-1] != "coverage":
                words = f"<{cut(path[-1])}> is no Cobertura report, which begins with <coverage>"
                raise Unreadable(f"{words}; convert JaCoCo's own report" if path[-1] == "report" else words)
            self.attributes = attributes
        elif path[-3:] == ["class", "lines", "line"]:
            self.lines += 1
            self.lines_hit += count(attributes, "hits") > 0

    def ends(self, path: list[str], text: str) -> None:
        """Everything stands in attributes."""

    def share(self, counts: str, rate: str, covered: int, valid: int) -> float | None:
        """None where nothing was measured. Raises Unreadable for figures that cannot be."""
        root = self.attributes or {}
        if f"{counts}-valid" in root and f"{counts}-covered" in root:
            covered, valid = count(root, f"{counts}-covered"), count(root, f"{counts}-valid")
        elif rate in root:
            return _rate(root[rate], rate)
        return share_of(covered, valid, counts)


def _rate(text: str, name: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:  # nor for nan
        raise Unreadable(f"{name}={cut(text)!r} is not a share from 0 to 1")
    return rate
