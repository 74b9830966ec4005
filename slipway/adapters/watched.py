"""What the janitor looks at: a row in the table `watched` for every promotion, and every rollback that a person asked
for, until it has been seen to be over. Written before what it speaks of begins, so nothing begins unwatched.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.adapters.rows import Rows
from slipway.promotion.port_values import Cell, Row

TABLE, PARTITION = "watched", "all"


@dataclass(frozen=True)
class Watched:
    """An orchestration and the promotion it belongs to: the promotion's own (`instance` is `promotion` then, and
    `build` what it is of), or a rollback's."""

    instance: str
    promotion: str
    since: datetime
    build: dict[str, Any]


def watch(instance: str, promotion: str, at: datetime, build: dict[str, Any] | None = None) -> None:
    """Have the orchestration `instance` looked after. Safe to repeat. Raises AzureProblem, as do the others."""
    values: dict[str, Cell] = {"promotion": promotion, "since": at, "doc": json.dumps(build or {})}
    Rows(TABLE).insert(PARTITION, instance, values)


def watched(after: str | None, top: int) -> list[Watched]:
    """A page of at most `top`, in order of their instances, of those behind `after`."""
    rows = Rows(TABLE).query(PARTITION, from_key=f"{after} " if after else None, top=top)
    return [_watched(row) for row in rows]


def unwatch(instance: str) -> None:
    """It is over."""
    Rows(TABLE).delete(PARTITION, instance)


def _watched(row: Row) -> Watched:
    since = row.values["since"]
    assert isinstance(since, datetime)
    return Watched(row.key, str(row.values["promotion"]), since, row.doc)
