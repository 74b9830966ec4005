"""The intake row: which run of a promotion counts, and that it is over."""

import azure.durable_functions as df

from activities.answering import Order, answering
from slipway.adapters import clock, intake
from slipway.adapters.rows import Rows
from slipway.promotion.outcomes import Answer, broken, iso, passed, running

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="claim_promotion")
@answering
def claim_promotion(order: Order) -> Answer:
    """Turn the intake row from `new` to `running` with the run's token; result `claim`: `mine` or `theirs`.

    The token in the row decides, so a repeated claim of the same run is `mine` again.
    """
    rows = Rows("promotions")
    row = rows.get(order["promotion"], "intake")
    if row is None:
        return broken("NO_INTAKE_ROW", f"{order['promotion']} was never taken in")
    if row.values["state"] == "new":
        values = {
            **row.values,
            "state": "running",
            "token": order["token"],
            "claimed_at": iso(clock.now()),
        }
        if not rows.replace(type(row)(row.partition, row.key, values), row.etag):
            return running({}, 0.2, "somebody else wrote the intake row meanwhile")
        return passed(claim="mine")
    mine = row.values["state"] == "running" and row.values.get("token") == order["token"]
    return passed(claim="mine" if mine else "theirs")


@bp.activity_trigger(input_name="order", activity="mark_aborted")
@answering
def mark_aborted(order: Order) -> Answer:
    """Mark the intake row: what is under way and looks at it stops. Safe to repeat."""
    intake.mark_aborted(order["promotion"])
    return passed()


@bp.activity_trigger(input_name="order", activity="end_promotion")
@answering
def end_promotion(order: Order) -> Answer:
    """Turn the intake row from `running` to `ended`. Keeps identity and token for messages that come again."""
    Rows("promotions").upsert(order["promotion"], "intake", {"state": "ended"}, merge=True)
    return passed()
