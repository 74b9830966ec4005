"""What Slipway's identity may do at the stand-in of the adapters' tests: every role that pipelines may need, and its
own; each by exactly the actions that the catalogue says, on the resource group that all lies in."""

from typing import Any

from slipway.promotion.rights.catalogue import ROLES
from slipway.promotion.rights.grants import document, granted
from slipway.promotion.rights.own import AUDIT, TABLES, TELEMETRY
from slipway.promotion.rights.role import Need


def all_roles(group: str) -> dict[str, Any]:
    """As `slipway roles --format json` prints them."""
    return document(granted((Need(role, group, "a test") for role in (*ROLES, TABLES, AUDIT, TELEMETRY)), {}))
