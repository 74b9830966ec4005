"""CycloneDX 1.2 to 1.7 as JSON."""

from typing import BinaryIO
from urllib.parse import unquote

from msgspec import Struct

from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.bill import Bill, Component, severity_of
from slipway.promotion.gates.json_reading import decoded
from slipway.promotion.gates.reading import Unreadable


class License(Struct, gc=False):
    id: str = ""
    name: str = ""


class LicenseChoice(Struct, gc=False):
    license: License | None = None
    expression: str = ""


class Hash(Struct, gc=False):
    alg: str = ""
    content: str = ""


class Part(Struct):
    name: str = ""
    version: str = ""
    purl: str = ""
    licenses: list[LicenseChoice] | None = None
    hashes: list[Hash] | None = None
    components: "list[Part] | None" = None


class Metadata(Struct):
    component: Part | None = None


class Rating(Struct, gc=False):
    severity: str = ""
    score: float | None = None
    method: str = ""


class Analysis(Struct, gc=False):
    state: str = ""


class Known(Struct):
    id: str = ""
    ratings: list[Rating] | None = None
    analysis: Analysis | None = None


class Document(Struct, rename="camel"):
    bom_format: str
    spec_version: str
    metadata: Metadata | None = None
    components: list[Part] | None = None
    vulnerabilities: list[Known] | None = None


def read_cyclonedx(read: BinaryIO) -> Bill:
    """Raises Unreadable, TooLarge."""
    document = decoded(read, Document)
    if document.bom_format != "CycloneDX" or not document.spec_version.startswith("1."):
        raise Unreadable(f"{cut(document.bom_format, 40)} {cut(document.spec_version, 20)} is not read; CycloneDX 1 is")
    bill = Bill(f"CycloneDX {document.spec_version}")
    if whole := document.metadata.component if document.metadata else None:
        bill.name, bill.version, bill.digests = whole.name, whole.version, digests_of(whole)
        _add(bill, whole.components)
    _add(bill, document.components)
    if document.vulnerabilities is not None:
        bill.vulnerabilities = []
    for each in document.vulnerabilities or []:
        severities = [severity_of(rating.severity, rating.score, rating.method) for rating in each.ratings or []]
        bill.add_vulnerability(each.id, severities, each.analysis.state if each.analysis else "")
    return bill


def _add(bill: Bill, parts: list[Part] | None) -> None:
    for part in parts or []:
        licences = [
            choice.expression or (choice.license and (choice.license.id or choice.license.name)) or ""
            for choice in part.licenses or []
        ]
        bill.add(Component(part.name, part.version, tuple(each for each in licences if each)))
        _add(bill, part.components)


def digests_of(part: Part) -> tuple[str, ...]:
    """Each way in which the makers of bills say the digest of an image or a file."""
    found = [f"sha256:{each.content.lower()}" for each in part.hashes or [] if each.alg == "SHA-256"]
    image = unquote(part.purl).partition("@")[2].partition("?")[0] if part.purl.startswith("pkg:oci/") else ""
    return (*found, *(each for each in (part.version, image) if each.startswith("sha256:")))
