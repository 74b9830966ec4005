"""A host in this process, on a virtual clock that only the test moves."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.functions as func

from slipway.local.functions.app import read_functions
from slipway.local.functions.clock import VirtualClock
from slipway.local.functions.host import App, Host
from slipway.local.functions.host_json import HostJson
from slipway.local.functions.tells_time import TellsTime
from slipway.local.functions.virtual_time import VirtualTime

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # a Monday


class Hosted:
    """`clock` and `time` are two sides of one thing: `time` waits for what happens meanwhile."""

    def __init__(self, host: Host, clock: VirtualClock) -> None:
        assert host.virtual_time is not None
        self.host, self.clock = host, clock
        self.time: VirtualTime = host.virtual_time
        self.url = host.url
        self.rpc = host.rpc_root.rstrip("/")


@asynccontextmanager
async def hosted(
    app: func.FunctionApp,
    state: Path | str = ":memory:",
    *,
    start: datetime = START,
    settings: Mapping[str, str] | None = None,
    host_json: Mapping[str, Any] | None = None,
    tells: TellsTime | None = None,
) -> AsyncIterator[Hosted]:
    """`app` is read once only: a second host needs a second app."""
    module = ModuleType("function_app")
    module.app = app  # type: ignore[attr-defined]
    document = HostJson.model_validate({"version": "2.0", **(host_json or {})})
    clock = VirtualClock(start)
    known = settings or {}
    host = Host(
        App(Path(), read_functions(module, known), document, known), state, clock=clock, by_hand=True, tells=tells
    )
    await host.start()
    try:
        yield Hosted(host, clock)
    finally:
        await host.stop()
