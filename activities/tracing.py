"""The span of an activity: in its promotion's trace, with whose work it is, and how it ended.

An activity that is repeated is another span of the same `operation`: it did happen twice.
"""

from contextlib import AbstractContextManager
from typing import Any

from slipway.adapters.insights import Kind, Span, span
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.trace import begun, well_formed

TOLD = ("promotion", "stage", "environment", "service", "version", "action", "share", "tick", "activity")


def in_its_trace(name: str, order: dict[str, Any]) -> AbstractContextManager[Span]:
    """The span of the activity `name` while it carries out `order`."""
    promotion = str(order.get("promotion") or "")
    parent = well_formed(order.get("trace")) or (begun(promotion) if promotion else "")
    return span(name, Kind.WORK, parent, **_about(order))


def tell(seen: Span, answer: Answer) -> None:
    """How it ended: what broke is an error of ours, what failed is a sound answer about a release."""
    seen.tell(outcome=str(answer.state), code=answer.code, words=answer.words)
    if isinstance(verdict := answer.result.get("verdict"), dict):
        seen.tell(verdict=str(verdict.get("action", "")), because=str(verdict.get("code", "")))
    if answer.state == Outcome.BROKEN:
        seen.failed(f"{answer.code}: {answer.words}")


def _about(order: dict[str, Any]) -> dict[str, str | int | float | bool]:
    told = {name: order[name] for name in TOLD if isinstance(order.get(name), str | int | float)}
    target = order.get("target")
    names = [target] if target else order.get("targets") or ()
    told["target"] = ", ".join(str(each.get("name", "")) for each in names if isinstance(each, dict))
    told["operation"] = str(order.get("operation") or order.get("id") or "")
    return told
