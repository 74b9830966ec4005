"""What the janitor tells of time, every five minutes: which promotions are stuck, how old locks are, which are broken.

As log lines, so that whoever reads the log reads it too, and a query finds it by `fact`.
"""

import logging
from datetime import datetime
from typing import Any

from slipway.promotion.outcomes import moment
from slipway.promotion.overdue import Overdue, overdue
from triggers.looking_after import PAGE, Records

EVERY_MINUTES = 5

_log = logging.getLogger("slipway.ages")


async def tell_ages(records: Records, at: datetime) -> None:
    """At every fifth minute; a process that begins anew tells at the same ones."""
    if at.minute % EVERY_MINUTES:
        return
    locks = await records.locks()
    held: dict[str, dict[str, str]] = {}
    for environment, service, lock in locks:
        _tell_lock(environment, service, lock, at)
        if holder := lock.get("holder"):
            held.setdefault(holder["promotion"], {})[holder["stage"]] = holder["since"]
    after = None
    while page := await records.watched(after, PAGE):
        for entry in page:
            if entry.instance == entry.promotion:
                rows = await records.rows(entry.promotion)
                for each in overdue(rows, held.get(entry.promotion, {}), at):
                    _tell_overdue(entry.promotion, each)
        after = page[-1].instance


def _tell_overdue(promotion: str, each: Overdue) -> None:
    minutes = each.by.total_seconds() / 60
    about = {"fact": "overdue", "promotion": promotion, "stage": each.stage, "state": each.state}
    told = {**about, "since": each.since, "overdue_minutes": round(minutes, 1)}
    said = "%s: %s has been %s since %s, and should have gone on %.0f minutes ago"
    _log.warning(said, promotion, each.stage, each.state, each.since, minutes, extra={"about": told})


def _tell_lock(environment: str, service: str, lock: dict[str, Any], at: datetime) -> None:
    where = {"environment": environment, "service": service}
    if holder := lock.get("holder"):
        minutes = (at - moment(holder["since"])).total_seconds() / 60
        about = {"fact": "lock", **where, "promotion": holder["promotion"], "stage": holder["stage"]}
        said = "%s holds the lock of %s in %s for %.0f minutes; %d wait"
        told = {**about, "age_minutes": round(minutes, 1), "waiting": len(lock.get("queue", ()))}
        _log.info(said, holder["promotion"], service, environment, minutes, told["waiting"], extra={"about": told})
    if broken := lock.get("broken"):
        told = {"fact": "broken lock", **where, "promotion": broken["promotion"]}
        _log.warning("the lock of %s in %s is broken: %s", service, environment, broken["words"], extra={"about": told})
