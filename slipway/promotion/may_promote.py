"""May this build go to this stage now? One pure function, with every reason for its answer.

The entities act on the first barrier of the same rules (`barriers`), so what is said here and what they do cannot
differ: a stage that stands at the lock is granted it exactly when this says `allowed`. But for an approval that is too
old: the lock does not know of it, and the stage gives it back at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from slipway.promotion import barriers
from slipway.promotion.after import After
from slipway.promotion.approval import APPROVED, EXPIRED, REJECTED, SWITCH, is_late
from slipway.promotion.at_least import missing
from slipway.promotion.barriers import Barrier, at_the_lock, in_the_promotion
from slipway.promotion.calendar.windows import Calendar
from slipway.promotion.decision_state import empty
from slipway.promotion.ids import stage_id
from slipway.promotion.lock import REJECTED_ID
from slipway.promotion.outcomes import Outcome, iso, moment
from slipway.promotion.plain import plain
from slipway.promotion.plan import StagePlan, load_policy
from slipway.promotion.precedence import GO, KEPT_OUT, NEVER, at_work
from slipway.promotion.quorum import in_words
from slipway.promotion.votes import asked_of, standing_at


@dataclass(frozen=True)
class Reason:
    """`code` is stable, `words` are for people. It blocks, or only warns.

    `since` and `until` are moments (ISO 8601) or empty; at `until` it ends by itself, for good or ill. `ended_by`
    is a command to type, else in words who or what ends it; empty: nothing does for this build.
    """

    code: str
    words: str
    blocks: bool = True
    since: str = ""
    until: str = ""
    ended_by: str = ""


@dataclass(frozen=True)
class MayPromote:
    """The answer: every reason, in the order in which a stage meets them."""

    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        """Whether the build's work in the stage may begin now, or goes on."""
        return not any(reason.blocks for reason in self.reasons)

    def dump(self) -> dict[str, Any]:
        return {"allowed": self.allowed, "reasons": [asdict(reason) for reason in self.reasons]}


@dataclass(frozen=True)
class MemberAt:
    """A member of a group: the version that the group brings (empty when nobody knows), and its own lock's state."""

    version: str
    lock: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What is known of one stage of one build at the moment `at`.

    `promotion` and `version` are empty for a build that has none yet. `lock` is the state of the entity
    `environment` for this service; `decisions` that of the promotion, None when it has not begun. `lock_until` is
    when the stage gives up waiting for the lock, if it waits for it already; `suspended` is the orchestration that an
    operator of the durable runtime has suspended, if any. `members` are those of a group that have a target in the
    stage. `schema` is what the build declares of its database; `in_group` says that a member's lock is asked. `gates`
    is what each gate has said so far, by its name; `hotfix` is why the build is one, `others` are the locks of services
    that have to be somewhere first, by environment and service. Moments are ISO 8601 texts.
    """

    stage: StagePlan
    service: str
    promotion: str
    version: str
    finished_at: str
    received_at: str
    lock: dict[str, Any]
    decisions: dict[str, Any] | None
    at: str
    lock_until: str = ""
    suspended: str = ""
    members: dict[str, MemberAt] = field(default_factory=dict)
    schema: dict[str, int] = field(default_factory=dict)
    in_group: bool = False
    gates: dict[str, dict[str, Any]] = field(default_factory=dict)
    hotfix: str = ""
    others: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """What the promotion's decisions keep of the stage."""
        found: dict[str, Any] = self.decisions["stages"].get(self.stage.name, {}) if self.decisions else {}
        return found

    @property
    def build(self) -> dict[str, Any]:
        """The build as it would ask for the lock."""
        return {
            "holder": stage_id(self.promotion, self.stage.name),
            "promotion": self.promotion,
            "version": self.version,
            "finished_at": self.finished_at,
            "received_at": self.received_at,
            "on_newer_build": self.stage.on_newer_build,
            "at": self.at,
            **({"schema": self.schema} if self.schema else {}),
            "migrates": self.stage.migration is not None,
            "in_group": self.in_group,
            **({"calendar": plain(self.stage.calendar)} if self.stage.calendar else {}),
            **({"hotfix": self.hotfix} if self.hotfix else {}),
            **({"after": after} if (after := "; ".join(self._missing)) else {}),
        }

    @property
    def _missing(self) -> list[str]:
        """What other services keep it waiting for."""
        return [words for each in self.stage.after if (words := _missing_of(each, self.others))]

    @property
    def is_under_way(self) -> bool:
        """Whether the stage has its locks and is at its work."""
        holders = [lock["holder"] for lock in (self.lock, *(member.lock for member in self.members.values()))]
        return all(holder and holder["holder"] == self.build["holder"] for holder in holders)

    def at_member(self, service: str) -> "Case":
        """The same at the lock of a member, where it goes for no other build's sake."""
        member, nothing = self.members[service], {"calendar": Calendar(), "after": ()}
        stage = replace(self.stage, on_newer_build=barriers.QUEUE, migration=None, **nothing)  # type: ignore[arg-type]
        there = replace(self, stage=stage, service=service, version=member.version, lock=member.lock)
        return replace(there, members={}, schema={}, in_group=True)


Rule = Callable[[Case], Iterator[Reason]]


def may_promote(case: Case) -> MayPromote:
    """Whether the build may go to the stage now, and all that speaks against it or is worth a warning."""
    over = tuple(_over(case))
    if over:
        return MayPromote(over)
    rules = UNDER_WAY if case.is_under_way else RULES
    return MayPromote(tuple(reason for rule in rules for reason in rule(case)))


def _over(case: Case) -> Iterator[Reason]:
    """What has ended comes to nothing more: no other reason counts then."""
    if case.decisions and case.decisions["ended"]:
        yield Reason("ENDED", f"the promotion ended {case.decisions['ended']}")
    elif case.told.get("over"):
        yield Reason("STAGE_OVER", f"stage {case.stage.name} ended {case.told['outcome']}")
    elif case.decisions and case.decisions["aborted"]:
        said = case.decisions["aborted"]
        yield Reason(barriers.ABORTED, _said("aborted", said), since=said["at"])


def _suspended(case: Case) -> Iterator[Reason]:
    """Nothing that people decide reaches it; only who suspended it can let it go on."""
    if case.suspended:
        words = f"an operator of the durable runtime suspended {case.suspended}: it hears nothing, and keeps its lock"
        yield Reason("SUSPENDED", words, ended_by=f"the runtime's `resume` (or `terminate`) of {case.suspended}")


def _begun(case: Case) -> Iterator[Reason]:
    since, told = case.lock["holder"]["since"], _asking(case)
    if told.get("gate") == SWITCH and not told["decision"] and not is_late(moment(case.at), moment(told["deadline"])):
        given = f"slipway approve {case.promotion} {case.stage.name}"
        words = f"before its switch, {load_policy(told['policy']).asked}: {_so_far(told)}"
        yield Reason("APPROVAL_MISSING", words, until=told["deadline"], ended_by=given)
    for lock in (case.lock, *(member.lock for member in case.members.values())):
        now = at_work(lock, case.build)
        if now["do"] != GO:
            until = "" if now["until"] == NEVER else now["until"]
            yield Reason(now["code"], now["words"], until=until, ended_by=now["ended_by"])
    yield Reason("UNDER_WAY", f"stage {case.stage.name} is at its work", blocks=False, since=since)


def _failed(case: Case) -> Iterator[Reason]:
    """A stage that did not pass waits for a person."""
    if case.told.get("outcome"):
        again = f"slipway retry {case.promotion} {case.stage.name}"
        words = f"{case.told['outcome']}; it may be tried again"
        yield Reason("RETRY_OPEN", words, until=case.told.get("until", ""), ended_by=again)


def _needs_and_pause(case: Case) -> Iterator[Reason]:
    asked = {"needs": case.stage.needs, "at": case.at}
    yield from (_of_the_promotion(case, each) for each in in_the_promotion(case.decisions or empty(), asked))


def _of_the_promotion(case: Case, barrier: Barrier) -> Reason:
    by, reason = barrier.by, partial(Reason, barrier.code)
    match barrier.code:
        case barriers.PAUSED:
            back = f"slipway resume {case.promotion}"
            return reason(_said("paused", by), since=by["at"], until=by["until"], ended_by=back)
        case barriers.PAUSE_OVER:
            return reason(f"{_said('paused', by)}; nobody resumed it in time", since=by["at"], until=by["until"])
        case barriers.NEED_NOT_PASSED:
            return reason(f"stage {by['name']} ended {by['outcome']}")
    if by.get("outcome") not in (None, Outcome.PASSED):
        again = f"slipway retry {case.promotion} {by['name']}"
        words = f"stage {by['name']} {by['outcome']}; it may be tried again"
        return reason(words, until=by.get("until", ""), ended_by=again)
    return reason(f"stage {by['name']} has not passed yet", ended_by=f"stage {by['name']}")


def _gates(case: Case) -> Iterator[Reason]:
    """Gates before the stage that have not said yes, and what they wait for."""
    for gate in case.stage.gates:
        said = case.gates.get(gate.name) or {"outcome": ""}
        if said["outcome"] == Outcome.PASSED:
            continue
        if not said["outcome"]:
            words = f"gate {gate.name} has not been asked yet"
            yield Reason("GATE_NOT_PASSED", words, ended_by=f"its {gate.kind} gate")
            continue
        supplied = f"slipway evidence add {case.promotion} {gate.evidence} --file FILE"
        words, end = f"gate {gate.name}: {said['words']}", supplied if gate.evidence else f"its {gate.kind} gate"
        yield Reason("GATE_NOT_PASSED", words, since=said["asked_at"], ended_by=end)


def _approval(case: Case) -> Iterator[Reason]:
    policy, told = case.stage.approval, _asking(case)
    if told.get("gate") == SWITCH:  # what was asked before the start was decided then, and stays so
        return
    if policy is None:
        return
    if told.get("decision") == APPROVED:
        yield from _aged(case, policy.max_age_s)
        return
    if "policy" not in told:
        words = f"{policy.asked}: nobody has been asked yet"
        yield Reason("APPROVAL_MISSING", words, ended_by=policy.asked)
        return
    given = f"slipway approve {case.promotion} {case.stage.name}"
    ended = told["decision"] or (EXPIRED if is_late(moment(case.at), moment(told["deadline"])) else "")
    if not ended:
        words = f"{policy.asked}: {_so_far(told)}"
        yield Reason("APPROVAL_MISSING", words, until=told["deadline"], ended_by=given)
    elif ended == REJECTED:
        no = told["votes"][-1]
        words = f"rejected by {no['person']['name']}" + (f": {no['reason']}" if no["reason"] else "")
        yield Reason("APPROVAL_REJECTED", words, since=no["at"])
    elif ended == EXPIRED:
        yield Reason(
            "APPROVAL_EXPIRED", f"{policy.asked}: {len(told['votes'])} approved in time", since=told["deadline"]
        )
    else:
        yield Reason("APPROVAL_WITHDRAWN", "nobody is asked any more, for another build's sake")


def _aged(case: Case, max_age_s: float) -> Iterator[Reason]:
    """A yes that is too old by now is void when the lock is granted."""
    given_at = max((moment(vote["at"]) for vote in case.told["votes"]), default=moment(case.at))
    if max_age_s and (moment(case.at) - given_at).total_seconds() > max_age_s:
        words = "what people said has waited longer than its policy allows: they are asked anew when it is its turn"
        yield Reason("APPROVAL_AGED", words, since=iso(given_at), ended_by="people who approve again")


def _asking(case: Case) -> dict[str, Any]:
    """What is kept of the stage, with its approval as it stands now."""
    return standing_at(case.told, case.at) if "policy" in case.told else case.told


def _so_far(told: dict[str, Any]) -> str:
    votes, asked = len(told["votes"]), asked_of(told)
    escalation = asked.policy.escalation if asked.joined else None
    joined = f"; {' or '.join(escalation.approvers)} may, too, by now" if escalation else ""
    return f"{votes} approved so far{f', missing {in_words(asked.missing)}' if votes else ''}{joined}"


def _lock(case: Case) -> Iterator[Reason]:
    yield from (_of_the_lock(case, each) for each in at_the_lock(case.lock, case.build))
    for service in sorted(case.members):
        there = case.at_member(service)
        found = (_of_the_lock(there, each) for each in at_the_lock(there.lock, there.build))
        yield from (replace(reason, words=f"{service}: {reason.words}") for reason in found)


def _of_the_lock(case: Case, barrier: Barrier) -> Reason:
    by, reason = barrier.by, partial(Reason, barrier.code)
    if barrier.code in (*KEPT_OUT, barriers.REJECTED):
        lifted = f"slipway lift {case.stage.environment}.{case.service}.{REJECTED_ID}{by.get('version', '')}"
        until = "" if by["until"] == NEVER else by["until"]
        return reason(by["words"], since=by["since"], until=until, ended_by=by["ended_by"] or lifted)
    match barrier.code:
        case barriers.LOCK_BROKEN:
            opened = f"slipway lift {case.stage.environment}.{case.service}.broken"
            return reason(f"the lock is broken: {by['words']}", since=by["at"], ended_by=opened)
        case barriers.BEHIND:
            return reason(f"{by['version']}, a newer build, is live already", since=by.get("at", ""))
        case barriers.SUPERSEDED:
            return reason(
                f"{by['promotion']}, a newer build, takes its place", ended_by=f"the end of {by['promotion']}"
            )
        case barriers.IGNORED:
            words = f"{by['promotion']}, an older build, is on its way, and newer ones are ignored meanwhile"
            return reason(words, ended_by=f"the end of {by['promotion']}")
        case barriers.SCHEMA:
            return reason(by["words"])
        case barriers.CONTRACTING:
            words = f"{by['promotion']} contracts the database to {by['towards']}"
            return reason(words, since=by["since"], until=by["until"], ended_by=f"{by['promotion']}: its end")
        case barriers.LOCK_TAKEN:
            words, end = f"{by['promotion']} has the lock, in its stage {by['stage']}", "its end"
        case _:
            words, end = f"{by['promotion']} is before it in the queue", "its turn"
    return reason(words, since=by.get("since", ""), until=case.lock_until, ended_by=f"{by['promotion']}: {end}")


def _way_back(case: Case) -> Iterator[Reason]:
    """What would be returned to if the release fails: warnings, none of which blocks."""
    live, holder = case.lock["live"], case.lock["holder"]
    if live and live["version"] == case.version:
        yield Reason("ALREADY_LIVE", f"{live['version']} is live already: nothing would change", blocks=False)
    elif not case.stage.rollback_reach:
        kinds = ", ".join(sorted({target.kind for target in case.stage.targets}))
        yield Reason("NO_WAY_BACK", f"{kinds} keeps no release to return to", blocks=False)
    elif not live:
        words = "the first release here: there may be none to return to"
        yield Reason("FIRST_RELEASE", words, blocks=False)
    elif not live["proven"] and not (holder and holder["promotion"] == live["promotion"]):
        words = f"{live['version']}, which a failure would return to, was never proven"
        yield Reason("LIVE_NOT_PROVEN", words, blocks=False)


# In the order in which a stage meets them. What people and calendars say is asked with the lock (`precedence`).
RULES: tuple[Rule, ...] = (_suspended, _failed, _needs_and_pause, _gates, _approval, _lock, _way_back)
UNDER_WAY: tuple[Rule, ...] = (_suspended, _begun)


def _missing_of(after: After, others: dict[tuple[str, str], dict[str, Any]]) -> str:
    return missing(others.get((after.environment, after.service), {}), after.service, after.environment, after.at_least)


def _said(what: str, by: dict[str, Any]) -> str:
    return f"{what} by {by['by']}" + (f": {by['reason']}" if by["reason"] else "")
