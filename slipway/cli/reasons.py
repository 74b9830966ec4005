"""Why a build may not go somewhere now, in few words: which reasons are worth a line, and how one looks."""

from datetime import datetime

from slipway.cli.api_answers import MayPromote, Reason
from slipway.cli.looks import Look
from slipway.cli.moments import spoken
from slipway.cli.times import clock

COMMAND = "slipway "
# Said by the stage's own row, by its approval, by the row for a retry, or above the stages.
SAID_ELSEWHERE = {"NEED_NOT_OVER", "RETRY_OPEN", "UNDER_WAY", "STAGE_OVER", "ABORTED", "ENDED"}
SAID_BY_APPROVAL = {"APPROVAL_MISSING", "APPROVAL_REJECTED", "APPROVAL_EXPIRED", "APPROVAL_WITHDRAWN"}
OUTLASTS_NEEDS = {
    "STOPPED",
    "HELD",
    "FROZEN",
    "LOCK_BROKEN",
    "VERSION_REJECTED",
    "BEHIND",
    "SUPERSEDED",
    "IGNORED",
    "NEED_NOT_PASSED",
}
MOST_QUEUED = 3
NAMES = {
    "NEED_NOT_PASSED": "needs",
    "NEED_NOT_OVER": "needs",
    "PAUSED": "pause",
    "PAUSE_OVER": "pause",
    "STOPPED": "stop",
    "HELD": "hold",
    "FROZEN": "freeze",
    "OUT_OF_HOURS": "hours",
    "RATE_LIMITED": "rate",
    "DEPENDENCY_NOT_LIVE": "after",
    "LOCK_BROKEN": "lock",
    "VERSION_REJECTED": "rejected",
    "LOCK_TAKEN": "lock",
    "DATABASE_CONTRACTING": "lock",
    "QUEUED_BEHIND": "queue",
    "BEHIND": "order",
    "SUPERSEDED": "order",
    "IGNORED": "order",
    "ALREADY_LIVE": "live",
    "FIRST_RELEASE": "way back",
    "LIVE_NOT_PROVEN": "way back",
    "NO_WAY_BACK": "way back",
}


def worth_a_line(may: MayPromote | None) -> list[Reason]:
    """The reasons that a stage's rows do not say already. Of one whose needs are not over yet those that will not
    pass by themselves meanwhile; of a failed one no warnings."""
    if may is None:
        return []
    codes = {reason.code for reason in may.reasons}
    found = [each for each in may.reasons if each.code not in SAID_ELSEWHERE | SAID_BY_APPROVAL]
    if "NEED_NOT_OVER" in codes:
        found = [each for each in found if each.code in OUTLASTS_NEEDS]
    if "RETRY_OPEN" in codes:
        found = [each for each in found if each.blocks]
    return _shortened(found)


def worth_planning(may: MayPromote) -> list[Reason]:
    """The reasons that a plan does not say already: needs and an approval that nobody can give yet are its facts."""
    said = {"NEED_NOT_OVER", "APPROVAL_MISSING"}
    return _shortened([each for each in may.reasons if each.code not in said or is_command(each)])


def is_command(reason: Reason) -> bool:
    """Whether a person can end it, by what `ended_by` says."""
    return reason.ended_by.startswith(COMMAND)


def short_name(reason: Reason) -> str:
    """`hold`, `lock`, `queue`: what kind of reason it is; an unknown one by its code."""
    return NAMES.get(reason.code, reason.code.lower().replace("_", " "))


def told(reason: Reason, now: datetime) -> str:
    """Its words, and until when."""
    waits = "" if is_command(reason) else "waits "
    return spoken(reason.words, now) + (f", {waits}until {clock(reason.until, now)}" if reason.until else "")


def look_of(reason: Reason) -> Look:
    """A person can end it; it passes, or not at all; it only warns."""
    if not reason.blocks:
        return Look("!", "yellow")
    return Look("?", "magenta") if is_command(reason) else Look("…", "yellow")


def _shortened(found: list[Reason]) -> list[Reason]:
    """A long queue in a few lines."""
    queued = [each for each in found if each.code == "QUEUED_BEHIND"]
    more = queued[MOST_QUEUED:]
    kept = [each for each in found if each not in more]
    if more:
        kept.insert(
            kept.index(queued[MOST_QUEUED - 1]) + 1, Reason(code="QUEUED_BEHIND", words=f"and {len(more)} more")
        )
    return kept
