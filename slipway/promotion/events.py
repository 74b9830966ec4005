"""Promotion events as CloudEvents 1.0 in structured JSON, for the topic `promotions`."""

import json
from typing import Any

CONTENT_TYPE = "application/cloudevents+json"


def cloud_event(record: dict[str, Any]) -> bytes:
    """The event of a record: the id is the record's, so a consumer that has seen it may drop it.

    Source: CloudEvents 1.0.2, JSON event format.
    """
    event = {
        "specversion": "1.0",
        "id": record["id"],
        "source": record.get("source") or f"/slipway/promotions/{record['promotion']}",
        "type": f"slipway.{record['action']}",
        "subject": record.get("stage") or record.get("promotion") or record["chain"],
        "time": record["at"],
        "datacontenttype": "application/json",
        "data": {key: record[key] for key in ("promotion", "stage", "actor", "words", "evidence") if key in record},
    }
    return json.dumps(event, separators=(",", ":")).encode()
