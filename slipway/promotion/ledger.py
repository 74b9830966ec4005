"""The ledger of one service in one environment: which release was live from when to when, and how it ended.

Pure. The lock keeps the newest releases beside `live`, changed in the same operation, so that neither can tell
another story; the read model holds all of them for good. The ledger is history and evidence: what may be done next is
decided by the lock's own `live` and `previous`.

An entry is a dict of plain JSON: the release as it was switched to (version, promotion, stage, commit, digest,
finished_at, received_at, targets, replaced) and

- `fence`: of the lock's grant under which it came; with `since` the entry's identity.
- `rev`: the lock's when the entry last changed, so that an older copy never overwrites a newer one.
- `state`: `unproven` from the switch, `proven` after the bake, `replaced` by the next release, `undone` by its own
  stage, or `rolled back` by a person.
- `since`, `proven_at`, `until`: moments, empty for not (yet). `back_since`: it was replaced, and serves again since
  then because what came after it was taken back.
- `schema`: what the build declared of its database, and `database`: the version that it brought that to; neither where
  nothing is known.
- `replaced_by`: a version. `by`, `code`, `words`: who ended it, or failed to, and why.
"""

from collections.abc import Iterable
from typing import Any

from slipway.promotion.outcomes import moment
from slipway.promotion.stage_phases import ROLLED_BACK

Entry = dict[str, Any]
Entries = list[Entry]

UNPROVEN, PROVEN, REPLACED, UNDONE = "unproven", "proven", "replaced", "undone"
STATES = (UNPROVEN, PROVEN, REPLACED, UNDONE, ROLLED_BACK)
KEPT = 10  # beside the lock; each is copied within a generation or two
_NOT_YET = dict.fromkeys(("proven_at", "until", "back_since", "replaced_by", "by", "code", "words"), "")


def with_switched(entries: Entries, release: dict[str, Any], fence: int, rev: int) -> Entries:
    """A release serves from now on. Said again of what is live already, that goes on, and has to be proven anew."""
    # Two hosts' clocks may differ; the lock's order counts.
    at = max([release["at"], *(each["since"] for each in entries[:1])], key=moment)
    told = {key: value for key, value in release.items() if key not in ("at", "proven")}
    live = live_entry(entries)
    if live and live["version"] == release["version"]:
        return _changed(entries, live, rev, **told, state=UNPROVEN, code="", words="", by="")
    if live:
        entries = _changed(entries, live, rev, state=REPLACED, until=at, replaced_by=release["version"])
    entry = {**told, **_NOT_YET, "fence": fence, "rev": rev, "state": UNPROVEN, "since": at}
    return [entry, *entries][:KEPT]


def with_proven(entries: Entries, at: str, rev: int) -> Entries:
    """What is live has come through its bake."""
    live = live_entry(entries)
    return _changed(entries, live, rev, state=PROVEN, proven_at=at) if live else entries


def with_taken_back(entries: Entries, given: dict[str, Any], back: str, rev: int) -> Entries:
    """What was live is not any more, and the version `back`, which it had replaced, serves again (empty: there is
    none). `given`: at, as (`undone` or `rolled back`), by, code, words."""
    live = live_entry(entries)
    if live is None:
        return entries
    told = {key: given[key] for key in ("by", "code", "words")}
    entries = _changed(entries, live, rev, **told, state=given["as"], until=given["at"])
    replaced = [each for each in entries if each["replaced_by"] == live["version"] and each["version"] == back]
    if not replaced:
        return entries
    before = replaced[0]
    state = PROVEN if before["proven_at"] else UNPROVEN
    return _changed(entries, before, rev, state=state, until="", replaced_by="", back_since=given["at"])


def with_entry_of_before(entries: Entries, before: Entry, given: dict[str, Any], rev: int) -> Entries:
    """The same version was released again, and undone: its entry is what it was `before`, and says who undid that, and
    why. `given`: by, code, words."""
    live = live_entry(entries)
    told = {**before, **{key: given[key] for key in ("by", "code", "words")}, "rev": rev}
    return [told if each is live else each for each in entries]


def unproven(entry: Entry) -> Entry:
    """The entry of what serves, and has to be proven anew."""
    return {**entry, "state": UNPROVEN, "proven_at": ""}


def with_database(entries: Entries, version: int, rev: int) -> Entries:
    """What is live has brought the database to that version."""
    live = live_entry(entries)
    return _changed(entries, live, rev, database=version) if live else entries


def with_unknown(entries: Entries, given: dict[str, Any], rev: int) -> Entries:
    """Nobody knows whether what was live still is: say so beside it, until a person has looked."""
    live = live_entry(entries)
    told = {key: given[key] for key in ("by", "code", "words")}
    return _changed(entries, live, rev, **told) if live else entries


def with_doubt(entries: Entries, promotion: str, words: str, rev: int) -> Entries:
    """A release that was replaced counts as proven no more, with the reason beside it."""
    doubted = {"proven_at": "", "words": words, "rev": rev}
    return [
        {**each, **doubted} if each["promotion"] == promotion and each["state"] == REPLACED else each
        for each in entries
    ]


def live_entry(entries: Iterable[Entry]) -> Entry | None:
    """The release that serves, as far as the ledger knows."""
    return next((each for each in entries if not each["until"]), None)


def proven_before(entries: Iterable[Entry], version: str) -> list[str]:
    """The versions other than `version` that were proven here and never taken back, the last one first."""
    return list(
        dict.fromkeys(
            each["version"]
            for each in entries
            if each["proven_at"] and each["state"] in (PROVEN, REPLACED) and each["version"] != version
        )
    )


def proven_at(entries: Iterable[Entry], version: str) -> str:
    """When `version` was proven, the last time that it was live here; empty when it was taken back, or never was."""
    last = next((each for each in entries if each["version"] == version), None)
    return str(last["proven_at"]) if last and last["state"] in (PROVEN, REPLACED) else ""


def _changed(entries: Entries, changed: Entry, rev: int, **more: Any) -> Entries:
    return [{**each, **more, "rev": rev} if each is changed else each for each in entries]
