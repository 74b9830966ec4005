"""States and transitions of a stage: data, and how to read which one a step of its orchestration was."""

from slipway.promotion import gate_transitions
from slipway.promotion import stage_phases as phase
from slipway.promotion.machine import Machine, Transition, rows
from slipway.promotion.outcomes import Outcome
from slipway.promotion.stage_run import StageRun

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
            *rows(phase.NEEDS, "passed", ("people are asked", phase.APPROVAL), ("nobody is asked", phase.LOCK)),
            *(Transition(*each) for each in gate_transitions.WAYS),
            *rows(phase.APPROVAL, "passed", ("", phase.LOCK)),
            *rows(phase.LOCK, "passed", ("", phase.DEPLOY), ("to go back", phase.GO_BACK)),
            *rows(phase.LOCK, "passed", ("to go back to what was stopped", phase.READY_OLD_SIDE)),
            *rows(phase.LOCK, "passed", ("to migrate", phase.MIGRATE)),
            *rows(phase.MIGRATE, "passed", ("", phase.DEPLOY)),
            *rows(phase.READY_OLD_SIDE, "passed", ("", phase.GO_BACK)),
            *rows(phase.VERIFY, "passed", ("people are asked before the switch", phase.SWITCH_APPROVAL)),
            *rows(phase.SWITCH_APPROVAL, "passed", ("", phase.VERIFY_AGAIN)),
            *rows(phase.VERIFY_AGAIN, "passed", ("", phase.ROLL_OUT), ("by region", phase.REGION)),
            *[each for here, following in _NEXT.items() for each in rows(here, "passed", ("", following))],
            *rows(phase.VERIFY, "passed", ("without a ramp", phase.ROLL_OUT), ("by region", phase.REGION)),
            *rows(phase.REGION, "passed", ("to ramp", phase.RAMP), ("it has waited", phase.VERIFY_AGAIN)),
            *rows(phase.RAMP, "passed", ("of a Front Door, by region", phase.REGION)),
            *rows(phase.VERIFY_LIVE, "passed", ("targets are left", phase.ROLL_OUT)),
            *rows(phase.VERIFY_LIVE, "passed", ("targets are left, by region", phase.REGION)),
            *rows(phase.VERIFY_LIVE, "passed", ("to ramp its flag", phase.RAMP)),
            *rows(phase.RAMP, "passed", ("of its flag", phase.BAKE)),
            *rows(phase.SETTLE, "passed", ("", phase.REPORT)),
            *rows(phase.GO_BACK, "passed", ("", phase.UNDO)),
            *rows(phase.SWEEP, "passed", ("taken over", phase.UNDO), ("taken over from who was purged", phase.SHUT)),
            *rows(phase.SWEEP, "passed", ("held no lock", phase.REPORT), ("over already", phase.OVER)),
            *rows(phase.SWEEP, "passed", ("rings go back, too", phase.TAKE_BACK)),
            *rows(phase.UNDO, "passed", ("", phase.REPORT), ("rings go back, too", phase.TAKE_BACK)),
            *rows(phase.TAKE_BACK, "passed", ("", phase.REPORT)),
            *rows(phase.UNDO, "broken", ("", phase.SHUT)),
            *rows(phase.SHUT, "passed", ("", phase.REPORT)),
            *rows(phase.REPORT, "passed", ("may be retried", phase.RETRY), ("final", phase.OVER)),
            *rows((*_WAITING, *_HELD, *_REPEATED), "waits", ("", "=")),
            *rows(_WAITING, "aborted", ("", phase.REPORT)),
            *rows((*_HELD, phase.SETTLE), "aborted", ("", phase.UNDO)),
            *rows(phase.NEEDS, "need not passed", ("", phase.REPORT)),
            *rows((phase.APPROVAL, phase.LOCK), "rejected", ("", phase.REPORT)),
            *rows(_WAITING, "expired", ("", phase.REPORT)),
            *rows((phase.SWITCH_APPROVAL, phase.RAMP), "expired", ("", phase.UNDO)),
            *rows(phase.SWITCH_APPROVAL, "rejected", ("", phase.UNDO)),
            *rows((phase.APPROVAL, phase.LOCK), "overtaken", ("", phase.REPORT)),
            *rows(phase.SWITCH_APPROVAL, "overtaken", ("", phase.UNDO)),
            *rows((phase.APPROVAL, phase.LOCK), "behind", ("", phase.REPORT)),
            *rows((phase.RAMP, phase.ROLL_OUT), "void", ("", phase.UNDO)),
            *rows(phase.LOCK, "lock broken", ("", phase.REPORT)),
            *rows(phase.LOCK, "beyond the schema", ("", phase.REPORT)),
            *rows(_HELD, "broken", ("", phase.UNDO)),
            *rows((phase.APPROVAL, *_BACK), "broken", ("", phase.REPORT)),
            *rows(_BACK, "broken", (_WITH_RING, phase.SHUT)),
            *rows(_BACK, "not live", ("", phase.REPORT)),
            *rows((phase.MIGRATE, *_CHAIN, phase.VERIFY_AGAIN), "failed", ("", phase.UNDO)),
            *rows((phase.VERIFY, phase.REGION, phase.RAMP, phase.BAKE), "not enough evidence", ("", phase.UNDO)),
            *rows((phase.MIGRATE, phase.DEPLOY, phase.RAMP, phase.ROLL_OUT), "fenced", ("", phase.UNDO)),
            *rows((*phase.BEFORE_CHANGES, phase.BAKE), "recalled", ("", phase.UNDO)),
            *rows(phase.RETRY, "retry", ("", phase.LOCK), ("people are asked anew", phase.APPROVAL)),
            *rows(phase.RETRY, "not retried", ("", phase.OVER)),
            *rows(_WAITING, "error", ("", phase.REPORT)),
            *rows((*_HELD, phase.SETTLE, phase.READY_OLD_SIDE, phase.GO_BACK), "error", ("", phase.UNDO)),
            *rows(phase.UNDO, "error", ("", phase.SHUT)),
            *rows(phase.TAKE_BACK, "error", ("", phase.REPORT)),
            *rows((phase.SWEEP, phase.SHUT, phase.REPORT, phase.RETRY), "error", ("", "=")),
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
        "recalled": "before the lock it waits; with the lock it is asked before a step, and while it bakes",
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

_RECALLS = ("VERSION_REJECTED", "FROZEN", "OUT_OF_HOURS", "KEPT_TOO_LONG")
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
    if ending and ending.code in _RECALLS and here in (*phase.BEFORE_CHANGES, phase.BAKE):
        return Transition(here, "recalled", to)
    if ending is None or ending.outcome in (Outcome.PASSED, phase.ROLLED_BACK):
        return Transition(here, "passed", to)
    event = _EVENT_OF_CODE.get(ending.code, ending.outcome)
    given_back = here == phase.GATES_AT_LOCK and to == phase.REPORT and event in ("broken", "aborted")
    return Transition(here, event, to, gate_transitions.GIVEN_BACK if given_back else "")
