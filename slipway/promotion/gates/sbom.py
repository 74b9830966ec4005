"""What a release is made of, and what is known against it: CycloneDX (JSON, XML) and SPDX 2 (JSON)."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, BinaryIO

from msgspec import Struct

from slipway.promotion.build import Build
from slipway.promotion.gates.answer import Breach, GateAnswer, counted, cut, judged, listed
from slipway.promotion.gates.bill import ORDER, Bill, Vulnerability
from slipway.promotion.gates.cyclonedx import read_cyclonedx
from slipway.promotion.gates.cyclonedx_xml import read_cyclonedx_xml
from slipway.promotion.gates.json_reading import decoded
from slipway.promotion.gates.licences import is_denied
from slipway.promotion.gates.limits import above, with_names
from slipway.promotion.gates.reading import Asked, Incomplete, OfAnotherBuild, Unreadable
from slipway.promotion.gates.spdx import read_spdx

NAMED = 5
_NOUNS = ("vulnerability", "vulnerabilities")


def judge(asked: Asked, read: BinaryIO) -> GateAnswer:
    """Raises Unreadable, TooLarge, Incomplete, OfAnotherBuild."""
    bill = _read(read)
    _check_build(bill, asked.build)
    least = asked.setting("at_least", 1)
    if len(bill.components) < least:
        raise Incomplete(f"it lists {counted(len(bill.components), 'component')}, at least {least:,} must be")
    breaches = []
    facts: dict[str, Any] = {"format": bill.format, "components": len(bill.components)}
    words = [counted(len(bill.components), "component")]
    if (allowed := asked.setting("max")) is not None:
        counting, ignored = _counting(asked, bill)
        severities = Counter(each.severity for each in counting)
        breaches += _named(above(allowed, severities, "VULNERABILITIES_TOO_MANY", _NOUNS), counting)
        facts |= {"vulnerabilities": dict(severities), "ignored": ignored, "not_affected": bill.not_affected}
        known = [f"{severities[each]:,} {each}" for each in ORDER if each in severities]
        words += [f"vulnerabilities: {', '.join(known) or 'none'}"]
    if denied := asked.setting("denied_licences"):
        breaches += _under_denied(bill, denied)
    return judged(breaches, ", ".join(words), facts)


class _Format(Struct, rename="camel"):
    bom_format: str = ""
    spdx_version: str = ""


def _read(read: BinaryIO) -> Bill:
    read.seek(0)
    first = read.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    read.seek(0)
    if first == b"<":
        return read_cyclonedx_xml(read)
    found = decoded(read, _Format)
    if not found.bom_format and not found.spdx_version:
        raise Unreadable("neither CycloneDX (bomFormat) nor SPDX 2 (spdxVersion); SPDX 3 is not read yet")
    return read_spdx(read) if found.spdx_version else read_cyclonedx(read)


def _check_build(bill: Bill, build: Build) -> None:
    """A bill that names a digest must name the build's; one that names the service must name its version. Raises
    OfAnotherBuild."""
    if bill.digests and build.digest:
        if build.digest not in bill.digests:
            raise OfAnotherBuild(f"it is of {cut(bill.digests[0], 71)}; the build is {build.digest}")
    elif bill.name == build.service and bill.version not in ("", build.version):
        raise OfAnotherBuild(f"it is of {bill.name} {cut(bill.version)}; the build is {build.version}")


def _counting(asked: Asked, bill: Bill) -> tuple[list[Vulnerability], int]:
    """Those that count, and how many are ignored until a day that has not passed. Raises Incomplete where nobody has
    looked."""
    if bill.vulnerabilities is None:
        words = f"{bill.format} without a list of vulnerabilities, not even an empty one: have a scanner write it"
        raise Incomplete(f"{words} (CycloneDX, such as trivy --format cyclonedx --scanners vuln)")
    ignored = {each["id"] for each in asked.setting("ignore", []) if asked.now < _end_of(each["until"])}
    counting = [each for each in bill.vulnerabilities if each.id not in ignored]
    return counting, len(bill.vulnerabilities) - len(counting)


def _end_of(day: str) -> datetime:
    """When that day is over in UTC. A day that there is not is over."""
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def _named(breaches: list[Breach], counting: list[Vulnerability]) -> list[Breach]:
    """With the first few, the worst first, behind the last of the words."""
    ids = list(dict.fromkeys(each.id for each in sorted(counting, key=lambda each: ORDER.index(each.severity))))
    return with_names(breaches, listed(ids[:NAMED], len(ids)))


def _under_denied(bill: Bill, denied: list[str]) -> list[Breach]:
    found = [each for each in bill.components if any(is_denied(licence, denied) for licence in each.licences)]
    if not found:
        return []
    named = [cut(f"{each.name} {each.version}: {' AND '.join(each.licences)}", 80) for each in found[:NAMED]]
    words = f"{counted(len(found), 'component is', 'components are')} under a denied licence"
    return [Breach("LICENCE_DENIED", words + listed(named, len(found)))]
