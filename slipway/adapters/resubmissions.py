"""Who put a message back that lay aside, and when: each once (table `resubmitted`).

Partition = where it lay, key = its sequence number. A row says `sending` until its message is taken. Whoever dies in
between, or does not hear whether it was, leaves a claim that others may take over a minute later, with the same body:
the message has the same id then, and whoever reads it takes it once. Of another body that could not be said.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from slipway.adapters.rows import Rows
from slipway.promotion.errors import Refused
from slipway.promotion.outcomes import iso
from slipway.promotion.port_values import Cell, Row
from slipway.promotion.set_aside import Place, SetAside

TABLE = "resubmitted"
CLAIM_HOLDS = timedelta(minutes=1)
_SENDING, _SENT = "sending", "sent"


def check_not_sent(place: Place) -> None:
    """Raises Refused ALREADY_RESUBMITTED, also for a message that is not there any more."""
    row = Rows(TABLE).get(place.source, _key(place.sequence))
    if row is not None and row.values["state"] == _SENT:
        raise _already(place, row)


def claim(message: SetAside, body: bytes, by: str, at: datetime) -> None:
    """From now on it is this person's to put back with that body. Raises Refused ALREADY_RESUBMITTED,
    RESUBMIT_UNDER_WAY or RESUBMIT_UNKNOWN."""
    place, rows, sha256 = message.place, Rows(TABLE), hashlib.sha256(body).hexdigest()
    lay_since = message.at.replace(microsecond=0)
    values: dict[str, Cell] = {"state": _SENDING, "by": by, "at": at, "lay_since": lay_since, "sha256": sha256}
    if rows.insert(place.source, _key(place.sequence), values):
        return
    row = rows.get(place.source, _key(place.sequence))
    if row is None:
        raise _under_way(place)
    if row.values["lay_since"] == lay_since:  # else of a queue that was made anew, and counts from the beginning
        if row.values["state"] == _SENT:
            raise _already(place, row)
        if at - _moment(row) < CLAIM_HOLDS:
            raise _under_way(place)
        if row.values.get("sha256", sha256) != sha256:
            raise _unknown(place, row)
    if not rows.replace(replace(row, values=values), row.etag):
        raise _under_way(place)


def give_up(place: Place) -> None:
    """The message was not taken: anybody may try again."""
    Rows(TABLE).delete(place.source, _key(place.sequence))


def sent(place: Place) -> None:
    """The message was taken where it belongs."""
    Rows(TABLE).upsert(place.source, _key(place.sequence), {"state": _SENT}, merge=True)


def put_back(messages: list[SetAside]) -> dict[Place, tuple[str, str]]:
    """When and by whom those of one source were put back that were, and lie there all the same."""
    if not messages:
        return {}
    at = {each.place.sequence: each for each in messages}
    source = messages[0].place.source
    found = Rows(TABLE).query(source, _key(min(at)), _key(max(at) + 1))
    rows = {int(row.key): row for row in found if row.values["state"] == _SENT}
    return {
        each.place: (iso(_moment(row)), str(row.values["by"]))
        for sequence, each in at.items()
        if (row := rows.get(sequence)) and row.values["lay_since"] == each.at.replace(microsecond=0)
    }


def _under_way(place: Place) -> Refused:
    return Refused("RESUBMIT_UNDER_WAY", f"{place.id} is being put back just now: look again in a minute")


def _unknown(place: Place, row: Row) -> Refused:
    words = f"{row.values['by']} put {place.id} back with another body, and whether that was taken is not known: put it"
    words += (
        " back with that body, or as it is if it had none. If it is bad it comes to the list again, to be corrected"
    )
    return Refused("RESUBMIT_UNKNOWN", words)


def _already(place: Place, row: Row) -> Refused:
    words = f"{place.id} was put back on {_moment(row):%Y-%m-%d at %H:%M:%S} UTC by {row.values['by']}"
    return Refused("ALREADY_RESUBMITTED", words)


def _moment(row: Row) -> datetime:
    at = row.values["at"]
    assert isinstance(at, datetime)
    return at


def _key(sequence: int) -> str:
    return f"{sequence:019d}"
