import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.rows import Rows
from tests.app_host import BOB_OID, a_principal

_NUMBERS = count(1)
ALICE = a_principal("Alice Adams", roles=("reader", "operator", "approver", "release-manager"))
BOB = a_principal("Bob Brown", BOB_OID, ("reader", "approver", "release-manager"))
ERIN = a_principal("Erin Evans", "55555555-5555-4555-8555-555555555555", ("reader",))

# The SDK tries a table again four times; a throttle that names a short time keeps that short.
TABLES_DOWN: dict[str, Any] = {"answer": {"status": 500, "headers": {"retry-after-ms": "5"}}, "times": 4}


@pytest.fixture
def version(configured: None) -> str:
    """A version that nobody has used so far."""
    return f"3.{next(_NUMBERS)}.0"


def a_message(version: str, **changes: Any) -> bytes:
    """A build message as CI sends it, by bob."""
    message = {
        "service": "checkout",
        "version": version,
        "commit": "c0ffee1",
        "branch": "main",
        "author": "bob@shop.example",
        "finished_at": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
    }
    return json.dumps({**message, **changes}).encode()


def audited(chain: str) -> list[tuple[str, str]]:
    """Action and code of a chain's records, oldest first."""
    return [(each["action"], each["evidence"].get("code", "")) for each in AuditLog().read(chain)]


def intake(promotion: str) -> dict[str, Any]:
    row = Rows("promotions").get(promotion, "intake")
    return row.values if row else {}
