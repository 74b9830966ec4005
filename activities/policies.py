"""Activity that asks the organisation's policies."""

import azure.durable_functions as df

from activities.answering import Order, answering
from slipway.promotion.outcomes import Answer

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="check_policies")
@answering
def check_policies(order: Order) -> Answer:
    """Whether `stage`, the frozen plan, meets the policies as they are now; `service` and `owner` say whose it is.

    Result: `policies`, those that hold; `exceptions`, those used; `digest` of what holds. Of what is not met: `do`,
    `hold` or `cancel`. Broken (POLICIES_INVALID) where they cannot be read. Nothing is changed.
    """
    from slipway.adapters.policies import holding_now

    found = holding_now(order["stage"], order["service"], order["owner"])
    return found.answer
