"""The read model in Azure Tables: what lists, pages and the API read.

Table `promotions`: partition = promotion, rows `intake` (who may run it), `promotion`, `stage:{name}`.
Table `promotionlist`: partition `all` or `service:{service}`, key = inverted time, newest first.
Table `environments`: partition = environment, row = service. One writer a row; `rev` tells old from new.
Table `releases`: the ledger; partition = service in its environment, key = inverted time of the switch, then
inverted fence.
"""

import json
from datetime import UTC, datetime
from typing import Any

from slipway.adapters.rows import Rows
from slipway.promotion.build import Build
from slipway.promotion.errors import NotABuild
from slipway.promotion.ids import environment_key
from slipway.promotion.outcomes import moment
from slipway.promotion.port_values import Cell

END_OF_TIME_MS = 10**14
PAGE_TOKEN = r"^[0-9]{15}-[0-9a-z][0-9A-Za-z._~-]{0,83}$"  # a row's key in the table `promotionlist`
LAST_FENCE = 10**10 - 1
RELEASE_TOKEN = r"^[0-9]{15}-[0-9]{10}$"  # a row's key in the table `releases`


def write_row(promotion: str, key: str, rev: int, doc: dict[str, Any]) -> None:
    """Write a row unless a newer one is there. Raises AzureProblem."""
    write_newer("promotions", promotion, key, rev, doc)


def write_environment(environment: str, service: str, state: dict[str, Any]) -> None:
    """Write the copy of an entity `environment`, unless a newer one is there. Raises AzureProblem.

    What changed in its ledger since the copy that is there goes first, so whoever dies in between comes to do it
    again, and a copy of a lock whose ledger has not changed costs nothing more.
    """
    there = Rows("environments").get(environment, service)
    copied = int(str(there.values["rev"])) if there else 0
    for release in state.get("releases", ()):
        if release["rev"] > copied:
            key = f"{_inverted(moment(release['since']))}-{LAST_FENCE - release['fence']:010d}"
            write_newer("releases", environment_key(environment, service), key, release["rev"], release)
    write_newer("environments", environment, service, state["rev"], state)


def newest_releases(
    environment: str, service: str, top: int, after: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Entries of the ledger (`slipway.promotion.ledger`), newest first, and the token of the next page or None."""
    partition = environment_key(environment, service)
    rows = Rows("releases").query(partition, from_key=f"{after}~" if after else None, top=top + 1)
    token = rows[top - 1].key if len(rows) > top else None
    return [row.doc for row in rows[:top]], token


def list_promotion(promotion: str, service: str, at: datetime) -> None:
    """Put a promotion into the lists, at its time of intake. Safe to repeat."""
    for partition in ("all", f"service:{service}"):
        Rows("promotionlist").upsert(partition, f"{_inverted(at)}-{promotion}", {"promotion": promotion}, merge=False)


def newest_promotions(service: str | None, after: str | None, top: int) -> list[tuple[str, str]]:
    """At most `top` promotions, newest first, each with the token of its place: `after` it the next ones come."""
    partition = f"service:{service}" if service else "all"
    rows = Rows("promotionlist").query(partition, from_key=f"{after}~" if after else None, top=top)
    return [(str(row.values["promotion"]), row.key) for row in rows]


def promotion_rows(promotion: str) -> dict[str, dict[str, Any]]:
    """Every row of a promotion by its key, as documents; `intake` holds the intake row's columns."""
    found = {}
    for row in Rows("promotions").query(promotion):
        found[row.key] = row.doc if row.key != "intake" else dict(row.values)
    return found


def environment_rows(environment: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
    """(environment, service, copy of the entity) for one environment or all."""
    return [(row.partition, row.key, row.doc) for row in Rows("environments").query(environment)]


def environment_row(environment: str, service: str) -> dict[str, Any] | None:
    """The copy of one entity, or None."""
    row = Rows("environments").get(environment, service)
    return row.doc if row else None


def count_not_promoted(build: Build, code: str, words: str, at: datetime) -> None:
    """Keep that a build was acknowledged without a promotion, for whoever wonders where it went.

    A message that comes again finds its own row.
    """
    key = f"{_inverted(build.finished_at)}-{build.version.replace('+', '~')}-{code}"
    values: dict[str, Cell] = {"version": build.version, "code": code, "words": words, "at": at.astimezone(UTC)}
    Rows("notpromoted").insert(f"service:{build.service}", key, values)


def count_event(event: str, reason: NotABuild, at: datetime) -> None:
    """Keep that an event of a CI system was acknowledged and is of no build; `event` is its own key, so that one that
    comes again finds its row."""
    values: dict[str, Cell] = {"version": "", "code": reason.code, "words": reason.words, "at": at.astimezone(UTC)}
    Rows("notpromoted").insert(f"events:{reason.system}", event, values)


def write_newer(table: str, partition: str, key: str, rev: int, doc: dict[str, Any]) -> None:
    """Write a row unless one of this `rev`, or of a newer one, is there. Raises AzureProblem."""
    rows = Rows(table)
    values: dict[str, Cell] = {"rev": rev, "doc": json.dumps(doc, separators=(",", ":"))}
    while True:
        row = rows.get(partition, key)
        if row is None:
            if rows.insert(partition, key, values):
                return
        elif int(row.values["rev"]) >= rev or rows.replace(type(row)(partition, key, values), row.etag):  # type: ignore[arg-type]
            return


def _inverted(at: datetime) -> str:
    """A moment as the beginning of a key, so that the newest comes first."""
    return f"{END_OF_TIME_MS - int(at.timestamp() * 1000):015d}"
