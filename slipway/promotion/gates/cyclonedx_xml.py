"""CycloneDX as XML."""

from dataclasses import dataclass, field
from typing import BinaryIO

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.bill import Bill, Component, severity_of
from slipway.promotion.gates.cyclonedx import Hash, Part, digests_of
from slipway.promotion.gates.reading import Unreadable
from slipway.promotion.gates.xml_reading import walk

_NAMESPACE = "http://cyclonedx.org/schema/bom/"


def read_cyclonedx_xml(read: BinaryIO) -> Bill:
    """Raises Unreadable, TooLarge."""
    reader = _Reader()
    walk(read, reader)
    bill, whole = reader.bill, reader.whole
    bill.name, bill.version, bill.digests = whole.name, whole.version, digests_of(whole)
    return bill


@dataclass
class _Open:
    """A component whose end has not come yet."""

    part: Part = field(default_factory=Part)
    licences: list[str] = field(default_factory=list)
    algorithm: str = ""


@dataclass
class _Reader:
    bill: Bill = field(default_factory=lambda: Bill("CycloneDX"))
    whole: Part = field(default_factory=Part)
    _open: list[_Open] = field(default_factory=list)
    _id: str = ""
    _severities: list[str] = field(default_factory=list)
    _state: str = ""
    _rating: dict[str, str] = field(default_factory=dict)

    def begins(self, path: list[str], attributes: dict[str, str]) -> None:
        name = path[-1]
        if len(path) == 1:
            self._check(name, attributes)
        elif _is_part(path):
            self._open.append(_Open())
        elif name == "hash" and self._open:
            self._open[-1].algorithm = attributes.get("alg", "")
        elif path[1:] == ["vulnerabilities"]:
            self.bill.vulnerabilities = self.bill.vulnerabilities or []
        elif path[1:] == ["vulnerabilities", "vulnerability"]:
            self._id, self._severities, self._state = "", [], ""

    def ends(self, path: list[str], text: str) -> None:
        text = text.strip()
        if path[1:3] == ["vulnerabilities", "vulnerability"]:
            self._of_vulnerability(path[3:], text)
        elif _is_part(path):
            self._component_ends(path)
        elif self._open:
            self._of_component(path, text)

    def _check(self, name: str, attributes: dict[str, str]) -> None:
        namespace = next((value for value in attributes.values() if value.startswith(_NAMESPACE)), "")
        if name != "bom" or not namespace:
            raise Unreadable(f"<{cut(name)}> is no CycloneDX document, which begins with <bom xmlns={_NAMESPACE!r}…>")
        self.bill.format = f"CycloneDX {cut(namespace.removeprefix(_NAMESPACE), 10)}"

    def _of_component(self, path: list[str], text: str) -> None:
        now = self._open[-1]
        if path[-2] == "component" and path[-1] in ("name", "version", "purl"):
            setattr(now.part, path[-1], text)
        elif path[-3:-1] == ["component", "hashes"]:
            now.part.hashes = [*(now.part.hashes or []), Hash(now.algorithm, text)]
        elif path[-2:] == ["licenses", "expression"] or (path[-2] == "license" and path[-1] in ("id", "name")):
            now.licences.append(text)

    def _component_ends(self, path: list[str]) -> None:
        now = self._open.pop()
        if path[-2] == "metadata":
            self.whole = now.part
        else:
            licences = tuple(each for each in now.licences if each)
            self.bill.add(Component(now.part.name, now.part.version, licences))

    def _of_vulnerability(self, within: list[str], text: str) -> None:
        if within == ["id"]:
            self._id = text
        elif within[:2] == ["ratings", "rating"] and len(within) == 3:
            self._rating[within[2]] = text
        elif within == ["ratings", "rating"]:
            score = _number(self._rating.get("score", ""))
            rating = self._rating
            self._severities.append(severity_of(rating.get("severity", ""), score, rating.get("method", "")))
            self._rating = {}
        elif within == ["analysis", "state"]:
            self._state = text
        elif not within:
            self.bill.add_vulnerability(self._id, self._severities, self._state)


def _is_part(path: list[str]) -> bool:
    """Whether this is a component of what the bill is of, and not one of the tools that wrote it."""
    return path[-1] == "component" and path[-2] in ("metadata", "components") and "tools" not in path


def _number(text: str) -> float | None:
    """None of what is no score, nan too."""
    try:
        score = float(text)
    except ValueError:
        return None
    return score if 0 <= score <= 10 else None
