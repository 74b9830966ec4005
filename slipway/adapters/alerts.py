"""Alerts of Azure Monitor that fire (table `alerts`), and the ramps on their targets (table `alertwaiters`).

Partition = a target's resource, key = the alert; both hashed, since resource ids hold slashes. An alert that resolves
takes its row away. Of ramps a target keeps the last one that began there, for as long as nobody follows it: whoever
nudges one that is over wakes nobody.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.adapters.rows import Rows
from slipway.promotion.port_values import Cell

TABLE, WAITERS = "alerts", "alertwaiters"
FORGOTTEN_AFTER = timedelta(days=1)  # whose resolution was lost


@dataclass(frozen=True)
class Alert:
    """One firing of a rule on a target: a resource id."""

    id: str
    rule: str
    severity: str
    resource: str
    at: datetime


def keep_alert(alert: Alert) -> None:
    """It fires. Safe to repeat. Raises AzureProblem, as do the others."""
    values: dict[str, Cell] = {
        "rule": alert.rule,
        "severity": alert.severity,
        "resource": alert.resource,
        "at": alert.at,
    }
    Rows(TABLE).upsert(_hash(alert.resource), _hash(alert.id), values, merge=False)


def resolve_alert(id: str, resource: str) -> None:
    """It fires no more."""
    Rows(TABLE).delete(_hash(resource), _hash(id))


def firing(resource: str, now: datetime) -> list[str]:
    """The alerts that fire on a resource, in words."""
    found = []
    for row in Rows(TABLE).query(_hash(resource)):
        at = row.values["at"]
        if isinstance(at, datetime) and now - at < FORGOTTEN_AFTER:
            found.append(f"alert {row.values['rule']} ({row.values['severity']}) fires since {at:%H:%M}")
    return found


def await_alerts(resource: str, waiter: str) -> None:
    """The ramp with this instance id wants to be nudged when something changes there. Safe to repeat."""
    Rows(WAITERS).upsert(_hash(resource), "ramp", {"waiter": waiter}, merge=False)


def waiter_at(resource: str) -> str | None:
    """The ramp that began there last."""
    row = Rows(WAITERS).get(_hash(resource), "ramp")
    return str(row.values["waiter"]) if row else None


def _hash(text: str) -> str:
    return hashlib.sha256(text.strip("/").lower().encode()).hexdigest()[:40]
