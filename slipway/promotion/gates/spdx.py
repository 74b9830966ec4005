"""SPDX 2.2 and 2.3 as JSON. They list components and their licences, and no vulnerabilities with a severity."""

from typing import BinaryIO

from msgspec import Struct

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.bill import Bill, Component
from slipway.promotion.gates.json_reading import decoded
from slipway.promotion.gates.reading import Unreadable

_NOTHING_SAID = ("", "NOASSERTION", "NONE")


class Checksum(Struct, rename={"value": "checksumValue"}, gc=False):
    algorithm: str = ""
    value: str = ""


_PACKAGE = {
    "id": "SPDXID",
    "concluded": "licenseConcluded",
    "declared": "licenseDeclared",
    "version": "versionInfo",
}


class Package(Struct, rename=_PACKAGE):
    id: str = ""
    name: str = ""
    version: str = ""
    concluded: str = ""
    declared: str = ""
    checksums: list[Checksum] | None = None


_RELATED = {"of": "spdxElementId", "kind": "relationshipType", "to": "relatedSpdxElement"}


class Relationship(Struct, rename=_RELATED, gc=False):
    of: str = ""
    kind: str = ""
    to: str = ""


class Document(Struct, rename="camel"):
    spdx_version: str
    packages: list[Package] = []
    document_describes: list[str] = []
    relationships: list[Relationship] = []


def read_spdx(read: BinaryIO) -> Bill:
    """Raises Unreadable, TooLarge."""
    document = decoded(read, Document)
    if not document.spdx_version.startswith("SPDX-2."):
        raise Unreadable(f"{cut(document.spdx_version, 40)} is not read; SPDX 2.2 and 2.3 are")
    described = {*document.document_describes, *(each.to for each in document.relationships if _describes(each))}
    bill = Bill(document.spdx_version.replace("-", " "))
    wholes = [each for each in document.packages if each.id in described]
    if len(wholes) == 1:  # more than one: a folder of many things
        whole = wholes[0]
        sums = [f"sha256:{each.value.lower()}" for each in whole.checksums or [] if each.algorithm == "SHA256"]
        bill.name, bill.version = whole.name, whole.version
        bill.digests = (*sums, *((whole.version,) if whole.version.startswith("sha256:") else ()))
    for package in document.packages:
        if package.id not in described or len(wholes) != 1:
            bill.add(Component(package.name, package.version, _licence(package)))
    return bill


def _describes(relationship: Relationship) -> bool:
    return relationship.kind == "DESCRIBES" and relationship.of == "SPDXRef-DOCUMENT"


def _licence(package: Package) -> tuple[str, ...]:
    """What was concluded, else what the package says of itself."""
    return tuple(each for each in (package.concluded, package.declared) if each not in _NOTHING_SAID)[:1]
