"""Alerts of Azure Monitor that fire (table `alerts`), and the ramps on their targets (table `alertwaiters`).

Partition = a target's resource, key = the alert; both hashed, since resource ids hold slashes. A slot's alerts are kept
with its site's. That an alert is resolved is kept too, since webhooks arrive in any order. Of ramps a target keeps the
last one that began there, for as long as nobody follows it: whoever nudges one that is over wakes nobody.
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
    """It fires, unless that firing is known to be over. Safe to repeat. Raises AzureProblem, as do the others."""
    known = Rows(TABLE).get(_place(alert.resource), _hash(alert.id))
    resolved = known.values.get("resolved") if known else None
    if isinstance(resolved, datetime) and alert.at <= resolved:
        return
    values: dict[str, Cell] = {
        "rule": alert.rule,
        "severity": alert.severity,
        "resource": alert.resource,
        "at": alert.at,
    }
    Rows(TABLE).upsert(_place(alert.resource), _hash(alert.id), values, merge=False)


def resolve_alert(alert: Alert, resolved: datetime) -> None:
    """It fires no more since `resolved`."""
    values: dict[str, Cell] = {"resource": alert.resource, "at": alert.at, "resolved": resolved}
    Rows(TABLE).upsert(_place(alert.resource), _hash(alert.id), values, merge=False)


def firing(resource: str, slot: str, now: datetime) -> list[str]:
    """The alerts that fire on a target, or on its slot, in words."""
    found, about = [], (_plain(resource), _plain(f"{resource}/slots/{slot}"))
    for row in Rows(TABLE).query(_place(resource)):
        at = row.values["at"]
        over = isinstance(row.values.get("resolved"), datetime) or _plain(str(row.values["resource"])) not in about
        if isinstance(at, datetime) and now - at < FORGOTTEN_AFTER and not over:
            found.append(f"alert {row.values['rule']} ({row.values['severity']}) fires since {at:%H:%M}")
    return found


def await_alerts(resource: str, waiter: str) -> None:
    """The ramp with this instance id wants to be nudged when something changes there. Safe to repeat."""
    Rows(WAITERS).upsert(_place(resource), "ramp", {"waiter": waiter}, merge=False)


def waiter_at(resource: str) -> str | None:
    """The ramp that began there last."""
    row = Rows(WAITERS).get(_place(resource), "ramp")
    return str(row.values["waiter"]) if row else None


def _place(resource: str) -> str:
    return _hash(_plain(resource).partition("/slots/")[0])


def _hash(text: str) -> str:
    return hashlib.sha256(_plain(text).encode()).hexdigest()[:40]


def _plain(id: str) -> str:
    return id.strip("/").lower()
