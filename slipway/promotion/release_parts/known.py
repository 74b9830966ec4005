"""What a lock knows of the release that is live there and of the one before it, beside their code."""

from typing import Any

from slipway.promotion.release_parts.before import Before
from slipway.promotion.release_parts.configuration import KeptConfiguration
from slipway.promotion.release_parts.flag_wish import ChangedFlag


def leads_to(lock: dict[str, Any]) -> tuple[Before, tuple[ChangedFlag, ...]]:
    """The release that a rollback leads to, and the flags that it puts back."""
    live, previous = lock["live"] or {}, (lock["previous"] or [{}])[0]
    changed = tuple(ChangedFlag.load(flag) for flag in live.get("changed_flags", ()))
    return Before(previous.get("version", ""), KeptConfiguration.load(previous.get("configuration"))), changed
