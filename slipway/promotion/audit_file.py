"""An audit trail in one file, and its verification without any server.

Lines of JSON: a header; then for each chain a line that names it and its records, byte for byte as they are stored, the
checkpoints' chains first; then an end that counts. docs/audit.md describes it.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from slipway.promotion.audit import BEGINNING, canonical
from slipway.promotion.audit_chain import ChainReader, Mark, OnRecord
from slipway.promotion.audit_checkpoint import FOLDER, Checkpoint, NotACheckpoint, place_of, read_checkpoint
from slipway.promotion.audit_findings import Finding, Verified
from slipway.promotion.audit_keys import is_signed, thumbprint
from slipway.promotion.audit_scope import Scope
from slipway.promotion.errors import SlipwayError
from slipway.promotion.outcomes import moment

FORMAT = "slipway-audit/1"
STALE = timedelta(hours=2)  # a checkpoint is due every hour, whether or not anything happened
_CHAIN, _END = b'{"chain":', b'{"end":'
_FAMILY = FORMAT.partition("/")[0] + "/"


class AuditUnreadable(SlipwayError):
    """The file is none of ours (AUDIT_FILE_UNREADABLE), or of a newer Slipway (AUDIT_FORMAT_NEWER)."""


def header(exported_at: str, scope: Scope) -> str:
    """The file's first line."""
    return canonical({"audit": FORMAT, "chosen": scope.dump(), "exported_at": exported_at}) + "\n"


def chain_line(name: str) -> str:
    """The line before a chain's records."""
    return canonical({"chain": name}) + "\n"


def end(chains: int, lines: int) -> str:
    """The file's last line: how many chains it has, and lines in them."""
    return canonical({"end": {"chains": chains, "lines": lines}}) + "\n"


def verify_file(
    lines: Iterable[bytes], keys: dict[str, dict[str, str]] | None = None, on_record: OnRecord | None = None
) -> Verified:
    """Read the file through, once. `keys` (by `kid`) are those that may have signed; None takes the file's own.
    `on_record` is told of every record that is sound, in order.

    Raises AuditUnreadable, and NotACheckpoint and KeyUnreadable for what cannot even be looked at.
    """
    return _Reading(iter(lines), keys, on_record).verified()


class _Reading:
    def __init__(
        self, lines: Iterator[bytes], keys: dict[str, dict[str, str]] | None, on_record: OnRecord | None
    ) -> None:
        self._lines, self._keys, self._on_record = lines, keys, on_record
        self._findings: list[Finding] = []
        self._marks: dict[str, list[Mark]] = {}
        self._checkpoints = 0
        self._newest: Checkpoint | None = None
        self._thumbprints: dict[str, None] = {}
        self._seen: set[str] = set()
        self._records = self._unsigned = 0
        self._trusts = True
        self._needed: set[str] = set()

    def verified(self) -> Verified:
        read = _header(next(self._lines, b""))
        self._scope = Scope.load(read["chosen"])
        chains = lines = 0
        name, reader = "", None
        for line in self._lines:
            if line.startswith(_CHAIN):
                self._close(reader)
                name, chains = self._named(line), chains + 1
                reader = self._opened(name)
            elif line.startswith(_END):
                self._close(reader)
                self._ended(line, chains, lines)
                break
            elif name.startswith(FOLDER):
                lines += 1
                self._checkpoint(name, line)
            elif reader is not None:
                lines += 1
                reader.take(line)
            else:
                raise AuditUnreadable("AUDIT_FILE_UNREADABLE", "a record comes before any chain is named")
        else:
            self._close(reader)
            self._find("missing", "", "the file ends before its end: it was cut off")
        self._everything_there(read["exported_at"])
        return Verified(
            findings=tuple(self._findings),
            chains=chains - sum(each.startswith(FOLDER) for each in self._seen),
            records=self._records,
            checkpoints=self._checkpoints,
            newest=self._newest,
            unsigned=self._unsigned,
            thumbprints=tuple(self._thumbprints),
            pinned=self._keys is not None,
            exported_at=read["exported_at"],
            chosen=read["chosen"],
        )

    def _named(self, line: bytes) -> str:
        name = _marker(line)["chain"]
        if not isinstance(name, str):
            raise AuditUnreadable("AUDIT_FILE_UNREADABLE", "a chain has no name")
        if name in self._seen:
            self._find("doubled", name, "the chain is in the file twice")
        if name.startswith(FOLDER) and any(not each.startswith(FOLDER) for each in self._seen):
            self._find("reordered", name, "checkpoints come before the chains that they sign")
        self._seen.add(name)
        return name

    def _opened(self, name: str) -> ChainReader | None:
        return None if name.startswith(FOLDER) else ChainReader(name, self._marks.get(name, []), self._on_record)

    def _close(self, reader: ChainReader | None) -> None:
        if reader is None:
            return
        finding = reader.end()
        self._records += reader.records
        self._unsigned += reader.records - reader.signed if finding is None else 0
        if finding:
            self._findings.append(finding)

    def _checkpoint(self, chain: str, line: bytes) -> None:
        if not self._trusts:
            return  # the first fault is named; what follows it proves nothing
        expected = self._newest.number + 1 if self._newest else 1
        try:
            read, signature = read_checkpoint(line)
        except NotACheckpoint as broken:
            if broken.code == "AUDIT_FORMAT_NEWER":
                raise
            self._distrust("altered", chain, f"checkpoint {expected}: {broken.words}")
            return
        named = f"checkpoint {read.number} of {read.at}"
        follows = self._newest.digest.hex() if self._newest else BEGINNING
        if read.number != expected:
            what = "missing" if read.number > expected else "doubled"
            self._distrust(what, chain, f"{named} stands where checkpoint {expected} should be")
            return
        key = read.key if self._keys is None else self._keys.get(read.key["kid"])
        if key is None:
            self._distrust("forged", chain, f"{named} is signed with {read.key['kid']}, which is none of your keys")
        elif chain != place_of(read.at):
            self._distrust("altered", chain, f"{named} lies in another chain than it was put in")
        elif not is_signed(key, read.digest, signature):
            self._distrust("forged", chain, f"{named} does not bear the signature of {read.key['kid']}")
        elif read.prev != follows:
            self._distrust("altered", chain, f"{named} does not follow the checkpoint before it")
        else:
            self._trust(read, key)

    def _trust(self, read: Checkpoint, key: dict[str, str]) -> None:
        self._newest, self._checkpoints = read, self._checkpoints + 1
        self._thumbprints.setdefault(thumbprint(key))
        for head in read.heads:
            mark = Mark(head.size, head.records, head.hash, read.number)
            self._marks.setdefault(head.chain, []).append(mark)
            if self._scope.holds(head.chain, read.since, read.at):
                self._needed.add(head.chain)

    def _distrust(self, what: str, chain: str, words: str) -> None:
        self._trusts = False
        self._find(what, chain, words)

    def _ended(self, line: bytes, chains: int, lines: int) -> None:
        if _marker(line) != {"end": {"chains": chains, "lines": lines}}:
            self._find("missing", "", f"the file's end counts otherwise than its {chains} chains and {lines} lines")
        if next(self._lines, None) is not None:
            self._find("altered", "", "something was put behind the file's end")

    def _everything_there(self, exported_at: str) -> None:
        for name in sorted(self._needed - self._seen):
            last = max(self._marks[name], key=lambda mark: mark.number)
            words = f"checkpoint {last.number} signed {last.records} records of it, and the chain is not here"
            self._find("missing", name, words)
        if self._newest is None:
            self._find("unsigned", "", "there is no sound checkpoint: nothing shows that nothing is missing")
        elif self._trusts and moment(exported_at) - moment(self._newest.at) > STALE:
            words = f"the newest checkpoint is of {self._newest.at}, the file of {exported_at}: later ones were taken "
            self._find("stale", "", words + "away, or nothing has been signed since")

    def _find(self, what: str, chain: str, words: str) -> None:
        self._findings.append(Finding(what, chain, words))


def _header(line: bytes) -> dict[str, Any]:
    if line.startswith(b"\xef\xbb\xbf"):
        raise AuditUnreadable("AUDIT_FILE_UNREADABLE", "the file begins with a byte order mark: an editor changed it")
    found = _marker(line)
    format_ = found.get("audit")
    if isinstance(format_, str) and format_ != FORMAT and format_.startswith(_FAMILY):
        words = f"the file is {format_[:40]}, of a newer Slipway: verify it with that one"
        raise AuditUnreadable("AUDIT_FORMAT_NEWER", words)
    if format_ != FORMAT or set(found) != {"audit", "chosen", "exported_at"}:
        raise AuditUnreadable("AUDIT_FILE_UNREADABLE", "the file is no audit trail: `slipway audit export` makes one")
    try:
        moment(found["exported_at"])
        Scope.load(found["chosen"])
    except (ValueError, TypeError, AttributeError) as error:
        raise AuditUnreadable("AUDIT_FILE_UNREADABLE", "the file's first line cannot be read") from error
    return found


def _marker(line: bytes) -> dict[str, Any]:
    """A line of the file's own. Raises AuditUnreadable for anything but canonical JSON."""
    try:
        found = json.loads(line.removesuffix(b"\n"))
        if isinstance(found, dict) and canonical(found).encode() + b"\n" == line:
            return found
    except (ValueError, RecursionError):
        pass
    raise AuditUnreadable(
        "AUDIT_FILE_UNREADABLE", f"a line that should structure the file cannot be read: {line[:60]!r}"
    )
