"""What `/admin/` answers about the host and its functions."""

import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from slipway.local.functions.app import Function
from slipway.local.functions.bindings import HttpTrigger

VERSION = "4.0.0.0"  # of the Functions runtime whose part is played


class HostStatus:
    """The host's state in the words of the Functions host: Starting, Running, Stopping."""

    def __init__(self) -> None:
        self.state = "Starting"
        self._instance = str(uuid4())
        self._started = time.monotonic()

    def describe(self) -> dict[str, Any]:
        return {
            "id": "slipway-local",
            "state": self.state,
            "version": VERSION,
            "versionDetails": VERSION,
            "instanceId": self._instance,
            "processUptime": int((time.monotonic() - self._started) * 1000),
            "errors": [],
        }


def describe_functions(functions: Sequence[Function], base_url: str, prefix: str) -> list[dict[str, Any]]:
    """The list of `/admin/functions`."""
    return [_describe(function, base_url, prefix) for function in functions]


def _describe(function: Function, base_url: str, prefix: str) -> dict[str, Any]:
    invoke = None
    if isinstance(function.bindings.trigger, HttpTrigger):
        invoke = f"{base_url}/{full_route(prefix, function.bindings.trigger)}"
    return {
        "name": function.name,
        "href": f"{base_url}/admin/functions/{function.name}",
        "invoke_url_template": invoke,
        "language": "python",
        "config": {"bindings": list(function.raw_bindings)},
        "isDisabled": function.disabled,
        "isDirect": True,
    }


def full_route(prefix: str, trigger: HttpTrigger) -> str:
    """The route of a function with the prefix of host.json."""
    return "/".join(part for part in (prefix.strip("/"), trigger.route.lstrip("/")) if part)
