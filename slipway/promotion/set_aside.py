"""Messages that lie aside: build messages that cannot be used, and what a queue gave up to deliver."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Where they lie, in the order in which they are listed.
REJECTED, BUILDS, REPORTS = "builds-rejected", "builds", "reports"
SOURCES = (REJECTED, BUILDS, REPORTS)
LONGEST_REASON = 1000
HIGHEST_SEQUENCE = 2**63 - 1  # Service Bus counts in 64 bits, and whoever looks on asks for the next one
MESSAGE_ID = rf"^({'|'.join(SOURCES)})\.([0-9]{{1,19}})$"
# What was written onto a message when it was set aside: by us on builds-rejected, by Service Bus elsewhere.
_ADDED = {"code", "reason", "message_id", "cut"}
_ADDED_BY_THE_BUS = {"DeadLetterReason", "DeadLetterErrorDescription"}


@dataclass(frozen=True)
class Place:
    """A message's place: the source where it lies, and its sequence number there."""

    source: str
    sequence: int

    @property
    def id(self) -> str:
        return f"{self.source}.{self.sequence}"


def place_of(id: str) -> Place | None:
    """The place that an id names; None when it names none."""
    found = re.fullmatch(MESSAGE_ID, id)
    return Place(found[1], int(found[2])) if found and int(found[2]) < HIGHEST_SEQUENCE else None


@dataclass(frozen=True)
class SetAside:
    """One of them. `cut`: the body is not whole. `properties` are the application properties with which it came there
    first, and `message_id` is the id that it had then."""

    place: Place
    at: datetime
    message_id: str
    code: str
    reason: str
    body: bytes
    properties: Mapping[str, Any]
    content_type: str = ""
    subject: str = ""
    deliveries: int = 0
    cut: bool = False


def rejected(place: Place, at: datetime, told: Mapping[str, Any], **message: Any) -> SetAside:
    """A message of `builds-rejected`: its code and reason are ours."""
    code, reason = str(told.get("code", "")), str(told.get("reason", ""))[:LONGEST_REASON]
    was, cut = str(told.get("message_id", "")), str(told.get("cut", "no")) != "no"
    message |= {"properties": _without(told, _ADDED), "message_id": was, "cut": cut}
    return SetAside(place, at, code=code, reason=reason, **message)


def dead_letter(place: Place, at: datetime, told: Mapping[str, Any], why: str, more: str, **message: Any) -> SetAside:
    """A dead letter: `why` and `more` are what Service Bus says, or who put it there."""
    reason = ": ".join(each for each in (why, more) if each)[:LONGEST_REASON]
    message |= {"properties": _without(told, _ADDED_BY_THE_BUS)}
    return SetAside(place, at, code="DEAD_LETTER", reason=reason or "nobody said why", **message)


def _without(told: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in names}
