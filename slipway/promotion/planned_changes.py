"""What a release would change where it is planned first: for people to decide on, and to be compared with later.

Values that look like secrets are shown nowhere; they count in the fingerprint, which is one way.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

DELETE, DETACH, MODIFY, CREATE, UNSUPPORTED, SAME = "delete", "detach", "modify", "create", "unsupported", "unchanged"
# Settings of a target beside its sections: its artifact's address, where its settings lie, the fingerprint of its plan.
ARTIFACT, CONFIGURATION, PLANNED = "artifact", "configuration", "planned"
PLAN_CHANGED, DELETES_REFUSED = "PLAN_CHANGED", "DELETES_REFUSED"
LONGEST_TEXT = 2000  # characters, of what people are shown
LONGEST_SHOWN = 12_000  # of all targets of a stage together: a row of the read model holds 32,000
HIDDEN = "(secret)"
_LONGEST_VALUE = 60
_MOST_DETAILS = 6
_SIGNS = {DELETE: "- delete", DETACH: "- detach", MODIFY: "~ modify", CREATE: "+ create", UNSUPPORTED: "? unknown"}
_SECRET = re.compile(
    r"secret|password|passwd|passphrase|pass\b|pwd|token|credential|authorization|connection_?string|\bpat\b|\bsalt\b"
    r"|(access|account|api|primary|secondary|shared|sas|private|signing|function|master|host|instrumentation|encryption"
    r"|client)[-_.]?key|\bkeys?\b|\bsas\b",
    re.IGNORECASE,
)
# What carries its credential in itself, whatever its name: signatures, passwords in addresses, tokens of the usual
# makes, private keys.
_CARRIES = re.compile(
    r"\bsig=|://[^/\s:@]*:[^/\s@]+@|\beyJ|\bBearer\s|\bBasic\s+[A-Za-z0-9+/=]{12}|-----BEGIN|\bgh[pousr]_|\bgithub_pat_"
    r"|//hooks\.slack\.com/",
    re.IGNORECASE,
)
# A name and its value within a text: `AccountKey=…`, `"password": …`, `pass: …`.
_NAMED = re.compile(r"(?<![\w.-])[\"']?([\w.-]{1,80})[\"']?\s{0,9}[:=]")


@dataclass(frozen=True)
class Change:
    """`what` happens to `where`; `details` in words; `digest` is over all of it, shown or not."""

    what: str
    where: str
    details: tuple[str, ...] = ()
    digest: str = ""

    @property
    def line(self) -> str:
        more = len(self.details) - _MOST_DETAILS
        told = ", ".join(self.details[:_MOST_DETAILS]) + (f" and {more} more" if more > 0 else "")
        return f"{_SIGNS.get(self.what, self.what)} {self.where}" + (f": {told}" if told else "")


@dataclass(frozen=True)
class PlannedChanges:
    """All changes of one target; what they are of is `called`: resources, settings. `of` is the digest of what the
    release brings."""

    changes: tuple[Change, ...]
    called: str = "resource"
    of: str = ""

    @property
    def counts(self) -> Counter[str]:
        return Counter(change.what for change in self.changes)

    @property
    def words(self) -> str:
        """`DELETES 1 resource; 2 to create, 1 to modify, 4 unchanged`: the deletions first, and loudest."""
        counts = self.counts
        deletes = counts[DELETE]
        loud = f"DELETES {deletes} {self.called}{'' if deletes == 1 else 's'}; " if deletes else ""
        said = [f"{counts[CREATE]} to create", f"{counts[MODIFY]} to modify", f"{deletes} to delete"]
        said += [f"{counts[DETACH]} to detach"] if counts[DETACH] else []
        said += [f"{counts[UNSUPPORTED]} that cannot be foreseen"] if counts[UNSUPPORTED] else []
        return loud + ", ".join([*said, f"{counts[SAME]} unchanged"])

    @property
    def text(self) -> str:
        """The words and a line for each change, the deletions first; at most `LONGEST_TEXT` characters."""
        order = list(_SIGNS)
        changed = sorted(
            (each for each in self.changes if each.what != SAME),
            key=lambda each: (order.index(each.what) if each.what in order else len(order), each.where),
        )
        return shortened([self.words, *(each.line for each in changed)], LONGEST_TEXT)

    @property
    def fingerprint(self) -> str:
        """The same for the same changes by the same release."""
        told = sorted([each.what, each.where.lower(), each.digest] for each in self.changes if each.what != SAME)
        return digest_of([self.of, told])


def shortened(lines: list[str], at_most: int) -> str:
    """As many whole lines as there is room for, and how many are left out."""
    if len(whole := "\n".join(lines)) <= at_most:
        return whole
    kept: list[str] = []
    room = at_most - len(f"… and {len(lines)} more")
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([*kept, f"… and {len(lines) - len(kept)} more"])[:at_most]


def digest_of(data: Any) -> str:
    """SHA-256 over plain JSON."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def looks_secret(name: str, value: Any = "") -> bool:
    """Whether what has that name, or is that value, had better not be shown."""
    if _SECRET.search(_words(name)):
        return True
    if not isinstance(value, str):
        return False
    return bool(_CARRIES.search(value)) or any(_SECRET.search(_words(each)) for each in _NAMED.findall(value))


def shown(name: str, value: Any, secrets: Iterable[str] = ()) -> str:
    """A value as people may see it. `secrets` are texts that must not appear."""
    if isinstance(value, dict | list):
        return "…"
    text = str(value)
    if looks_secret(name, text) or any(each and each in text for each in secrets):
        return HIDDEN
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _words(name: str) -> str:
    """`siteConfig.storageKey` with its words apart, so that `monkey` is none of a key."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).replace("_", " ").replace(":", " ") + " " + name
