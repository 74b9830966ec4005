"""What the topic `promotions` carries: CloudEvents 1.0 in structured JSON, our own and CDEvents, each in a message
whose application properties let a subscription choose. docs/events.md is its catalogue."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slipway.promotion.about import About
from slipway.promotion.cd_events import CdEvent, cd_events

CONTENT_TYPE = "application/cloudevents+json"
CLOUDEVENTS, CDEVENTS = "cloudevents", "cdevents"
PREFIX = "slipway."
_OF_THE_RECORD = ("promotion", "stage", "actor", "words", "evidence")
_OF_WHAT_IT_IS_ABOUT = ("service", "version", "environment", "commit")


@dataclass(frozen=True)
class EventMessage:
    """One message of the topic. `id` is the event's own, so a consumer that has seen it may drop it."""

    id: str
    subject: str
    body: bytes
    properties: dict[str, str]


def messages(record: dict[str, Any]) -> Iterator[EventMessage]:
    """Every message that a record becomes: our own event, then the CDEvents that mean the same. The same record makes
    the same messages, whenever it is made."""
    about = About.load(record.get("about"))
    where = {"promotion": record.get("promotion", "")}
    where |= {name: value for name in ("service", "environment") if (value := getattr(about, name))}
    told = {"format": CLOUDEVENTS, "type": PREFIX + record["action"], "action": record["action"], **where}
    if record.get("stage"):
        told["stage"] = record["stage"]
    if about.reported:
        told["reported"] = "yes"
    yield EventMessage(record["id"], record["action"], cloud_event(record), told)
    for event in cd_events(record, about):
        told = {"format": CDEVENTS, "type": event.type, **where}
        yield EventMessage(event.id, event.type, _enveloped(event), told)


def cloud_event(record: dict[str, Any]) -> bytes:
    """The event of a record: the id is the record's.

    Source: CloudEvents 1.0.2, JSON event format.
    """
    about = About.load(record.get("about"))
    data = {key: record[key] for key in _OF_THE_RECORD if key in record}
    data |= {key: value for key in _OF_WHAT_IT_IS_ABOUT if (value := getattr(about, key))}
    return _json(
        {
            "specversion": "1.0",
            "id": record["id"],
            "source": record.get("source") or f"/slipway/promotions/{record['promotion']}",
            "type": PREFIX + record["action"],
            "subject": record.get("stage") or record.get("promotion") or record["chain"],
            "time": record["at"],
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def _enveloped(event: CdEvent) -> bytes:
    """A CDEvent in a CloudEvent, by CDEvents' own binding: the attributes are those of its context."""
    return _json(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "subject": event.subject,
            "time": event.at,
            "datacontenttype": "application/json",
            "data": event.document,
        }
    )


def _json(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
