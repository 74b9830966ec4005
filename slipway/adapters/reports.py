"""What code hosts refused for good, kept so that people read why a report lies in the dead-letter queue."""

from slipway.adapters.rows import Rows
from slipway.promotion.ids import is_promotion_id
from slipway.promotion.set_aside import REPORTS, SetAside

TABLE = "reports"


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
