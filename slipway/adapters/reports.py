"""Why reports were not taken (table `reports`): what people read of one in the dead-letter queue, and what a redelivery
asks before it asks a host again that has refused for good. Partition = promotion, key = the event's id.

Beside them: whoever makes a stage's deployment at a code host just now."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from slipway.adapters.clock import now
from slipway.adapters.rows import Rows
from slipway.promotion.ids import is_promotion_id
from slipway.promotion.set_aside import REPORTS, SetAside
from slipway.settings import Settings

TABLE = "reports"
MAKING_HOLDS = timedelta(minutes=1)


def keep_refusal(promotion: str, event: str, code: str, words: str, for_good: bool) -> None:
    """Raises AzureProblem, as do the others."""
    Rows(TABLE).upsert(promotion, event, {"code": code, "words": words, "for_good": for_good}, merge=False)


def forget_refusal(promotion: str, event: str) -> None:
    Rows(TABLE).delete(promotion, event)


def refused_for_good(promotion: str, event: str) -> str:
    """The words of it; empty where it was not."""
    row = Rows(TABLE).get(promotion, event)
    return str(row.values["words"]) if row and row.values.get("for_good") else ""


@contextmanager
def making(promotion: str, stage: str, where: str, settings_: Settings) -> Iterator[bool]:
    """Whether it is the caller's turn to make what `where` lacks of a stage: several events of one come at once.
    Whoever dies at it holds others up for a minute."""
    rows, key = Rows(TABLE, settings_), f"making:{stage}:{hashlib.sha256(where.encode()).hexdigest()[:16]}"
    mine = _claimed(rows, promotion, key)
    try:
        yield mine
    finally:
        if mine:
            rows.delete(promotion, key)


def _claimed(rows: Rows, promotion: str, key: str) -> bool:
    at = now()
    if rows.insert(promotion, key, {"at": at}):
        return True
    row = rows.get(promotion, key)
    since = row.values["at"] if row else at
    if row is None or not isinstance(since, datetime) or at - since < MAKING_HOLDS:
        return False
    return rows.replace(replace(row, values={"at": at}), row.etag)


def why_refused(message: SetAside) -> tuple[str, str] | None:
    """Code and words; None of a message that is no report, or of which nothing is kept."""
    promotion = str(message.properties.get("promotion", ""))
    if message.place.source != REPORTS or not is_promotion_id(promotion):
        return None
    try:
        row = Rows(TABLE).get(promotion, message.message_id)
    except ValueError:  # no key of ours
        return None
    return (str(row.values["code"]), str(row.values["words"])) if row else None
