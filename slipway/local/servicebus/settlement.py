"""How a receiver says what became of a delivery (AMQP 1.0 part 3, section 3.4), and what it hears back."""

from dataclasses import dataclass
from uuid import UUID

from slipway.local.servicebus.errors import NOT_IMPLEMENTED, Refusal
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.types import Described, Symbol, Ulong, Value

ACCEPTED, REJECTED, RELEASED, MODIFIED = Ulong(0x24), Ulong(0x25), Ulong(0x26), Ulong(0x27)
_TERMINAL = {ACCEPTED, REJECTED, RELEASED, MODIFIED}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A locked message on its way to a receiver."""

    queue: Queue
    token: UUID


def accepted() -> Described:
    return Described(ACCEPTED, [])


def rejected(refusal: Refusal) -> Described:
    return Described(REJECTED, [refusal.as_error()])


def is_terminal(state: Described | None) -> bool:
    """Whether a delivery state ends the delivery."""
    return state is not None and isinstance(state.descriptor, int) and state.descriptor in _TERMINAL


def settle(delivery: Delivery, outcome: Described) -> Described:
    """Do what the receiver wants; gives the answer, which repeats the outcome or rejects with an error.

    A dead-lettering is answered by `rejected` without its error: with it the SDK takes it for a failure.
    """
    try:
        _apply(delivery.queue, delivery.token, outcome)
    except Refusal as refusal:
        return rejected(refusal)
    return Described(REJECTED, []) if outcome.descriptor == REJECTED else outcome


def _apply(queue: Queue, token: UUID, outcome: Described) -> None:
    fields = outcome.value if isinstance(outcome.value, list) else []
    if outcome.descriptor == ACCEPTED:
        queue.complete(token)
    elif outcome.descriptor == RELEASED:
        queue.release(token)
    elif outcome.descriptor == REJECTED:
        queue.dead_letter(token, *_why(fields))
    elif outcome.descriptor == MODIFIED:
        delivery_failed, undeliverable_here = (*fields, None, None)[:2]
        if undeliverable_here:
            queue.defer(token)
        elif delivery_failed:
            queue.abandon(token)
        else:
            queue.release(token)
    else:
        raise Refusal(NOT_IMPLEMENTED, f"no such outcome: {outcome.descriptor}")


def _why(fields: list[Value]) -> tuple[str | None, str | None]:
    """Reason and description of a dead-lettering, from the error's info map."""
    error = fields[0] if fields else None
    if not isinstance(error, Described) or not isinstance(error.value, list):
        return None, None
    _, description, info = (*error.value, None, None, None)[:3]
    info = info if isinstance(info, dict) else {}
    reason = info.get(Symbol("DeadLetterReason"))
    description = info.get(Symbol("DeadLetterErrorDescription"), description)
    return (
        reason if isinstance(reason, str) else None,
        description if isinstance(description, str) else None,
    )
