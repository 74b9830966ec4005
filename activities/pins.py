"""Activity: fix what a promotion deploys, before anything is deployed."""

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from slipway.adapters.receipts import Receipts
from slipway.promotion.outcomes import Answer

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="pin_artifacts")
@answering
@unless_aborted
def pin_artifacts(order: Order) -> Answer:
    """Every one of `artifacts` at the address that it is deployed at from now on, as `Pinning.pin` has it. What was
    found the first time is answered again: a tag may have moved since."""
    from slipway.adapters.pinning import Pinning

    book, promotion, operation = Receipts(), order["promotion"], order["operation"]
    kept = book.begin(promotion, operation).answer
    if kept is not None:
        return kept
    answer = Pinning().pin(order["artifacts"], order["digest"], order.get("handle") or {})
    return answer if answer.running else book.ended(promotion, operation, answer)
