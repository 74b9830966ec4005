"""From records to changes. It is told of the records of each chain in order, one chain after the other."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.promotion.audit_line import Record
from slipway.promotion.audit_report.change import Change
from slipway.promotion.ids import is_promotion_id
from slipway.promotion.outcomes import moment

REACHES = {"migrating", "deploying", "verifying", "opening", "ramping", "rolling-out", "verifying-live", "passed"}
LIVE = {"ramping", "rolling-out", "verifying-live", "passed"}  # from the first of them on it may meet users
ENDS = {"passed", "failed", "cancelled", "broken", "not-enough-evidence", "rolled-back"}
BACK = {"rolling-back", "rolled-back"}
GATES = {"gate-passed": "passed", "gate-failed": "failed", "gate-open": "open"}
KEPT_OUT = {"waiting-for-the-lock", "kept-back", "paused"}
PEOPLE = ("approval", "command", "gate", "override", "hotfix", "evidence")
_PLACE = "environment-"


@dataclass
class _Said:
    """What was said of a service in an environment: it held from `at` until `until`."""

    environment: str
    service: str
    id: str
    at: str
    until: str
    words: str


class Collecting:
    """`take` is for `verify_file`. `begins` and `ends` bound the time in which something of a change happened."""

    def __init__(self, environment: str, service: str, begins: str, ends: str) -> None:
        self._environment, self._service = environment, service
        self._begins, self._ends = (moment(each) if each else None for each in (begins, ends))
        self._chain = ""
        self._build: dict[str, Any] = {}
        self._stages: dict[str, Change] = {}
        self._people: list[Record] = []
        self._refused: set[str] = set()
        self._said: list[_Said] = []
        self._changes: list[Change] = []

    def take(self, chain: str, record: Record) -> None:
        """The next record."""
        if chain != self._chain:
            self._close()
            self._chain = chain
        if chain.startswith(_PLACE):
            environment, _, service = chain.removeprefix(_PLACE).partition("--")
            self._of_a_place(environment, service, record)
        elif is_promotion_id(chain):
            self._of_a_promotion(record)

    def changes(self) -> list[Change]:
        """All of them, in the order in which they began."""
        self._close()
        for change in self._changes:
            change.holds += [said.words for said in self._said if _concerns(said, change)]
        return sorted(self._changes, key=lambda change: (change.began_at, change.promotion))

    def _of_a_place(self, environment: str, service: str, record: Record) -> None:
        id, until = str(record.evidence.get("id", "")), str(record.evidence.get("expires_at") or record.at)
        if record.action == "intent.lift":
            for said in self._said:
                if said.id == id and (said.environment, said.service) == (environment, service):
                    said.until = min(said.until, record.at, key=moment)
        words = f"{_day(record.at)} {record.words}"
        self._said.append(_Said(environment, service, id, record.at, until, words))

    def _of_a_promotion(self, record: Record) -> None:
        family, _, what = record.action.partition(".")
        where = record.evidence.get("of")
        if record.action == "promotion.started":
            self._build = dict(record.evidence.get("build") or {})
        elif what == "refused":
            self._refused.add(str(record.evidence.get("said", "")))
            self._people.append(record)
        elif isinstance(where, dict):
            self._of_a_stage(family, what, record, str(where.get("stage", "")), str(where.get("environment", "")))
        elif family in PEOPLE:
            self._people.append(record)

    def _of_a_stage(self, family: str, what: str, record: Record, stage: str, environment: str) -> None:
        fresh = Change(self._chain, stage, environment or stage, began_at=record.at)
        change = self._stages.setdefault(stage, fresh)
        change.last_at = record.at
        if family == "stage":
            change.reached = change.reached or what in REACHES
            change.live_at = change.live_at or (record.at if what in LIVE else "")
            if what in ENDS:
                change.ended, change.ended_at = f"{what}: {record.words}", record.at
            if what in GATES:
                change.gates.append(f"{_day(record.at)} {_gate_words(GATES[what], record)}")
            elif what == "gate-revoked":
                change.gates.append(f"{_day(record.at)} {record.words}")
            elif what in KEPT_OUT:
                change.holds.append(f"{_day(record.at)} {record.words}")
        if record.action == "approval.void":
            change.refusals.append(f"{_day(record.at)} {record.words}")
        if what in BACK or record.action == "watch.harm":
            change.back_at, change.back_by = change.back_at or record.at, change.back_by or record.words
        _tell_of_gates(change, family, what, record)
        if votes := record.evidence.get("votes"):
            change.commands.append(f"{_day(record.at)} {record.words} ({len(votes)} votes)")

    def _close(self) -> None:
        said_of = {record.id: str(record.evidence.get("stage") or "") for record in self._people}
        for record in self._people:
            stage = said_of[record.id] or said_of.get(str(record.evidence.get("said", "")), "")
            for change in [self._stages[stage]] if stage in self._stages else [] if stage else self._stages.values():
                _tell_of_people(change, record, self._refused)
        self._changes += [self._described(each) for each in self._stages.values() if self._is_wanted(each)]
        self._build, self._stages, self._people, self._refused = {}, {}, [], set()

    def _described(self, change: Change) -> Change:
        service, _, version = self._chain.partition("--")
        told = {"service": service, "version": version, **self._build}
        for name in ("service", "version", "digest", "commit", "author"):
            setattr(change, name, str(told.get(name) or ""))
        if why := self._build.get("hotfix"):
            change.overrides.insert(0, f"hotfix: {why}")
        return change

    def _is_wanted(self, change: Change) -> bool:
        service = str(self._build.get("service") or self._chain.partition("--")[0])
        here = self._environment in ("", change.environment) and self._service in ("", service)
        return here and change.reached and self._is_in_time(moment(change.began_at), moment(change.last_at))

    def _is_in_time(self, began: datetime, last: datetime) -> bool:
        return (self._begins is None or last >= self._begins) and (self._ends is None or began <= self._ends)


def _tell_of_people(change: Change, record: Record, refused: set[str]) -> None:
    family, _, what = record.action.partition(".")
    if what == "refused" or record.id in refused:
        told = change.refusals
    elif family in ("override", "hotfix") or record.action == "command.promote":
        told = change.overrides
    elif record.action == "approval.approve":
        told = change.approvals
    elif family == "evidence":
        digest = record.evidence.get("digest")
        change.gates.append(f"{_day(record.at)} {record.words}{f', {digest}' if digest else ''}")
        return
    elif family == "gate":
        _tell_of_gates(change, family, what, record)
        return
    else:
        told = change.commands
    told.append(f"{_day(record.at)} {record.words}{_more_of(record.evidence)}")


def _tell_of_gates(change: Change, family: str, what: str, record: Record) -> None:
    """A gate's own record, and gates that another record names: `gates: {name: {outcome, digest, …}}`."""
    found = record.evidence.get("gates")
    told = dict(found) if isinstance(found, dict) else {}
    if family == "gate":
        told[str(record.evidence.get("gate") or record.evidence.get("name") or what)] = {
            "outcome": what,
            **record.evidence,
        }
    for name, answer in told.items():
        known = answer if isinstance(answer, dict) else {"outcome": answer}
        digest = f", evidence sha256 {known['digest']}" if known.get("digest") else ""
        change.gates.append(f"{name}: {known.get('outcome', '')}{digest}")


def _gate_words(outcome: str, record: Record) -> str:
    """`coverage passed: line 86 % of at least 80 %, evidence sha256:… of 2026-11-30 06:59`."""
    name, digest = str(record.evidence.get("gate", "")), record.evidence.get("digest")
    made = str(record.evidence.get("produced_at") or "")
    proof = f", evidence {digest}{f' of {_day(made)}' if made else ''}" if digest else ""
    return f"{name} {outcome}: {record.words.removeprefix(f'gate {name}: ')}{proof}"


def _more_of(evidence: dict[str, Any]) -> str:
    """Roles, delegation and seal, as far as they are on record."""
    roles = evidence.get("roles")
    told = [f"roles {', '.join(map(str, roles))}"] if isinstance(roles, list) and roles else []
    told += [f"{name} {evidence[name]}" for name in ("delegation", "for", "gate", "code") if evidence.get(name)]
    seal = evidence.get("seal")
    told += [f"sealed to {', '.join(sorted(seal))}" if isinstance(seal, dict) else f"seal {seal}"] if seal else []
    return f" ({'; '.join(told)})" if told else ""


def _concerns(said: _Said, change: Change) -> bool:
    if (said.environment, said.service) != (change.environment, change.service):
        return False
    return moment(said.at) <= moment(change.last_at) and moment(said.until) >= moment(change.began_at)


def _day(at: str) -> str:
    return f"{at[:10]} {at[11:16]}"
