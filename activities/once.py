"""Once only, and only by whoever holds the fence: around an effect on a target."""

from collections.abc import Callable
from typing import Any

from activities.answering import Order
from slipway.adapters.azure_errors import UNKNOWN
from slipway.adapters.fences import Fences
from slipway.adapters.receipts import Receipts
from slipway.promotion.outcomes import Answer, Outcome, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Receipt

Handle = dict[str, Any]
Act = Callable[[], Answer]


def once(order: Order, start: Callable[[Receipt], Answer], poll: Callable[[Handle], Answer]) -> Answer:
    """Start an operation, or poll it when `order` has a handle or the receipt knows that it was started.

    A receipt that was begun and never got a handle means that an earlier try may have had its effect:
    `start` sees `receipt.new` False and looks before it acts. A step that ended answers the same again.
    """
    book, promotion, operation = Receipts(), order["promotion"], order["operation"]
    handle: Handle = order.get("handle") or {}
    if not handle:
        receipt = book.begin(promotion, operation)
        if receipt.answer is not None:
            return receipt.answer
        if receipt.handle is None:
            answer = fenced(order, lambda: start(receipt))
            return _kept(book, order, {}, answer)
        handle = receipt.handle
    writes = handle.get("kind") == "intended"
    answer = fenced(order, lambda: poll(handle)) if writes else poll(handle)
    return _kept(book, order, handle, answer)


def first_answer(order: Order, work: Callable[[], Answer]) -> Answer:
    """What `work` answered the first time for this operation: what it reads from outside may be another later."""
    book, promotion, operation = Receipts(), order["promotion"], order["operation"]
    kept = book.begin(promotion, operation).answer
    return kept if kept is not None else book.ended(promotion, operation, work())


def fenced(order: Order, act: Act) -> Answer:
    """Act under the order's fence: claimed just before, closed just after. Refused when a higher one is there.

    A write whose answer was lost may still arrive: its claim stays open, for whoever takes over to wait it out.
    """
    target, fence, operation = Target(**order["target"]), order["fence"], order["operation"]
    fences = Fences()
    claimed = fences.claim(target, fence, operation)
    if not claimed.granted and claimed.wait_s:
        words = f"{target.name}: a write under fence {claimed.fence} may still be on its way"
        return running(order.get("handle") or {}, min(claimed.wait_s, 5.0), words)
    if not claimed.granted:
        words = f"{target.name} is under fence {claimed.fence}; this operation came with {fence} and does nothing"
        return Answer(Outcome.CANCELLED, code="FENCED", words=words)
    answer = act()
    if answer.code != UNKNOWN:
        fences.close(target, fence, operation)
    return answer


def _kept(book: Receipts, order: Order, handle: Handle, answer: Answer) -> Answer:
    promotion, operation = order["promotion"], order["operation"]
    if not answer.running:
        return book.ended(promotion, operation, answer)
    if answer.handle and answer.handle != handle:
        book.started(promotion, operation, answer.handle)
    return answer
