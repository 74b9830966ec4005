"""Once only: an operation's receipt is kept before and after its effect."""

from collections.abc import Callable
from typing import Any

from activities.answering import Order
from slipway.adapters.receipts import Receipts
from slipway.promotion.outcomes import Answer
from slipway.promotion.ports import Receipt

Handle = dict[str, Any]


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
            answer = start(receipt)
            if answer.running and answer.handle:
                book.started(promotion, operation, answer.handle)
            return _kept(book, promotion, operation, answer)
        handle = receipt.handle
    answer = poll(handle)
    if answer.running and answer.handle != handle:
        book.started(promotion, operation, answer.handle)
    return _kept(book, promotion, operation, answer)


def _kept(book: Receipts, promotion: str, operation: str, answer: Answer) -> Answer:
    return answer if answer.running else book.ended(promotion, operation, answer)
