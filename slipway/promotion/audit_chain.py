"""One chain, read line by line: its first record that is altered, missing, out of place or not as it was signed."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway.promotion.audit import BEGINNING
from slipway.promotion.audit_findings import Finding
from slipway.promotion.audit_line import Record, record_of


@dataclass(frozen=True)
class Mark:
    """What checkpoint `number` signed of a chain: its first `size` bytes are `records` records, and end with `hash`."""

    size: int
    records: int
    hash: str
    number: int


OnRecord = Callable[[str, Record], None]


class ChainReader:
    """`take` every line in order, then `end`. `finding` is the first fault, and the only one that is told."""

    def __init__(self, name: str, marks: list[Mark], on_record: OnRecord | None = None) -> None:
        self.name = name
        self.records = 0
        self.signed = 0
        self.finding: Finding | None = None
        self._marks = sorted(marks, key=lambda mark: mark.size, reverse=True)
        self._on_record = on_record
        self._size = 0
        self._hashes = [BEGINNING]
        self._astray: Record | None = None
        self._later: set[str] = set()

    def take(self, line: bytes) -> None:
        """The next line, with its line end if it has one."""
        self.records += 1
        ends = line.endswith(b"\n")
        record = record_of(line[:-1]) if ends else None
        if self.finding or self._astray:
            if record:
                self._later.add(record.hash)
            return
        if record is None:
            words = "it is not what was written" if ends else "its end is cut off, or it is longer than any record"
            self._found("altered", words)
            return
        if record.prev != self._hashes[-1]:
            self._astray, self._astray_at = record, self.records
            return
        self._hashes.append(record.hash)
        self._size += len(line)
        if self._marks and self._marks[-1].size <= self._size:
            self._hold_against_marks(record)
        if self._on_record:
            self._on_record(self.name, record)

    def end(self) -> Finding | None:
        """The chain is over. Returns its first fault."""
        if self._astray:
            self._name_the_astray(self._astray)
        elif self._marks and not self.finding:
            mark = self._marks[0]
            self.finding = Finding(
                "missing",
                self.name,
                f"checkpoint {mark.number} signed {mark.records} records, here are {self.records}: its end is cut off",
                self.records + 1,
            )
        return self.finding

    def _hold_against_marks(self, record: Record) -> None:
        while self._marks and self._marks[-1].size <= self._size:
            mark = self._marks.pop()
            if (mark.size, mark.records, mark.hash) != (self._size, self.records, record.hash):
                words = f"it is not what checkpoint {mark.number} signed: the chain was written anew"
                self._found("altered", f"{words} somewhere from record {self.signed + 1} on", record.id)
                return
            self.signed = self.records

    def _name_the_astray(self, record: Record) -> None:
        self.records, counted = self._astray_at, self.records
        if record.prev in self._later:
            self._found("reordered", "what it follows comes only later", record.id)
        elif record.prev in self._hashes:
            place = self._hashes.index(record.prev)
            follows = f"record {place}" if place else "nothing"
            self._found(
                "doubled", f"it follows {follows}, whose place is taken: it is put in, or there twice", record.id
            )
        else:
            self._found("missing", "what it follows is not here: one record or more before it are gone", record.id)
        self.records = counted

    def _found(self, what: str, words: str, id: str = "") -> None:
        self.finding = Finding(what, self.name, words, self.records, id)
