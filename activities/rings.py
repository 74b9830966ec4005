"""Activities of rings: what their Cosmos DB account shows, and the plan of a ring that goes back."""

import azure.durable_functions as df

from activities.answering import Order, answering
from slipway.adapters.read_model import promotion_rows
from slipway.promotion.outcomes import Answer, broken, passed

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="look_at_account")
@answering
def look_at_account(order: Order) -> Answer:
    """The Cosmos DB `account` (a resource id) as Azure shows it now. Result: `locations` with their states, those that
    are written to (`write`), and the account's own `state`."""
    from slipway.adapters.cosmos import read_account

    account = read_account(order["account"])
    return passed(locations=dict(account.locations), write=list(account.write), state=account.state)


@bp.activity_trigger(input_name="order", activity="read_stage_plan")
@answering
def read_stage_plan(order: Order) -> Answer:
    """The `plan` of a `stage`, as it was frozen when its promotion began."""
    row = promotion_rows(order["promotion"]).get("promotion", {})
    stages = row.get("frozen_plan", {}).get("stages", ())
    found = next((stage for stage in stages if stage["name"] == order["stage"]), None)
    if found is None:
        return broken("STAGE_LOST", f"nothing says any more what {order['stage']} of {order['promotion']} was to do")
    return passed(plan=found)
