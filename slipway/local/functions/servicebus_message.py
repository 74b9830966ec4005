"""A received Service Bus message as the datum and the trigger metadata that azure-functions decodes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.functions.meta import Datum
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.amqp import AmqpMessageBodyType

NEVER = datetime.max.replace(tzinfo=UTC)


def body_of(message: ServiceBusReceivedMessage) -> Datum:
    """Bytes and text as they are. An AMQP value of another kind, or a sequence, comes as its JSON: the app can
    then say what is wrong with it, where a refusal here would only use up the message's deliveries."""
    body: Any = message.body
    if message.body_type == AmqpMessageBodyType.DATA:
        return Datum(b"".join(body), "bytes")
    if message.body_type == AmqpMessageBodyType.SEQUENCE:
        body = list(body)
    elif isinstance(body, bytes | str):
        return Datum(body, "bytes" if isinstance(body, bytes) else "string")
    return Datum(json.dumps(_plain(body)), "string")


def _plain(value: Any) -> Any:
    """The value in JSON's types."""
    if isinstance(value, dict):
        return {_text(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, int | float | bool | None) else _text(value)


def metadata_of(message: ServiceBusReceivedMessage) -> dict[str, Datum]:
    """By the names of the Functions host. `UserProperties` is what makes the SDK read a single message."""
    metadata = {name: Datum(str(value), "string") for name, value in _texts(message) if value is not None}
    metadata["DeliveryCount"] = Datum((message.delivery_count or 0) + 1, "int")  # .NET, and so the host, counts from 1
    metadata["SequenceNumber"] = Datum(message.sequence_number, "int")
    properties = Datum(_properties(message), "json")
    return metadata | {"ApplicationProperties": properties, "UserProperties": properties}


def _texts(message: ServiceBusReceivedMessage) -> Iterator[tuple[str, object]]:
    yield "MessageId", message.message_id
    yield "LockToken", message.lock_token
    yield "ContentType", message.content_type
    yield "CorrelationId", message.correlation_id
    yield "Subject", message.subject
    yield "Label", message.subject
    yield "To", message.to
    yield "ReplyTo", message.reply_to
    yield "SessionId", message.session_id
    yield "ReplyToSessionId", message.reply_to_session_id
    yield "PartitionKey", message.partition_key
    yield "DeadLetterReason", message.dead_letter_reason
    yield "DeadLetterErrorDescription", message.dead_letter_error_description
    yield "DeadLetterSource", message.dead_letter_source
    yield "EnqueuedTimeUtc", _iso(message.enqueued_time_utc)
    yield "LockedUntil", _iso(message.locked_until_utc)
    yield "ExpiresAtUtc", _iso(message.expires_at_utc or NEVER)
    yield "TimeToLive", _clock_time(message.time_to_live)


def _iso(when: datetime | None) -> str | None:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if when else None


def _clock_time(span: timedelta | None) -> str | None:
    """`hh:mm:ss`; nothing from a day on, which the SDK's converter cannot read."""
    if span is None or span >= timedelta(days=1):
        return None
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _properties(message: ServiceBusReceivedMessage) -> str:
    properties = message.application_properties or {}
    return json.dumps({_text(name): value for name, value in properties.items()}, default=_text)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
