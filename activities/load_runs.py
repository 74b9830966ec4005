"""Activity `run_load_test`: a load that Azure Load Testing drives, begun and followed."""

import azure.durable_functions as df

from activities.answering import Order, answering, is_aborted
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.outcomes import Answer, cancelled

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="run_load_test")
@answering
def run_load_test(order: Order) -> Answer:
    """Begin the run of this operation, or look how it goes; `handle` carries its deadline to the next call.

    Its result is a `RunMeasurement` as JSON; what it means is judged elsewhere. Once the promotion was aborted the run
    is stopped.
    """
    from slipway.adapters.load_testing import LoadTesting, run_id

    plan = LoadRunPlan.load(order["run"])
    assert plan is not None
    runs, id = LoadTesting(plan), run_id(order["operation"])
    handle = order.get("handle") or {}
    if is_aborted(order["promotion"]):
        left = runs.stopped(id, handle)
        return cancelled(f"the promotion was aborted{left}")
    variables = plan.variables(order["address"], order["version"])
    return runs.go_on(id, order["called"], variables, handle, needs_course=order["compared"])
