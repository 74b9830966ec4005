"""W3C trace context as it travels: in messages, in requests, and in the inputs of orchestrations.

A `traceparent` is `00-{trace id}-{span id}-{flags}` (https://www.w3.org/TR/trace-context/). Orchestrations only pass it
on; what is measured, and when, is the business of triggers and activities.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

_SHAPE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_NAMES = ("traceparent", "Diagnostic-Id")  # of W3C, and of Azure's older SDKs, with the same value
ABOUT = ("trace", "promotion", "stage")


def well_formed(text: object) -> str:
    """`text` when it is a traceparent that may be used, else empty."""
    plain = text.decode("ascii", "replace") if isinstance(text, bytes) else str(text or "")
    found = _SHAPE.fullmatch(plain.strip().lower())
    if not found or plain.startswith("ff") or not int(found[1], 16) or not int(found[2], 16):
        return ""
    return found[0]


def told_by(properties: Mapping[Any, Any] | None) -> str:
    """The traceparent among a message's application properties; empty when it has none that may be used."""
    known = {(key.decode() if isinstance(key, bytes) else str(key)): value for key, value in (properties or {}).items()}
    return next((found for name in _NAMES if (found := well_formed(known.get(name)))), "")


def begun(seed: str) -> str:
    """A trace of our own. The same `seed` begins the same one: a message that comes again is no other trace."""
    digest = hashlib.sha256(f"slipway:{seed}".encode()).hexdigest()
    return f"00-{digest[:32]}-{digest[32:48]}-01"


def trace_id(traceparent: str) -> str:
    """The id by which all spans of a trace are found (`OperationId` in Azure Monitor); empty without one."""
    return traceparent.split("-")[1] if well_formed(traceparent) else ""


def carried(given: Any) -> dict[str, str]:
    """Of an orchestration's input: which trace it belongs to, and whose work it is. Without a trace, nothing."""
    if not isinstance(given, dict):
        return {}
    run = given["stage"] if isinstance(given.get("stage"), dict) else given  # of a ramp, a watch
    if not run.get("trace"):
        return {}
    plan = run.get("plan")
    stage = run.get("stage") or (plan.get("name") if isinstance(plan, dict) else None)
    found = {"trace": run["trace"], "promotion": run.get("promotion") or run.get("id"), "stage": stage}
    return {key: str(value) for key, value in found.items() if value}
