"""States and transitions of a promotion, a stage, an approval and a lock: every state × event has an answer.

Data only, and how to read which state a thing is in. What carries them out stands elsewhere (`decisions`, `lock`,
the orchestration `stage`); the tests hold both against each other, and `docs/states.md` is printed from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from slipway.promotion import gate_transitions
from slipway.promotion import stage_phases as phase
from slipway.promotion.approval import APPROVED, EXPIRED, REJECTED, WITHDRAWN
from slipway.promotion.decision_state import is_final
from slipway.promotion.outcomes import Outcome
from slipway.promotion.stage_run import StageRun


class Transition(NamedTuple):
    """In `state`, `event` leads to `to`. `answer` tells apart what the same event may come to."""

    state: str
    event: str
    to: str
    answer: str = ""


@dataclass(frozen=True)
class Machine:
    """`states` in the order of a life; `elsewhere` says, by event, why it has no row in the other states."""

    name: str
    states: tuple[str, ...]
    transitions: frozenset[Transition]
    elsewhere: dict[str, str]

    def answer(self, state: str, event: str) -> list[Transition] | str:
        """What `event` may come to in `state`: transitions, or the reason why there is none. Raises KeyError."""
        found = sorted(each for each in self.transitions if (each.state, each.event) == (state, event))
        return found or self.elsewhere[event]


def _rows(states: str | Iterable[str], event: str, *ways: tuple[str, str]) -> list[Transition]:
    """One event in one or several states; `ways` are (answer, next state), where "=" is the same state."""
    among = (states,) if isinstance(states, str) else states
    return [Transition(state, event, state if to == "=" else to, answer) for state in among for answer, to in ways]


# -- a promotion, as its entity `decisions` knows it

RUNNING, PAUSED, ABORTED, SETTLED, ENDED = "running", "paused", "aborted", "settled", "ended"
_OPEN = (RUNNING, PAUSED)
_LATE = {SETTLED: "ALREADY_ENDED", ABORTED: "ALREADY_ABORTED", ENDED: "ALREADY_ENDED"}

PROMOTION = Machine(
    "promotion",
    (RUNNING, PAUSED, SETTLED, ABORTED, ENDED),
    frozenset(
        [
            *_rows((RUNNING, PAUSED, ABORTED), "begin", ("", "=")),
            *_rows(RUNNING, "pause", ("taken", PAUSED)),
            *_rows(PAUSED, "pause", ("ALREADY_PAUSED", "=")),
            *_rows(SETTLED, "pause", ("taken", "="), ("ALREADY_PAUSED", "=")),
            *_rows(PAUSED, "resume", ("taken", RUNNING)),
            *_rows(RUNNING, "resume", ("NOT_PAUSED", "=")),
            *_rows(SETTLED, "resume", ("taken", "="), ("NOT_PAUSED", "=")),
            *_rows(_OPEN, "abort", ("taken", ABORTED)),
            *_rows(_OPEN, "retry", ("taken", "="), ("NOT_FAILED", "="), ("RETRY_OVER", "="), ("AMBIGUOUS", "=")),
            *_rows(SETTLED, "retry", ("NOT_FAILED", "="), ("RETRY_OVER", "=")),
            *_rows(SETTLED, "abort", ("ALREADY_ENDED", "=")),
            *[each for word in ("advance", "promote", "rollback")
              for each in (*_rows(_OPEN, word, ("taken", "="), ("NOT_RAMPING", "="), ("AMBIGUOUS", "=")),
                           *_rows(_OPEN, word, ("ALREADY_DECIDED", "=")),
                           *_rows(SETTLED, word, ("NOT_RAMPING", "=")))],
            *_rows(_OPEN, "advance", ("HARM_PROVEN", "="), ("FLAG_CHANGED", "=")),
            *_rows(_OPEN, "promote", ("FLAG_CHANGED", "=")),
            *[each for late in (ABORTED, ENDED)
              for name in ("pause", "resume", "abort", "retry", "vote", "supply", "advance", "promote", "rollback")
              for each in _rows(late, name, (_LATE[late], "="))],
            *_rows((*_OPEN, SETTLED), "vote", ("to the approval", "=")),
            *_rows((*_OPEN, SETTLED), "supply", ("taken", "="), ("EVIDENCE_TOO_LARGE", "=")),
            *_rows(_OPEN, "settle", ("go", "="), ("go", SETTLED)),
            *_rows(SETTLED, "settle", ("go", "=")),
            *_rows(ABORTED, "settle", ("cancel", "="), ("go", "=")),
            *_rows(_OPEN, "report", ("", "="), ("", SETTLED)),
            *_rows((SETTLED, ABORTED), "report", ("", "=")),
            *_rows(_OPEN, "close_retry", ("retry", "="), ("end", "="), ("end", SETTLED)),
            *_rows((SETTLED, ABORTED), "close_retry", ("end", "=")),
            *_rows((SETTLED, ABORTED, ENDED), "end", ("", ENDED)),
            *_rows((*_OPEN, SETTLED, ABORTED), "close_stage", ("go", "="), ("end", "=")),
            *_rows(ENDED, "close_stage", ("end", "=")),
            *_rows(_OPEN, "close_promotion", ("wait", "="), ("wait", ABORTED)),
            *_rows((SETTLED, ABORTED), "close_promotion", ("wait", "="), ("end", "=")),
            *_rows(ENDED, "close_promotion", ("end", "=")),
        ]
    ),
    {
        "begin": "a promotion begins once, before anything of it can be over",
        "settle": "no stage is at work any more",
        "report": "a promotion ends when every stage has reported that it is over",
        "close_retry": "a promotion ends when every stage is over",
        "end": "a promotion ends when every stage is over",
    },
)  # fmt: skip


def promotion_state(decisions: dict[str, Any]) -> str:
    """The state of a promotion from that of its entity `decisions`."""
    stages = decisions["stages"].values()
    if decisions["ended"]:
        return ENDED
    if decisions["aborted"]:
        return ABORTED
    if stages and all(is_final(stage) for stage in stages):
        return SETTLED
    return PAUSED if decisions["paused"] else RUNNING


# -- the approval of a stage

NOT_ASKED, ASKED = "not asked", "asked"
_DECIDED = (APPROVED, REJECTED, EXPIRED, WITHDRAWN)

APPROVAL = Machine(
    "approval",
    (NOT_ASKED, ASKED, *_DECIDED),
    frozenset(
        [
            *_rows(NOT_ASKED, "vote", ("NOT_ASKED", "=")),
            *_rows(ASKED, "vote", ("counted", "="), ("counted", APPROVED), ("counted", REJECTED)),
            *_rows(ASKED, "vote", ("NOT_AN_APPROVER", "="), ("IS_AUTHOR", "="), ("AUTHOR_UNKNOWN", "=")),
            *_rows(ASKED, "vote", ("ALREADY_VOTED", "="), ("EXPIRED", "="), ("AMBIGUOUS", "=")),
            *_rows(ASKED, "vote", ("SEAL_CHANGED", "="), ("COMMENT_REQUIRED", "="), ("SLOTS_FILLED", "=")),
            *_rows(ASKED, "vote", ("APPROVED_BEFORE", "="), ("NOT_VOTED", "=")),
            *_rows((APPROVED, REJECTED, WITHDRAWN), "vote", ("ALREADY_DECIDED", "=")),
            *_rows(EXPIRED, "vote", ("EXPIRED", "=")),
            *_rows((NOT_ASKED, EXPIRED, WITHDRAWN), "ask_approval", ("wait", ASKED), ("cancel", ASKED)),
            *_rows((NOT_ASKED, ASKED, EXPIRED, WITHDRAWN), "ask_approval", ("evidence", WITHDRAWN)),
            *_rows(ASKED, "ask_approval", ("wait", "="), ("cancel", "=")),
            *_rows((APPROVED, REJECTED), "ask_approval", ("end", "=")),
            *_rows((APPROVED, REJECTED, WITHDRAWN), "ask_approval", ("cancel", "=")),
            *_rows(ASKED, "close", ("expired", EXPIRED), ("withdrawn", WITHDRAWN), ("it escalates", "=")),
            *_rows(APPROVED, "close", ("approved", "=")),
            *_rows(REJECTED, "close", ("rejected", "=")),
            *_rows(WITHDRAWN, "close", ("withdrawn", "=")),
            *_rows(ASKED, "close_stage", ("go", WITHDRAWN), ("end", "=")),
            *_rows((NOT_ASKED, *_DECIDED), "close_stage", ("go", "="), ("end", "=")),
        ]
    ),
    {
        "close": "it is closed by whoever waits, once, and only while it is open or just decided",
    },
)  # fmt: skip


def approval_state(stage: dict[str, Any]) -> str:
    """The state of a stage's approval from what `decisions` keeps of the stage."""
    return str(stage["decision"] or ASKED) if "policy" in stage else NOT_ASKED


# -- a stage, phase by phase

_CHAIN = (phase.DEPLOY, phase.VERIFY, phase.RAMP, phase.ROLL_OUT, phase.VERIFY_LIVE, phase.BAKE)
_NEXT = dict(zip(_CHAIN, (*_CHAIN[1:], phase.SETTLE), strict=True)) | {phase.REGION: phase.ROLL_OUT}
_BEFORE_USERS = (phase.SWITCH_GATES, phase.SWITCH_APPROVAL, phase.GATES_AT_SWITCH, phase.VERIFY_AGAIN, phase.REGION)
_HELD = (phase.GATES_AT_LOCK, phase.MIGRATE, *_CHAIN[:2], *_BEFORE_USERS, *_CHAIN[2:])
_WAITING = (phase.NEEDS, phase.GATES, phase.APPROVAL, phase.LOCK)
_BACK = (phase.READY_OLD_SIDE, phase.GO_BACK)
_WITH_RING = "goes back with a later ring"
_REPEATED = (*_BACK, phase.SWEEP, phase.UNDO, phase.TAKE_BACK, phase.REPORT, phase.RETRY)
_ENDING = (phase.SETTLE, *_BACK, phase.SWEEP, phase.UNDO, phase.TAKE_BACK, phase.SHUT, phase.REPORT, phase.RETRY)

STAGE = Machine(
    "stage",
    (*_WAITING, *_HELD, *_ENDING, phase.OVER),
    frozenset(
        [
            *_rows(phase.NEEDS, "passed", ("people are asked", phase.APPROVAL), ("nobody is asked", phase.LOCK)),
            *(Transition(*each) for each in gate_transitions.WAYS),
            *_rows(phase.APPROVAL, "passed", ("", phase.LOCK)),
            *_rows(phase.LOCK, "passed", ("", phase.DEPLOY), ("to go back", phase.GO_BACK)),
            *_rows(phase.LOCK, "passed", ("to go back to what was stopped", phase.READY_OLD_SIDE)),
            *_rows(phase.LOCK, "passed", ("to migrate", phase.MIGRATE)),
            *_rows(phase.MIGRATE, "passed", ("", phase.DEPLOY)),
            *_rows(phase.READY_OLD_SIDE, "passed", ("", phase.GO_BACK)),
            *_rows(phase.VERIFY, "passed", ("people are asked before the switch", phase.SWITCH_APPROVAL)),
            *_rows(phase.SWITCH_APPROVAL, "passed", ("", phase.VERIFY_AGAIN)),
            *_rows(phase.VERIFY_AGAIN, "passed", ("", phase.ROLL_OUT), ("by region", phase.REGION)),
            *[each for here, following in _NEXT.items() for each in _rows(here, "passed", ("", following))],
            *_rows(phase.VERIFY, "passed", ("without a ramp", phase.ROLL_OUT), ("by region", phase.REGION)),
            *_rows(phase.REGION, "passed", ("to ramp", phase.RAMP), ("it has waited", phase.VERIFY_AGAIN)),
            *_rows(phase.RAMP, "passed", ("of a Front Door, by region", phase.REGION)),
            *_rows(phase.VERIFY_LIVE, "passed", ("targets are left", phase.ROLL_OUT)),
            *_rows(phase.VERIFY_LIVE, "passed", ("targets are left, by region", phase.REGION)),
            *_rows(phase.VERIFY_LIVE, "passed", ("to ramp its flag", phase.RAMP)),
            *_rows(phase.RAMP, "passed", ("of its flag", phase.BAKE)),
            *_rows(phase.SETTLE, "passed", ("", phase.REPORT)),
            *_rows(phase.GO_BACK, "passed", ("", phase.UNDO)),
            *_rows(phase.SWEEP, "passed", ("taken over", phase.UNDO), ("taken over from who was purged", phase.SHUT)),
            *_rows(phase.SWEEP, "passed", ("held no lock", phase.REPORT), ("over already", phase.OVER)),
            *_rows(phase.SWEEP, "passed", ("rings go back, too", phase.TAKE_BACK)),
            *_rows(phase.UNDO, "passed", ("", phase.REPORT), ("rings go back, too", phase.TAKE_BACK)),
            *_rows(phase.TAKE_BACK, "passed", ("", phase.REPORT)),
            *_rows(phase.UNDO, "broken", ("", phase.SHUT)),
            *_rows(phase.SHUT, "passed", ("", phase.REPORT)),
            *_rows(phase.REPORT, "passed", ("may be retried", phase.RETRY), ("final", phase.OVER)),
            *_rows((*_WAITING, *_HELD, *_REPEATED), "waits", ("", "=")),
            *_rows(_WAITING, "aborted", ("", phase.REPORT)),
            *_rows((*_HELD, phase.SETTLE), "aborted", ("", phase.UNDO)),
            *_rows(phase.NEEDS, "need not passed", ("", phase.REPORT)),
            *_rows((phase.APPROVAL, phase.LOCK), "rejected", ("", phase.REPORT)),
            *_rows(_WAITING, "expired", ("", phase.REPORT)),
            *_rows((phase.SWITCH_APPROVAL, phase.RAMP), "expired", ("", phase.UNDO)),
            *_rows(phase.SWITCH_APPROVAL, "rejected", ("", phase.UNDO)),
            *_rows((phase.APPROVAL, phase.LOCK), "overtaken", ("", phase.REPORT)),
            *_rows(phase.SWITCH_APPROVAL, "overtaken", ("", phase.UNDO)),
            *_rows((phase.APPROVAL, phase.LOCK), "behind", ("", phase.REPORT)),
            *_rows((phase.RAMP, phase.ROLL_OUT), "void", ("", phase.UNDO)),
            *_rows(phase.LOCK, "lock broken", ("", phase.REPORT)),
            *_rows(phase.LOCK, "beyond the schema", ("", phase.REPORT)),
            *_rows(_HELD, "broken", ("", phase.UNDO)),
            *_rows((phase.APPROVAL, *_BACK), "broken", ("", phase.REPORT)),
            *_rows(_BACK, "broken", (_WITH_RING, phase.SHUT)),
            *_rows(_BACK, "not live", ("", phase.REPORT)),
            *_rows((phase.MIGRATE, *_CHAIN, phase.VERIFY_AGAIN), "failed", ("", phase.UNDO)),
            *_rows((phase.VERIFY, phase.REGION, phase.RAMP, phase.BAKE), "not enough evidence", ("", phase.UNDO)),
            *_rows((phase.MIGRATE, phase.DEPLOY, phase.RAMP, phase.ROLL_OUT), "fenced", ("", phase.UNDO)),
            *_rows(phase.RETRY, "retry", ("", phase.LOCK), ("people are asked anew", phase.APPROVAL)),
            *_rows(phase.RETRY, "not retried", ("", phase.OVER)),
            *_rows(_WAITING, "error", ("", phase.REPORT)),
            *_rows((*_HELD, phase.SETTLE, phase.READY_OLD_SIDE, phase.GO_BACK), "error", ("", phase.UNDO)),
            *_rows(phase.UNDO, "error", ("", phase.SHUT)),
            *_rows(phase.TAKE_BACK, "error", ("", phase.REPORT)),
            *_rows((phase.SWEEP, phase.SHUT, phase.REPORT, phase.RETRY), "error", ("", "=")),
        ]
    ),
    {
        "passed": "a wait for a retry ends with one, or without; what is over stays over",
        "waits": "only the lock is asked there, or nothing any more",
        "aborted": "the undo is the abort's work, and what has ended is not undone: `decisions` refuses the abort",
        "need not passed": "asked once, before the stage begins",
        "rejected": "people are asked in the two approvals, and the lock whether it takes this version",
        "expired": "every operation has a deadline of its own and is `broken` when it passes; no pause stops it",
        "overtaken": "a build gives way until it has the lock, and while people are asked before its switch",
        "behind": "asked with the lock, and while people are asked before the start",
        "void": "what people said yes to is read again at the lock, and right before users meet the release",
        "lock broken": "asked with the lock",
        "beyond the schema": "asked with the lock; an undo that would lead there is broken",
        "revoked": "what gates have passed is held against newer evidence while people are asked, and at the lock",
        "not live": "only who goes back asks whether the release is still there",
        "failed": "nothing is checked there that could speak against the release",
        "broken": "what is asked there is asked until it answers",
        "not enough evidence": "there nothing is measured that could be missing",
        "fenced": "nothing is written to a target there, or what is written comes with the highest fence",
        "retry": "refused as NOT_FAILED, and as RETRY_OVER once the time for it has passed",
        "not retried": "there is nothing to retry, or it is over already",
        "error": "only the outcome is returned there",
    },
)  # fmt: skip

_EVENT_OF_CODE = {
    "ABORTED": "aborted",
    "NEED_NOT_PASSED": "need not passed",
    "REJECTED": "rejected",
    "VERSION_REJECTED": "rejected",
    "APPROVAL_EXPIRED": "expired",
    "LOCK_WAIT_OVER": "expired",
    "PAUSE_OVER": "expired",
    "SUPERSEDED": "overtaken",
    "IGNORED": "overtaken",
    "BEHIND": "behind",
    "APPROVAL_VOID": "void",
    "LOCK_BROKEN": "lock broken",
    "SCHEMA_OUT_OF_RANGE": "beyond the schema",
    "FENCED": "fenced",
    "NOT_LIVE": "not live",
    "UNEXPECTED": "error",
}

_SWEPT = {
    phase.UNDO: "taken over",
    phase.SHUT: "taken over from who was purged",
    phase.REPORT: "held no lock",
    phase.OVER: "over already",
    phase.TAKE_BACK: "rings go back, too",
}
_ON_TO_USERS = {
    **gate_transitions.ON,
    (phase.VERIFY, phase.ROLL_OUT): "without a ramp",
    (phase.VERIFY, phase.REGION): "by region",
    (phase.VERIFY, phase.SWITCH_APPROVAL): "people are asked before the switch",
    (phase.VERIFY_AGAIN, phase.REGION): "by region",
    (phase.REGION, phase.RAMP): "to ramp",
    (phase.REGION, phase.VERIFY_AGAIN): "it has waited",
    (phase.RAMP, phase.REGION): "of a Front Door, by region",
    (phase.VERIFY_LIVE, phase.ROLL_OUT): "targets are left",
    (phase.VERIFY_LIVE, phase.REGION): "targets are left, by region",
    (phase.VERIFY_LIVE, phase.RAMP): "to ramp its flag",
    (phase.RAMP, phase.BAKE): "of its flag",
}


_ANEW = {phase.APPROVAL: "people are asked anew", phase.GATES: gate_transitions.ANEW}


def stage_transition(before: StageRun, after: StageRun) -> Transition:
    """What happened to a stage between two generations of its orchestration."""
    here, to = before.phase, after.phase
    if here == to:
        return Transition(here, "waits", to)
    if here == phase.RETRY:
        event = "not retried" if to == phase.OVER else "retry"
        return Transition(here, event, to, _ANEW.get(to, ""))
    if here == phase.REPORT:
        return Transition(here, "passed", to, "final" if to == phase.OVER else "may be retried")
    if here == phase.NEEDS and to in (phase.APPROVAL, phase.LOCK):
        return Transition(here, "passed", to, "people are asked" if to == phase.APPROVAL else "nobody is asked")
    if (here, to) in gate_transitions.VOID:
        return Transition(here, "void", to, "people are asked anew")
    if to == phase.GATES and here in (phase.APPROVAL, phase.GATES_AT_LOCK):
        return Transition(here, "revoked", to)
    if (here, to) in _ON_TO_USERS:
        return Transition(here, "passed", to, _ON_TO_USERS[here, to])
    if here == phase.LOCK and to == phase.MIGRATE:
        return Transition(here, "passed", to, "to migrate")
    if here == phase.LOCK and to == phase.GO_BACK:
        return Transition(here, "passed", to, "to go back")
    if here == phase.LOCK and to == phase.READY_OLD_SIDE:
        return Transition(here, "passed", to, "to go back to what was stopped")
    if here == phase.SWEEP:
        return Transition(here, "passed", to, _SWEPT[to])
    if here == phase.SETTLE and to == phase.REPORT:  # the release is proven, whatever its flag came to
        return Transition(here, "passed", to)
    if here == phase.UNDO:
        back = "rings go back, too" if to == phase.TAKE_BACK else ""
        return Transition(here, "broken" if to == phase.SHUT else "passed", to, back)
    if here in _BACK and to == phase.SHUT:
        return Transition(here, "broken", to, _WITH_RING)
    ending = after.ending if before.ending is None else None
    if ending is None or ending.outcome in (Outcome.PASSED, phase.ROLLED_BACK):
        return Transition(here, "passed", to)
    event = _EVENT_OF_CODE.get(ending.code, ending.outcome)
    given_back = here == phase.GATES_AT_LOCK and to == phase.REPORT and event in ("broken", "aborted")
    return Transition(here, event, to, gate_transitions.GIVEN_BACK if given_back else "")


# -- the lock of a service in an environment

FREE, TAKEN, BROKEN = "free", "held", "broken"

LOCK = Machine(
    "lock",
    (FREE, TAKEN, BROKEN),
    frozenset(
        [
            *_rows((FREE, TAKEN, BROKEN), "announce", ("go", "="), ("superseded", "="), ("ignored", "=")),
            *_rows((FREE, TAKEN, BROKEN), "announce", ("behind", "=")),
            *_rows(FREE, "acquire", ("granted", TAKEN), ("queued", "="), ("held", "=")),
            *_rows(TAKEN, "acquire", ("granted", "="), ("queued", "="), ("held", "=")),
            *_rows(FREE, "acquire", ("schema", "=")),
            *_rows((FREE, TAKEN), "acquire", ("behind", "="), ("superseded", "="), ("ignored", "="), ("rejected", "=")),
            *_rows(BROKEN, "acquire", ("broken", "=")),
            *_rows(TAKEN, "raise_fence", ("raised", "="), ("not yours", "=")),
            *_rows((FREE, BROKEN), "raise_fence", ("not yours", "=")),
            *_rows(TAKEN, "take_over", ("taken over", "="), ("not yours", "=")),
            *_rows((FREE, BROKEN), "take_over", ("not yours", "=")),
            *_rows(TAKEN, "switched", ("switched", "="), ("not yours", "=")),
            *_rows((FREE, BROKEN), "switched", ("not yours", "=")),
            *_rows(TAKEN, "release", ("proven", FREE), ("undone", FREE), ("unchanged", FREE), ("broken", BROKEN)),
            *_rows(TAKEN, "release", ("undone", BROKEN)),
            *_rows((FREE, TAKEN, BROKEN), "doubt", ("doubted", "=")),
            *_rows((FREE, TAKEN, BROKEN), "release", ("not yours", "=")),
            *_rows((FREE, TAKEN, BROKEN), "leave", ("left", "=")),
            *_rows(TAKEN, "leave", ("left", FREE)),
            *_rows((FREE, TAKEN, BROKEN), "hold", ("hold", "=")),
            *_rows((FREE, TAKEN, BROKEN), "lift", ("hold", "="), ("rejected", "=")),
            *_rows((FREE, TAKEN), "lift", ("broken", "=")),
            *_rows(BROKEN, "lift", ("broken", FREE)),
            *_rows((FREE, TAKEN, BROKEN), "ask_watch", ("over", "=")),
            *_rows(FREE, "ask_watch", ("go", "=")),
            *_rows(TAKEN, "ask_watch", ("wait", "=")),
            *_rows((FREE, TAKEN, BROKEN), "end_watch", ("over", "=")),
            *_rows((FREE, TAKEN), "migrates", ("go", "="), ("there", "="), ("not yours", "=")),
            *_rows((FREE, TAKEN), "migrated", ("go", "="), ("not yours", "=")),
            *_rows(BROKEN, "migrates", ("not yours", "=")),
            *_rows(BROKEN, "migrated", ("not yours", "=")),
        ]
    ),
    {},
)


def lock_state(lock: dict[str, Any]) -> str:
    """The state of a lock from that of its entity `environment`."""
    if lock["broken"]:
        return BROKEN
    return TAKEN if lock["holder"] else FREE


MACHINES = (PROMOTION, STAGE, APPROVAL, LOCK)
