"""Delegations in Azure Tables: partition = who may approve for another, key = the delegation's id.

One that has ended stays, for whoever asks later why a vote counted; it is shown to nobody who asks what holds.
"""

import json
from datetime import datetime

from slipway.adapters.rows import Rows
from slipway.promotion.delegation import Delegation
from slipway.promotion.outcomes import moment
from slipway.promotion.port_values import Row

TABLE = "delegations"


def keep(delegation: Delegation) -> None:
    """Keep it. Raises AzureProblem."""
    doc = json.dumps(delegation.dump(), separators=(",", ":"))
    Rows(TABLE).upsert(delegation.to, delegation.id, {"doc": doc}, merge=False)


def end(delegation: Delegation) -> None:
    """It holds no longer; nothing happens when it is not there. Raises AzureProblem."""
    Rows(TABLE).delete(delegation.to, delegation.id)


def lent_to(oid: str, at: datetime) -> list[Delegation]:
    """Those in which that person may approve for others now, the first that ends last. Raises AzureProblem."""
    return _in_force(Rows(TABLE).query(oid), at)


def in_force(at: datetime) -> list[Delegation]:
    """Everybody's that hold now. Raises AzureProblem."""
    return _in_force(Rows(TABLE).query(None), at)


def _in_force(rows: list[Row], at: datetime) -> list[Delegation]:
    found = [Delegation.load(json.loads(str(row.values["doc"]))) for row in rows]
    return sorted((each for each in found if each.holds(at)), key=lambda each: moment(each.until), reverse=True)
