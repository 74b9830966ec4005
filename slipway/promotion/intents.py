"""What people said of a service in an environment: one record, kept at its lock.

An intent is a dict of plain JSON: `id`, `kind`, `by` and `oid` (who said it), `reason`, `at`, `expires_at`; of a
rejection the `version`; of a freeze `begins_at`, `but` (`hotfix`) and `on_begin`. `ended_at` and `ended_by` are empty
until a person lifts it. Nothing but a person's lift and its own end ever ends one: no operation of the lock but those
here touches the record.
"""

from collections.abc import Mapping
from typing import Any

from slipway.promotion.outcomes import moment

Intent = dict[str, Any]
HOLD, REJECT, FREEZE, STOP = "hold", "reject", "freeze", "stop"
KINDS = (REJECT, STOP, HOLD, FREEZE)  # the strongest first
KEPT_ENDED = 20  # in the record beside those that count; the audit has them all
SAME_PERSON = "STOP_IS_YOURS"
_MAY_BE_LEFT_OUT = {
    "version": "",
    "begins_at": "",
    "but": [],
    "on_begin": "",
    "oid": "",
    "ended_at": "",
    "ended_by": "",
}


def record_of(lock: Mapping[str, Any]) -> list[Intent]:
    """Everything that was said there and is still known, in the order in which it was said; a lock of before there was
    one record has its holds beside it."""
    holds = ({**_MAY_BE_LEFT_OUT, "kind": HOLD, **each} for each in lock.get("holds", ()))
    return [*holds, *lock.get("intents", ())]


def in_force(lock: Mapping[str, Any], at: str) -> list[Intent]:
    """What counts at `at`: by the rank of its kind, and of one kind first what ends last."""
    counts = [each for each in record_of(lock) if counts_at(each, at)]
    counts.sort(key=lambda each: moment(each["expires_at"]), reverse=True)
    return sorted(counts, key=lambda each: KINDS.index(each["kind"]))


def counts_at(intent: Intent, at: str) -> bool:
    """Whether it has begun at `at`, and neither ended by itself nor been lifted."""
    begins = intent["begins_at"] or intent["at"]
    return not intent["ended_at"] and moment(begins) <= moment(at) < moment(intent["expires_at"])


def is_to_come(intent: Intent, at: str) -> bool:
    """Whether it has not ended at `at`, though it may not have begun."""
    return not intent["ended_at"] and moment(at) < moment(intent["expires_at"])


def with_said(lock: Mapping[str, Any], said: Intent) -> list[Intent]:
    """The record with what a person said. Said again with its id, it counts once; and what was lifted stays so."""
    if any(each["id"] == said["id"] and each["ended_at"] for each in record_of(lock)):
        return record_of(lock)
    others = [each for each in record_of(lock) if each["id"] != said["id"]]
    return _kept([*others, {**_MAY_BE_LEFT_OUT, **said}], said["at"])


def with_lifted(lock: Mapping[str, Any], id: str, by: str, at: str) -> list[Intent]:
    """The record after a person lifted `id`; what had ended before stays as it ended."""
    if not at:  # an order of before there was a record: nothing is kept of it
        return [each for each in record_of(lock) if each["id"] != id]
    ended = {"ended_at": at, "ended_by": by}
    lifted = [{**each, **ended} if each["id"] == id and is_to_come(each, at) else each for each in record_of(lock)]
    return _kept(lifted, at)


def may_lift(intent: Intent, oid: str) -> bool:
    """Whether that person may lift it: a stop is lifted by somebody else than who said it."""
    return intent["kind"] != STOP or not oid or oid != intent["oid"]


def _kept(record: list[Intent], at: str) -> list[Intent]:
    """Without the oldest of what has ended."""
    over = [each["id"] for each in record if not is_to_come(each, at)]
    forgotten = set(over[:-KEPT_ENDED])
    return [each for each in record if each["id"] not in forgotten]
