"""What an approval tells while it waits: that people are still asked, and that others have joined.

It needs no timer of its own: what is due is told when the wait wakes up anyway, at least every quarter of an hour.
"""

from typing import Any

from orchestrators.waiting import Context, Durable, insist, now
from slipway.promotion.approval import Asked
from slipway.promotion.outcomes import moment
from slipway.promotion.plan import load_policy
from slipway.promotion.quorum import in_words
from slipway.promotion.votes import asked_of


def told(context: Context, asked: dict[str, Any], answer: dict[str, Any]) -> Durable:
    """Tell what is due of an approval that stands as `answer` says. Returns its input for the next generation, with
    what was told in it. Raises NotTaken."""
    standing = asked_of({**answer, "policy": asked["policy"]})
    if standing.joined and not asked.get("escalated"):
        words = f"nobody has decided in time: {' or '.join(_joined(standing))} may approve, too"
        yield from _record(context, asked, "escalated", "1", f"{words}, until {answer['deadline']}", standing)
        asked = {**asked, "escalated": True, "deadline": answer["deadline"]}
    due = _reminders_due(context, asked)
    if due > asked.get("reminded", 0):
        words = f"stage {asked['stage']} still waits for {in_words(standing.missing)}, until {answer['deadline']}"
        yield from _record(context, asked, "reminder", str(due), words, standing)
        asked = {**asked, "reminded": due}
    return asked


def _reminders_due(context: Context, asked: dict[str, Any]) -> int:
    every = load_policy(asked["policy"]).remind_every_s
    if not every or "since" not in asked:
        return 0
    return int((context.current_utc_datetime - moment(asked["since"])).total_seconds() // every)


def _joined(standing: Asked) -> tuple[str, ...]:
    escalation = standing.policy.escalation
    return escalation.approvers if escalation else ()


def _record(context: Context, asked: dict[str, Any], action: str, number: str, words: str, standing: Asked) -> Durable:
    record = {
        "promotion": asked["promotion"],
        "id": f"{context.instance_id}:{action}:{number}",
        "at": now(context),
        "actor": "slipway",
        "action": f"approval.{action}",
        "stage": asked["stage"],
        "words": words,
        "evidence": {"open": [list(slot) for slot in standing.missing], "votes": len(standing.votes)},
        "about": asked.get("about", {}),
    }
    yield from insist(context, "record", record)
