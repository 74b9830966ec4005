"""CloudEvents 1.0, structured and binary, opened: what is inside is a message of its own."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from slipway.promotion.build_messages.json_text import json_value
from slipway.promotion.build_messages.registry import PREFIX as REGISTRY_EVENT
from slipway.promotion.build_messages.vendor import Message, unknown_version
from slipway.promotion.errors import BuildRejected

SPECVERSION = "1.0"


def opened(message: Message, attributes: Mapping[str, str]) -> Message:
    """What the event carries, or the message itself when it is none. An event of a registry is given as Event Grid's
    own schema has it.

    Raises BuildRejected: UNKNOWN_EVENT_VERSION, or INVALID_BUILD when it carries no object.
    """
    if "specversion" in message and "type" in message:
        return _carried(message, _data(message))
    return _carried(attributes, message) if attributes else message


def _carried(event: Mapping[str, Any], data: Message) -> Message:
    if event["specversion"] != SPECVERSION:
        raise unknown_version("the CloudEvent", event["specversion"], SPECVERSION)
    kind = str(event["type"])
    if kind.startswith(REGISTRY_EVENT):
        return {"eventType": kind, "eventTime": event.get("time"), "data": data}
    return data


def _data(event: Message) -> Message:
    data = event.get("data")
    if "data_base64" in event and data is None:
        try:
            data = json_value(base64.b64decode(str(event["data_base64"]), validate=True))
        except (binascii.Error, ValueError) as error:
            raise BuildRejected("INVALID_BUILD", "data_base64: is no base64") from error
        except BuildRejected as rejection:
            raise BuildRejected("INVALID_BUILD", f"data_base64: {rejection.words}") from rejection
    if not isinstance(data, dict):
        raise BuildRejected("INVALID_BUILD", "data: is missing, or not an object")
    return data
