"""Receipts of operations (table `receipts`): a repeated step answers what the first one did.

Partition = promotion, key = operation. Whoever inserts the row begins; the first answer stays.
"""

import json
from datetime import datetime
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.adapters.rows import Rows
from slipway.promotion.outcomes import Answer
from slipway.promotion.port_values import Receipt, Row
from slipway.settings import Settings

_TRIES = 5


class Receipts:
    """Raises AzureProblem when the table cannot be asked or written."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._rows = Rows("receipts", settings_)

    def begin(self, promotion: str, operation: str) -> Receipt:
        """Take down that the operation is about to be started, or say what is known of it."""
        now = clock.now()
        if self._rows.insert(promotion, operation, {"intent_at": now, "doc": "{}"}):
            return Receipt(new=True, intent_at=now)
        row = self._rows.get(promotion, operation)
        if row is None:  # a conflict of another kind, such as a table that is being deleted
            words = f"the receipt of {operation} could not be begun"
            raise AzureProblem(AzureFault(FaultKind.CONFLICT, "ReceiptContended", words))
        return _receipt(row)

    def started(self, promotion: str, operation: str, handle: dict[str, Any]) -> None:
        """Keep what the next poll needs. Without effect once the operation has ended."""
        self._note(promotion, operation, {"handle": handle})

    def ended(self, promotion: str, operation: str, answer: Answer) -> Answer:
        """Keep how it ended, and answer the one that counts: the first that was kept."""
        return _receipt(self._note(promotion, operation, {"answer": answer.dump()})).answer or answer

    def _note(self, promotion: str, operation: str, doc: dict[str, Any]) -> Row:
        for _ in range(_TRIES):
            row = self._row(promotion, operation)
            if "answer" in row.doc:
                return row
            noted = Row(row.partition, row.key, {**row.values, "doc": json.dumps(doc)})
            if self._rows.replace(noted, row.etag):
                return noted
        words = f"the receipt of {operation} keeps changing under us"
        raise AzureProblem(AzureFault(FaultKind.CONFLICT, "ReceiptContended", words))

    def _row(self, promotion: str, operation: str) -> Row:
        row = self._rows.get(promotion, operation)
        if row is None:
            words = f"operation {operation} of {promotion} was never begun"
            raise AzureProblem(AzureFault(FaultKind.MISSING, "ReceiptMissing", words))
        return row


def _receipt(row: Row) -> Receipt:
    intent_at = row.values["intent_at"]
    assert isinstance(intent_at, datetime)
    answer = row.doc.get("answer")
    return Receipt(False, intent_at, row.doc.get("handle"), Answer.load(answer) if answer else None)
