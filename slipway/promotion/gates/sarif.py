"""Findings of code scanners and of scanners of running sites: SARIF 2.1.0.

A finding is known again in the next release by what its tool says identifies it (`fingerprints`,
`partialFingerprints`), else by its rule, file and the code around it; never by its line, which moves. Two that look the
same are told apart by their count.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, BinaryIO

from slipway.promotion.gates.answer import GateAnswer, counted, cut, judged, listed
from slipway.promotion.gates.json_reading import decoded, decoded_part
from slipway.promotion.gates.limits import above, with_names
from slipway.promotion.gates.naming import check_commit, is_commit
from slipway.promotion.gates.reading import Asked, Incomplete, TooLarge, Unreadable
from slipway.promotion.gates.sarif_log import Log, Result, Rules, Run

MOST_RESULTS = 1_000_000
MOST_OF_A_RESULT = 8 * 1024 * 1024  # bytes
NAMED = 3  # new findings that are named
_NOUNS = ("finding", "findings")
_KEY = 16  # characters of a finding's key, in base64
_NO_FINDING = ("pass", "notApplicable", "informational")
# Semgrep writes this in place of every fingerprint until somebody has signed in to its service.
_NO_FINGERPRINT = "requires login"


def judge(asked: Asked, read: BinaryIO) -> GateAnswer:
    """Raises Unreadable, TooLarge, Incomplete, OfAnotherBuild."""
    log = decoded(read, Log)
    if log.version != "2.1.0":
        raise Unreadable(f"SARIF of version {cut(log.version, 20) or '(none)'}; 2.1.0 is read")
    _check(asked, log)
    before = _known_before(asked.previous)
    found = _Found(before)
    for run in log.runs:
        rules = Rules(run.tool)
        for result in _results(run):
            found.add(rules, result)
    breaches = above(asked.setting("max"), found.levels, "FINDINGS_TOO_MANY", _NOUNS)
    new = above(asked.setting("new"), found.new, "FINDINGS_NEW", _NOUNS, " that the live release did not have")
    new = with_names(new, listed(found.named, found.new.total()))
    return judged([*breaches, *new], _words(found, asked), _facts(found, log), {"findings": found.keys()})


def _check(asked: Asked, log: Log) -> None:
    """A log that proves nothing keeps the gate shut, though it names no finding either."""
    if not log.runs:
        raise Incomplete("no tool has run in it")
    names = {run.tool.driver.name for run in log.runs}
    if missing := [tool for tool in asked.setting("tools", []) if tool not in names]:
        raise Incomplete(f"{', '.join(missing)} has not run; what has run is {cut(', '.join(sorted(names)))}")
    for run in log.runs:
        name = cut(run.tool.driver.name or "a tool", 60)
        if run.results is None:
            elsewhere = ": they lie in files of their own, which have to be put into it" if run.external else ""
            raise Incomplete(f"{name} has no results, not even an empty list of them{elsewhere}")
        if any(each.execution_successful is False for each in run.invocations or []):
            raise Incomplete(f"{name} says itself that it did not end well")
        commits = [each.revision_id for each in run.version_control_provenance or [] if each.revision_id]
        if commits and not any(is_commit(each, asked.build) for each in commits):
            check_commit(commits[0], asked.build, name)
    if (results := sum(len(run.results or ()) for run in log.runs)) > MOST_RESULTS:
        raise TooLarge(f"{results:,} results; at most {MOST_RESULTS:,} are read")


def _results(run: Run) -> Iterator[Result]:
    for raw in run.results or ():
        if len(memoryview(raw)) > MOST_OF_A_RESULT:
            raise TooLarge(f"one result of more than {MOST_OF_A_RESULT:,} bytes")
        yield decoded_part(raw, Result)


@dataclass
class _Found:
    """Findings by their level; `new` those whose key is not among those `before`, where that is known."""

    before: frozenset[str] | None
    levels: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    suppressed: int = 0
    named: list[str] = field(default_factory=list)
    _seen: Counter[bytes] = field(default_factory=Counter)
    _keys: list[str] = field(default_factory=list)

    def add(self, rules: Rules, result: Result) -> None:
        if result.kind in _NO_FINDING or result.baseline_state == "absent":
            return
        if result.is_suppressed:
            self.suppressed += 1
            return
        level = result.level or (rules.level(result) if result.kind in ("", "fail") else "none")
        self.levels[level] += 1
        key = self._key(rules, result)
        self._keys.append(key)
        if self._is_new(key, result):
            self.new[level] += 1
            if len(self.named) < NAMED:
                self.named.append(cut(f"{rules.name(result)} at {result.place or '(no place)'}", 100))

    def keys(self) -> str:
        """All of them in one text: the same set is the same text."""
        return "".join(sorted(self._keys))

    def _is_new(self, key: str, result: Result) -> bool:
        """Without a live release only its own tool can say what is new; else nothing can be compared, so nothing is."""
        return result.baseline_state == "new" if self.before is None else key not in self.before

    def _key(self, rules: Rules, result: Result) -> str:
        given = result.fingerprints or result.partial_fingerprints or {}
        marks = sorted(f"{name}={value}" for name, value in given.items() if value != _NO_FINGERPRINT)
        identity = "\n".join((rules.name(result), *(marks or (result.uri, result.context))))
        same = sha256(identity.encode("utf-8", "surrogatepass")).digest()
        self._seen[same] += 1
        if (turn := self._seen[same]) > 1:
            same = sha256(same + str(turn).encode()).digest()
        return b64encode(same[: _KEY * 3 // 4]).decode()


def _known_before(previous: dict[str, Any] | None) -> frozenset[str] | None:
    if previous is None or not isinstance(previous.get("findings"), str):
        return None
    keys = previous["findings"]
    return frozenset(keys[at : at + _KEY] for at in range(0, len(keys), _KEY))


def _words(found: _Found, asked: Asked) -> str:
    told = ", ".join(counted(number, level) for level, number in sorted(found.levels.items())) or "no finding"
    if asked.setting("new") is None:
        return told
    if found.before is None and not found.new:
        return f"{told}; no live release to compare with"
    return f"{told}; {found.new.total():,} of them new"


def _facts(found: _Found, log: Log) -> dict[str, Any]:
    tools = sorted({cut(f"{run.tool.driver.name} {run.tool.driver.version or ''}".strip(), 40) for run in log.runs})
    facts: dict[str, Any] = {"tools": tools[:3], "findings": dict(found.levels), "suppressed": found.suppressed}
    if found.before is not None or found.new:
        facts |= {"new": dict(found.new), "first_new": found.named}
    return facts
