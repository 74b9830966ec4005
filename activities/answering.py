"""What every activity keeps: it answers with an outcome value, never with an exception; abort stops it.

An exception would reach the orchestrator as text only (on Durable Task Scheduler not even that).
"""

import functools
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from activities.tracing import in_its_trace, tell
from slipway.adapters.azure_errors import AzureFault, explain
from slipway.adapters.hiding import Hiding
from slipway.adapters.insights import current
from slipway.adapters.rows import Rows
from slipway.adapters.secrets import ever_read
from slipway.promotion.errors import SlipwayError
from slipway.promotion.outcomes import Answer, broken, cancelled

Order = dict[str, Any]
Client = Any  # the durable client, which carries no types

_log = logging.getLogger("slipway.activities")


def answering(work: Callable[[Order], Answer]) -> Callable[[Order], dict[str, Any]]:
    """Turn a function that answers an `Answer` (or raises) into an activity that answers plain JSON.

    A fault of Azure that may pass becomes `running` with the same handle, so that the caller comes
    again; any other error becomes `broken`, with the end of its traceback for whoever looks into it.
    `secrets` in an order names those that the release it is about is sent: none of them is in the answer.
    """

    @functools.wraps(work)
    def activity(order: Order) -> dict[str, Any]:
        with in_its_trace(work.__name__, order) as seen:
            try:
                answer = work(order)
            except SlipwayError as error:
                answer = _of_slipway(error, order)
            except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, it must become an outcome
                answer = _of_anything(error, order, work.__name__)
            answer = Hiding(ever_read(order.get("secrets", ()))).of(answer)
            tell(seen, answer)
        return answer.dump()

    return activity


def answering_async(
    work: Callable[[Order, Client], Awaitable[Answer]],
) -> Callable[[Order, Client], Awaitable[dict[str, Any]]]:
    """The same for an activity with a durable client."""

    @functools.wraps(work)
    async def activity(order: Order, client: Client) -> dict[str, Any]:
        with in_its_trace(work.__name__, order) as seen:
            try:
                answer = await work(order, client)
            except SlipwayError as error:
                answer = _of_slipway(error, order)
            except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, it must become an outcome
                answer = _of_anything(error, order, work.__name__)
            tell(seen, answer)
        return answer.dump()

    return activity


def unless_aborted(work: Callable[[Order], Answer]) -> Callable[[Order], Answer]:
    """Answer `cancelled` without doing anything once the promotion was aborted (`despite_abort` overrides)."""

    @functools.wraps(work)
    def guarded(order: Order) -> Answer:
        if not order.get("despite_abort") and is_aborted(order["promotion"]):
            return cancelled()
        return work(order)

    return guarded


def is_aborted(promotion: str) -> bool:
    """Whether a person aborted this promotion, as its intake row says."""
    row = Rows("promotions").get(promotion, "intake")
    return bool(row and row.values.get("aborted"))


def _of_slipway(error: SlipwayError, order: Order) -> Answer:
    fault = getattr(error, "fault", None)
    if fault is not None:
        return _again(fault, order)
    return broken(error.code, error.words)


def _of_anything(error: Exception, order: Order, name: str) -> Answer:
    try:
        fault = explain(error)
    except Exception:  # noqa: BLE001 - `explain` raises what is not Azure's
        _log.exception("activity %s failed", name)
        return broken("UNEXPECTED", f"{type(error).__name__}: {error}", traceback.format_exc())
    return _again(fault, order)


def _again(fault: AzureFault, order: Order) -> Answer:
    current().tell(fault=fault.stable_code)
    answer = fault.answer(order.get("handle") or {}, 1.0)
    _log.warning("answer %s: %s", answer.state, answer.words)
    return answer
