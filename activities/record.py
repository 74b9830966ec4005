"""Activity `record`: audit, then the read model's row, then its events, in that order."""

from typing import Any

import azure.durable_functions as df

from activities.answering import Order, answering
from slipway.adapters import clock
from slipway.adapters.audit_log import AuditLog
from slipway.adapters.read_model import list_promotion, write_row
from slipway.adapters.service_bus import ServiceBus
from slipway.promotion.audit import AuditRecord
from slipway.promotion.events import CONTENT_TYPE, messages
from slipway.promotion.outcomes import Answer, moment, passed
from slipway.settings import EVENTS_TOPIC

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="record")
@answering
def record(order: Order) -> Answer:
    """Keep what happened. Safe to repeat: the audit knows the record's id, the row its `rev`, and the
    events carry ids made of the record for whoever receives one twice."""
    AuditLog().append(order.get("chain") or order["promotion"], _audit_record(order))
    row = order.get("row")
    if row:
        write_row(order["promotion"], row["key"], row["rev"], row["doc"])
    if order.get("listed_at"):
        list_promotion(order["promotion"], order["service"], moment(order["listed_at"]))
    for event in messages(order):
        ServiceBus().publish(EVENTS_TOPIC, event.body, event.id, event.properties, event.subject, CONTENT_TYPE)
    return passed(recorded_at=clock.now().isoformat())


def _audit_record(order: dict[str, Any]) -> AuditRecord:
    return AuditRecord(
        id=order["id"],
        at=moment(order["at"]),
        actor=order["actor"],
        action=order["action"],
        words=order["words"],
        evidence={**order["evidence"], **_where(order)},
    )


def _where(order: dict[str, Any]) -> dict[str, Any]:
    """The stage and environment that a stage's record is of: its chain alone would not say."""
    if "stage" not in order:
        return {}
    environment = order.get("about", {}).get("environment", "")
    return {"of": {"stage": order["stage"], **({"environment": environment} if environment else {})}}
