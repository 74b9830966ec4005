"""What people read before they approve, in the same words everywhere: the API, the command, messages. Pure.

A card is short enough for a phone: a line is one thing, and of many things the first few and a count are told. All that
others wrote is cut to one printable line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.approval import APPROVE, START, SWITCH, Vote
from slipway.promotion.build import Build
from slipway.promotion.card_proofs import proofs, unproven
from slipway.promotion.database_schema import Range, against_return
from slipway.promotion.gates.answer import cut
from slipway.promotion.may_promote import MayPromote
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.plan import StagePlan, load_stage
from slipway.promotion.quorum import in_words
from slipway.promotion.reach import MINUTES, SECONDS
from slipway.promotion.votes import asked_of, standing_at

MOST_LINES, MOST_LETTERS = 6, 160  # of a section, of a line
SEAL_LETTERS = 12
# What the card itself says elsewhere: people are asked, and who is missing.
_SAID_ELSEWHERE = ("APPROVAL_MISSING", "UNDER_WAY")


@dataclass(frozen=True)
class ApprovalCard:
    """`gate`: whether the stage's start is asked for, or its switch. `seal` is the digest of what is approved, empty of
    an approval from before there were seals; `covers` the parts that it is made of. `decision` is None while people
    are asked."""

    promotion: str
    stage: str
    environment: str
    gate: str
    title: str
    changes: tuple[str, ...]
    proven: tuple[str, ...]
    warnings: tuple[str, ...]
    way_back: tuple[str, ...]
    asked: str
    votes: tuple[str, ...]
    missing: str
    deadline: str
    decision: str | None
    seal: str = ""
    covers: tuple[str, ...] = field(default=())

    @property
    def sections(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Heads and lines, in the order in which people read them; none that is empty."""
        told = [
            ("changes", self.changes),
            ("proven", self.proven),
            ("not proven", self.warnings),
            ("way back", self.way_back),
            ("asked", tuple(self._who())),
        ]
        return ((head, lines) for head, lines in told if lines)

    @property
    def text(self) -> str:
        """All of it, a line each."""
        lines = [self.title]
        for head, told in self.sections:
            lines += [head, *(f"- {line}" for line in told)]
        return "\n".join(lines)

    def dump(self) -> dict[str, Any]:
        lists = ("changes", "proven", "warnings", "way_back", "votes", "covers")
        return {**vars(self), **{name: list(getattr(self, name)) for name in lists}, "text": self.text}

    def _who(self) -> Iterator[str]:
        yield f"{self.asked}; until {self.deadline}"
        yield from self.votes
        if self.decision:
            yield f"it is {self.decision}"
        elif self.missing and self.votes:
            yield f"missing: {self.missing}"
        if self.seal:
            yield f"sealed {self.seal[:SEAL_LETTERS]}: {', '.join(self.covers)}"


@dataclass(frozen=True)
class Known:
    """What is known of a promotion at the moment `at`: its `rows` of the read model, its `decisions`, the `lock` of the
    asked stage's environment, and whether the build `may` go there, with every reason."""

    rows: Mapping[str, dict[str, Any]]
    decisions: Mapping[str, Any]
    lock: Mapping[str, Any]
    at: str
    may: MayPromote | None = None


def card_of(stage: str, known: Known) -> ApprovalCard | None:
    """The card of a stage's approval; None where the stage has not asked for one."""
    told = known.decisions.get("stages", {}).get(stage, {})
    row = known.rows.get("promotion")
    if row is None or "policy" not in told:
        return None
    told = standing_at(told, known.at)
    plans = [load_stage(each) for each in row["frozen_plan"]["stages"]]
    plan = next(each for each in plans if each.name == stage)
    build, asked, gate = Build.load(row["build"]), asked_of(told), told.get("gate", START)
    seal = told.get("seal") or {}
    return ApprovalCard(
        promotion=row["id"],
        stage=stage,
        environment=plan.environment,
        gate=gate,
        title=_line(f"{build.service} {build.version}: {_question(gate, plan)}"),
        changes=_short(_changes(build, plan, known)),
        proven=_short(proofs(plan, plans, known.rows)),
        warnings=_short([*_of_the_build(build), *unproven(plan, plans, known.rows), *_reasons(known.may)]),
        way_back=_short(_way_back(build, plan, known.lock)),
        asked=asked.policy.asked,
        votes=_short(_vote(Vote.load(vote)) for vote in told["votes"]),
        missing="" if told["decision"] else in_words(asked.missing),
        deadline=iso(moment(told["deadline"])),
        decision=told["decision"],
        seal=seal.get("digest", ""),
        covers=tuple(seal.get("parts", ())),
    )


def _question(gate: str, plan: StagePlan) -> str:
    if gate == SWITCH:
        return f"may it meet the users of {plan.environment}?"
    return f"may it go to {plan.environment}?"


def _changes(build: Build, plan: StagePlan, known: Known) -> Iterator[str]:
    live = known.lock.get("live") or {}
    before = f"{live['version']}{_at_commit(live)} to " if live else "first release here: "
    made = " by ".join(filter(None, (_at_commit({"commit": build.commit}).strip(), build.author)))
    yield f"{before}{build.version}" + (f" {made}" if made else "")
    yield from (f"{member} {version}" for member, version in sorted(build.members.items()))
    if plan.configuration:
        place = plan.configuration.place(build.service, build.version, plan.environment)
        yield f"settings under the label {place.label}"
    yield from (f"flag {wish.where} {'on' if wish.on else 'off'} for everybody" for wish in plan.flags)
    if plan.canary and plan.canary.flag:
        yield f"flag {plan.canary.flag.name} to more and more users"
    own = Range.of(build.schema)
    if own:
        expands = f", which it brings to {own.expand}" if own.expand and plan.migration else ""
        yield f"runs on the database's versions {own.words}{expands}"
    for target in known.rows.get(f"stage:{plan.name}", {}).get("targets", ()):
        if target.get("changes"):
            yield f"{target['name']}: {target['changes'].splitlines()[0]}"


def _of_the_build(build: Build) -> Iterator[str]:
    if build.hotfix:
        yield f"it is a hotfix: {build.hotfix}"


def _reasons(may: MayPromote | None) -> Iterator[str]:
    for reason in may.reasons if may else ():
        if reason.code not in _SAID_ELSEWHERE:
            yield f"waits then: {reason.words}" if reason.blocks else reason.words


def _way_back(build: Build, plan: StagePlan, lock: Mapping[str, Any]) -> Iterator[str]:
    """To what this release could be taken back, how soon, and why to nothing else."""
    live = lock.get("live")
    if not live:
        yield "to nothing: it is the first release here, and a failure needs a person"
        return
    own, there = Range.of(build.schema), dict(lock.get("schema") or {})
    if own and own.expand and plan.migration:
        there["version"] = max(own.expand, there.get("version", 0))
    told = {"version": build.version, "schema": build.schema}
    if against := against_return(there, live, told if own and own.contract and plan.migration else None):
        yield f"not to {live['version']}: {against}"
        return
    ways = "; ".join(dict.fromkeys(target.of_kind.way_back for target in plan.targets))
    soon = MINUTES if any(target.of_kind.planned for target in plan.targets) else SECONDS
    yield f"to {live['version']} in {soon}: {ways}"
    if lock.get("previous"):
        older = ", ".join(each["version"] for each in lock["previous"][:2])
        yield f"not to {older}: its place is taken by this release; promote that build again instead"


def _vote(vote: Vote) -> str:
    says = "yes" if vote.decision == APPROVE else "no"
    return f"{vote.called}: {says}" + (f", {vote.reason}" if vote.reason else "")


def _at_commit(release: Mapping[str, Any]) -> str:
    commit = str(release.get("commit") or "")
    return f" ({commit[:10]})" if commit else ""


def _short(lines: Iterable[str]) -> tuple[str, ...]:
    told: Sequence[str] = [_line(line) for line in dict.fromkeys(lines)]
    if len(told) <= MOST_LINES:
        return tuple(told)
    return (*told[: MOST_LINES - 1], f"and {len(told) - MOST_LINES + 1} more: slipway status")


def _line(text: str) -> str:
    return cut(text, MOST_LETTERS)
