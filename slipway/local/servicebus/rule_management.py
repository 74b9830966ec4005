"""What is asked about a subscription's rules on `<subscription>/$management`."""

import time
from collections.abc import Callable

from slipway.local.servicebus.errors import ARGUMENT_ERROR, Refusal
from slipway.local.servicebus.request_body import Body, required
from slipway.local.servicebus.rules.description import describe, read_rule
from slipway.local.servicebus.rules.errors import RuleError
from slipway.local.servicebus.topic import Subscription


def _add(subscription: Subscription, body: Body) -> Body:
    name = required(body, "rule-name", str)
    try:
        rule = read_rule(name, body.get("rule-description"), time.time_ns() // 1_000_000)
    except RuleError as error:
        raise Refusal(ARGUMENT_ERROR, f"rule '{name}': {error}") from error
    subscription.add(rule)
    return {}


def _remove(subscription: Subscription, body: Body) -> Body:
    subscription.remove(required(body, "rule-name", str))
    return {}


def _enumerate(subscription: Subscription, body: Body) -> Body | None:
    skip, top = required(body, "skip", int), required(body, "top", int)
    page = list(subscription.rules)[skip : skip + top]
    return {"rules": [{"rule-description": describe(rule)} for rule in page]} if page else None


OPERATIONS: dict[str, Callable[[Subscription, Body], Body | None]] = {
    "add-rule": _add,
    "remove-rule": _remove,
    "enumerate-rules": _enumerate,
}
