"""Why reports were not taken (table `reports`): what people read of one in the dead-letter queue, and what a redelivery
asks before it asks a host again that has refused for good. Partition = promotion, key = the event's id."""

from slipway.adapters.rows import Rows
from slipway.promotion.ids import is_promotion_id
from slipway.promotion.set_aside import REPORTS, SetAside

TABLE = "reports"


def keep_refusal(promotion: str, event: str, code: str, words: str, for_good: bool) -> None:
    """Raises AzureProblem, as do the others."""
    Rows(TABLE).upsert(promotion, event, {"code": code, "words": words, "for_good": for_good}, merge=False)


def forget_refusal(promotion: str, event: str) -> None:
    Rows(TABLE).delete(promotion, event)


def refused_for_good(promotion: str, event: str) -> str:
    """The words of it; empty where it was not."""
    row = Rows(TABLE).get(promotion, event)
    return str(row.values["words"]) if row and row.values.get("for_good") else ""


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
