"""Bodies of messages that are neither bytes nor text still reach the function, as JSON."""

from typing import Any

import pytest
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus._pyamqp.message import Message

from slipway.local.functions.servicebus_message import body_of


def received(**body: Any) -> ServiceBusReceivedMessage:
    return ServiceBusReceivedMessage(Message(**body), receiver=None, frame=None)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"value": {b"service": b"checkout"}}, '{"service": "checkout"}'),
        ({"value": 42}, "42"),
        ({"sequence": [[1, b"two"]]}, '[[1, "two"]]'),
    ],
)
def test_a_body_of_another_kind_is_given_as_json(body: dict[str, Any], text: str) -> None:
    datum = body_of(received(**body))
    assert (datum.type, datum.value) == ("string", text)
