"""The last scenes: the trail is taken away, verified without any server, found out when it was tampered with, and
reported."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slipway.cli.audit.report import report
from slipway.cli.audit.verify import verify_at
from slipway.cli.laptop.audited.system import System
from slipway.cli.laptop.following import claim
from slipway.cli.laptop.screen import Screen
from slipway.promotion.audit_findings import Finding

AUDITOR = "uma"
SIGNED_WITHIN_S = 600.0
CHAIN = b'{"chain":'
APPROVED = b'"action":"approval.approve"'


@dataclass(frozen=True)
class Files:
    """What the auditor has in the end."""

    folder: Path

    @property
    def trail(self) -> Path:
        return self.folder / "trail.jsonl"

    @property
    def keys(self) -> Path:
        return self.folder / "keys.json"

    @property
    def page(self) -> Path:
        return self.folder / "report.html"

    @property
    def table(self) -> Path:
        return self.folder / "report.csv"


class Trail:
    """What is claimed was seen at that moment, or NotShown is raised."""

    def __init__(self, system: System, screen: Screen, folder: Path) -> None:
        self._system, self._screen = system, screen
        self.files = Files(folder)

    def taken_away(self) -> None:
        """By the auditor, who can do nothing else; the keys to trust come from the vault."""
        self._system.let_pass(SIGNED_WITHIN_S)
        self.files.folder.mkdir(parents=True, exist_ok=True)
        chains, lines = self._system.export(AUDITOR, self.files.trail)
        self._system.keep_keys(self.files.keys)
        self._screen.shown(
            f"uma, the auditor, exports the trail: {lines} lines in {chains} chains, and the vault's key"
        )

    def is_whole(self) -> None:
        """Verified from the file alone, up to its last record."""
        verified = verify_at(str(self.files.trail), self.files.keys)
        claim(verified.intact and verified.pinned, f"the trail is not whole: {verified.findings[:3]}")
        claim(verified.unsigned == 0, f"{verified.unsigned} records are not signed yet")
        self._screen.shown(
            f"verified without a server: {verified.records} records, all signed, {verified.checkpoints} checkpoints"
        )

    def tampering_is_found(self) -> None:
        """In copies: the name of an approver altered, and a vote removed."""
        lines = self.files.trail.read_bytes().splitlines(keepends=True)
        at = next(n for n, line in enumerate(lines) if APPROVED in line and b"Alice" in line)
        begins = max(n for n in range(at) if lines[n].startswith(CHAIN))
        place = json.loads(lines[begins])["chain"], at - begins
        found = self._found([*lines[:at], lines[at].replace(b"Alice", b"Carol"), *lines[at + 1 :]])
        claim((found.what, found.chain, found.number) == ("altered", *place), f"the altered vote is found as {found}")
        self._screen.shown(f"a copy in which somebody else approved is found out: {found}")
        found = self._found([*lines[:at], *lines[at + 1 :]])
        claim((found.what, found.chain, found.number) == ("missing", *place), f"the missing vote is found as {found}")
        self._screen.shown(f"so is a copy without that vote: {found}")

    def is_reported(self, environment: str, expected: Callable[[str], str]) -> None:
        """As a page to print and as a table. `expected` says what the table lacks."""
        for form, file in (("html", self.files.page), ("csv", self.files.table)):
            report(environment, file=self.files.trail, form="csv" if form == "csv" else "html", written_to=file,
                   key=self.files.keys)  # fmt: skip
        lacks = expected(self.files.table.read_text("utf-8"))
        claim(not lacks, f"the report lacks {lacks}")
        self._screen.shown(f"reported: every change of {environment}, with people, evidence and time")

    def _found(self, lines: list[bytes]) -> Finding:
        copy = self.files.folder / "tampered.jsonl"
        copy.write_bytes(b"".join(lines))
        findings = verify_at(str(copy), self.files.keys).findings
        copy.unlink()
        claim(bool(findings), "a tampered copy is taken for whole")
        return findings[0]
