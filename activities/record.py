"""Activity `record`: audit, then the read model's row, then the event, in that order."""

from typing import Any

import azure.durable_functions as df

from activities.answering import Order, answering
from slipway.adapters import clock
from slipway.adapters.audit_log import AuditLog
from slipway.adapters.read_model import list_promotion, write_row
from slipway.adapters.service_bus import ServiceBus
from slipway.promotion.audit import AuditRecord
from slipway.promotion.events import CONTENT_TYPE, cloud_event
from slipway.promotion.outcomes import Answer, moment, passed
from slipway.settings import EVENTS_TOPIC

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="record")
@answering
def record(order: Order) -> Answer:
    """Keep what happened. Safe to repeat: the audit knows the record's id, the row its `rev`, and the
    event carries the record's id for whoever receives it twice."""
    AuditLog().append(order.get("chain") or order["promotion"], _audit_record(order))
    row = order.get("row")
    if row:
        write_row(order["promotion"], row["key"], row["rev"], row["doc"])
    if order.get("listed_at"):
        list_promotion(order["promotion"], order["service"], moment(order["listed_at"]))
    ServiceBus().publish(
        EVENTS_TOPIC,
        cloud_event(order),
        message_id=order["id"],
        application_properties={"action": order["action"], "promotion": order.get("promotion", "")},
        subject=order["action"],
        content_type=CONTENT_TYPE,
    )
    return passed(recorded_at=clock.now().isoformat())


def _audit_record(order: dict[str, Any]) -> AuditRecord:
    return AuditRecord(
        id=order["id"],
        at=moment(order["at"]),
        actor=order["actor"],
        action=order["action"],
        words=order["words"],
        evidence=order["evidence"],
    )
