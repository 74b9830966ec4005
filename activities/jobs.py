"""The activity that runs a team's own image as a Container Apps job: tests, and migrations."""

from dataclasses import replace
from typing import Any

import azure.durable_functions as df

from activities.answering import Order, answering, is_aborted
from activities.once import once
from slipway.adapters.receipts import Receipts
from slipway.promotion.job_run import JobRun
from slipway.promotion.outcomes import Answer, Outcome, cancelled

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="run_job")
@answering
def run_job(order: Order) -> Answer:
    """Start an execution of `job` with what `run` says, or poll the one that `handle` names; one whose container says
    no has the code `failed_as`. Once the promotion was aborted it is stopped, unless it goes on `despite_abort`."""
    from slipway.adapters.jobs import Jobs

    jobs, job = Jobs(), order["job"]
    if not order.get("despite_abort") and is_aborted(order["promotion"]):
        return _stopped(jobs, order)
    run = JobRun.load(order["run"])
    answer = once(
        order,
        lambda receipt: jobs.start(job, run, order["operation"], resuming=not receipt.new),
        lambda handle: jobs.poll(job, handle),
    )
    return replace(answer, code=order["failed_as"]) if answer.state == Outcome.FAILED else answer


def _stopped(jobs: Any, order: Order) -> Answer:
    """Nobody waits for it any more: running until it is over, if it was begun at all."""
    receipt = Receipts().begin(order["promotion"], order["operation"])
    if receipt.new or receipt.answer is not None:
        return cancelled()
    handle = order.get("handle") or receipt.handle or {"kind": "intended", "operation": order["operation"]}
    stopped: Answer = jobs.stop(order["job"], handle)
    return stopped if stopped.running else cancelled()
