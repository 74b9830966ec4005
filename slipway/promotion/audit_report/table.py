"""The report's columns, and the report as CSV."""

import csv
import io
from collections.abc import Callable, Iterable

from slipway.promotion.audit_report.change import Change

COLUMNS: dict[str, Callable[[Change], str | list[str]]] = {
    "environment": lambda change: change.environment,
    "service": lambda change: change.service,
    "version": lambda change: change.version,
    "digest": lambda change: change.digest,
    "commit": lambda change: change.commit,
    "author": lambda change: change.author,
    "promotion": lambda change: change.promotion,
    "stage": lambda change: change.stage,
    "began": lambda change: change.began_at,
    "live": lambda change: change.live_at,
    "ended": lambda change: change.ended_at,
    "how it ended": lambda change: change.ended,
    "taken back": lambda change: change.back_at,
    "why it was taken back": lambda change: change.back_by,
    "approvals": lambda change: change.approvals,
    "refused": lambda change: change.refusals,
    "gates and their evidence": lambda change: change.gates,
    "overrides": lambda change: change.overrides,
    "commands": lambda change: change.commands,
    "holds and freezes": lambda change: change.holds,
    "not on record": lambda change: change.missing,
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(changes: Iterable[Change]) -> str:
    """RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for change in changes:
        writer.writerow([_cell(told(change)) for told in COLUMNS.values()])
    return page.getvalue()


def _cell(value: str | list[str]) -> str:
    text = value if isinstance(value, str) else "\n".join(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
