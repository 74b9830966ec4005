"""States and transitions of a promotion, a stage, an approval and a lock: every state × event has an answer.

Data only, and how to read which state a thing is in. What carries them out stands elsewhere (`decisions`, `lock`,
the orchestration `stage`); the tests hold both against each other, and `docs/states.md` is printed from here.
"""

from typing import Any

from slipway.promotion.approval import APPROVED, EXPIRED, REJECTED, WITHDRAWN
from slipway.promotion.decision_state import is_final
from slipway.promotion.machine import Machine, rows
from slipway.promotion.stage_transitions import STAGE

# -- a promotion, as its entity `decisions` knows it

RUNNING, PAUSED, ABORTED, SETTLED, ENDED = "running", "paused", "aborted", "settled", "ended"
_OPEN = (RUNNING, PAUSED)
_LATE = {SETTLED: "ALREADY_ENDED", ABORTED: "ALREADY_ABORTED", ENDED: "ALREADY_ENDED"}

PROMOTION = Machine(
    "promotion",
    (RUNNING, PAUSED, SETTLED, ABORTED, ENDED),
    frozenset(
        [
            *rows((RUNNING, PAUSED, ABORTED), "begin", ("", "=")),
            *rows(RUNNING, "pause", ("taken", PAUSED)),
            *rows(PAUSED, "pause", ("ALREADY_PAUSED", "=")),
            *rows(SETTLED, "pause", ("taken", "="), ("ALREADY_PAUSED", "=")),
            *rows(PAUSED, "resume", ("taken", RUNNING)),
            *rows(RUNNING, "resume", ("NOT_PAUSED", "=")),
            *rows(SETTLED, "resume", ("taken", "="), ("NOT_PAUSED", "=")),
            *rows(_OPEN, "abort", ("taken", ABORTED)),
            *rows(_OPEN, "retry", ("taken", "="), ("NOT_FAILED", "="), ("RETRY_OVER", "="), ("AMBIGUOUS", "=")),
            *rows(SETTLED, "retry", ("NOT_FAILED", "="), ("RETRY_OVER", "=")),
            *rows(SETTLED, "abort", ("ALREADY_ENDED", "=")),
            *[each for word in ("advance", "promote", "rollback")
              for each in (*rows(_OPEN, word, ("taken", "="), ("NOT_RAMPING", "="), ("AMBIGUOUS", "=")),
                           *rows(_OPEN, word, ("ALREADY_DECIDED", "=")),
                           *rows(SETTLED, word, ("NOT_RAMPING", "=")))],
            *rows(_OPEN, "advance", ("HARM_PROVEN", "="), ("FLAG_CHANGED", "=")),
            *rows(_OPEN, "promote", ("FLAG_CHANGED", "=")),
            *[each for late in (ABORTED, ENDED)
              for name in ("pause", "resume", "abort", "retry", "vote", "supply", "advance", "promote", "rollback")
              for each in rows(late, name, (_LATE[late], "="))],
            *rows((*_OPEN, SETTLED), "vote", ("to the approval", "=")),
            *rows((*_OPEN, SETTLED), "supply", ("taken", "="), ("EVIDENCE_TOO_LARGE", "=")),
            *rows(_OPEN, "settle", ("go", "="), ("go", SETTLED)),
            *rows(SETTLED, "settle", ("go", "=")),
            *rows(ABORTED, "settle", ("cancel", "="), ("go", "=")),
            *rows(_OPEN, "report", ("", "="), ("", SETTLED)),
            *rows((SETTLED, ABORTED), "report", ("", "=")),
            *rows(_OPEN, "close_retry", ("retry", "="), ("end", "="), ("end", SETTLED)),
            *rows((SETTLED, ABORTED), "close_retry", ("end", "=")),
            *rows((SETTLED, ABORTED, ENDED), "end", ("", ENDED)),
            *rows((*_OPEN, SETTLED, ABORTED), "close_stage", ("go", "="), ("end", "=")),
            *rows(ENDED, "close_stage", ("end", "=")),
            *rows(_OPEN, "close_promotion", ("wait", "="), ("wait", ABORTED)),
            *rows((SETTLED, ABORTED), "close_promotion", ("wait", "="), ("end", "=")),
            *rows(ENDED, "close_promotion", ("end", "=")),
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
            *rows(NOT_ASKED, "vote", ("NOT_ASKED", "=")),
            *rows(ASKED, "vote", ("counted", "="), ("counted", APPROVED), ("counted", REJECTED)),
            *rows(ASKED, "vote", ("NOT_AN_APPROVER", "="), ("IS_AUTHOR", "="), ("AUTHOR_UNKNOWN", "=")),
            *rows(ASKED, "vote", ("ALREADY_VOTED", "="), ("EXPIRED", "="), ("AMBIGUOUS", "=")),
            *rows(ASKED, "vote", ("SEAL_CHANGED", "="), ("COMMENT_REQUIRED", "="), ("SLOTS_FILLED", "=")),
            *rows(ASKED, "vote", ("APPROVED_BEFORE", "="), ("NOT_VOTED", "=")),
            *rows((APPROVED, REJECTED, WITHDRAWN), "vote", ("ALREADY_DECIDED", "=")),
            *rows(EXPIRED, "vote", ("EXPIRED", "=")),
            *rows((NOT_ASKED, EXPIRED, WITHDRAWN), "ask_approval", ("wait", ASKED), ("cancel", ASKED)),
            *rows((NOT_ASKED, ASKED, EXPIRED, WITHDRAWN), "ask_approval", ("evidence", WITHDRAWN)),
            *rows(ASKED, "ask_approval", ("wait", "="), ("cancel", "=")),
            *rows((APPROVED, REJECTED), "ask_approval", ("end", "=")),
            *rows((APPROVED, REJECTED, WITHDRAWN), "ask_approval", ("cancel", "=")),
            *rows(ASKED, "close", ("expired", EXPIRED), ("withdrawn", WITHDRAWN), ("it escalates", "=")),
            *rows(APPROVED, "close", ("approved", "=")),
            *rows(REJECTED, "close", ("rejected", "=")),
            *rows(WITHDRAWN, "close", ("withdrawn", "=")),
            *rows(ASKED, "close_stage", ("go", WITHDRAWN), ("end", "=")),
            *rows((NOT_ASKED, *_DECIDED), "close_stage", ("go", "="), ("end", "=")),
        ]
    ),
    {
        "close": "it is closed by whoever waits, once, and only while it is open or just decided",
    },
)  # fmt: skip


def approval_state(stage: dict[str, Any]) -> str:
    """The state of a stage's approval from what `decisions` keeps of the stage."""
    return str(stage["decision"] or ASKED) if "policy" in stage else NOT_ASKED


# -- the lock of a service in an environment

FREE, TAKEN, BROKEN = "free", "held", "broken"

LOCK = Machine(
    "lock",
    (FREE, TAKEN, BROKEN),
    frozenset(
        [
            *rows((FREE, TAKEN, BROKEN), "announce", ("go", "="), ("superseded", "="), ("ignored", "=")),
            *rows((FREE, TAKEN, BROKEN), "announce", ("behind", "=")),
            *rows(FREE, "acquire", ("granted", TAKEN), ("queued", "="), ("held", "=")),
            *rows(TAKEN, "acquire", ("granted", "="), ("queued", "="), ("held", "=")),
            *rows(FREE, "acquire", ("schema", "=")),
            *rows((FREE, TAKEN), "acquire", ("behind", "="), ("superseded", "="), ("ignored", "="), ("rejected", "=")),
            *rows(BROKEN, "acquire", ("broken", "=")),
            *rows(TAKEN, "raise_fence", ("raised", "="), ("not yours", "=")),
            *rows((FREE, BROKEN), "raise_fence", ("not yours", "=")),
            *rows(TAKEN, "take_over", ("taken over", "="), ("not yours", "=")),
            *rows((FREE, BROKEN), "take_over", ("not yours", "=")),
            *rows(TAKEN, "switched", ("switched", "="), ("not yours", "=")),
            *rows((FREE, BROKEN), "switched", ("not yours", "=")),
            *rows(TAKEN, "release", ("proven", FREE), ("undone", FREE), ("unchanged", FREE), ("broken", BROKEN)),
            *rows(TAKEN, "release", ("undone", BROKEN)),
            *rows((FREE, TAKEN, BROKEN), "doubt", ("doubted", "=")),
            *rows((FREE, TAKEN, BROKEN), "release", ("not yours", "=")),
            *rows((FREE, TAKEN, BROKEN), "leave", ("left", "=")),
            *rows(TAKEN, "leave", ("left", FREE)),
            *[each for kind in ("hold", "reject", "freeze", "stop")
              for each in rows((FREE, TAKEN, BROKEN), kind, (kind, "="))],
            *rows((FREE, TAKEN, BROKEN), "lift", ("hold", "="), ("rejected", "="), ("refused", "=")),
            *rows((FREE, TAKEN, BROKEN), "ask_intents", ("go", "="), ("wait", "="), ("back", "=")),
            *rows((FREE, TAKEN, BROKEN), "ask_at_least", ("there", "="), ("missing", "=")),
            *rows((FREE, TAKEN), "lift", ("broken", "=")),
            *rows(BROKEN, "lift", ("broken", FREE)),
            *rows((FREE, TAKEN, BROKEN), "ask_watch", ("over", "=")),
            *rows(FREE, "ask_watch", ("go", "=")),
            *rows(TAKEN, "ask_watch", ("wait", "=")),
            *rows((FREE, TAKEN, BROKEN), "end_watch", ("over", "=")),
            *rows((FREE, TAKEN), "migrates", ("go", "="), ("there", "="), ("not yours", "=")),
            *rows((FREE, TAKEN), "migrated", ("go", "="), ("not yours", "=")),
            *rows(BROKEN, "migrates", ("not yours", "=")),
            *rows(BROKEN, "migrated", ("not yours", "=")),
        ]
    ),
    {},
)  # fmt: skip


def lock_state(lock: dict[str, Any]) -> str:
    """The state of a lock from that of its entity `environment`."""
    if lock["broken"]:
        return BROKEN
    return TAKEN if lock["holder"] else FREE


MACHINES = (PROMOTION, STAGE, APPROVAL, LOCK)
