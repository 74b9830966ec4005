"""Listeners that come back on the port they had before a restart, and what serves them."""

import socket
import ssl
from contextlib import AsyncExitStack

from aiohttp import web

from slipway.local.azure.faults import Serve
from slipway.local.azure.ports import listen, listen_anywhere
from slipway.local.azure.state import StateFolder


class Listeners:
    def __init__(self, state: StateFolder) -> None:
        self._state = state

    def listen(self, key: str, wanted: int, what: str) -> socket.socket:
        """On the wanted port; with 0 on the one it had before, or some free one, which is kept. Raises PortInUse."""
        if wanted:
            return listen(wanted, what)
        kept = self._state.port(key)
        if kept is not None:
            return listen(kept, what)
        listener = listen_anywhere(what)
        self._state.keep_port(key, port_of(listener))
        return listener


async def serve(
    exit: AsyncExitStack,
    application: web.Application,
    listener: socket.socket,
    tls: ssl.SSLContext | None = None,
) -> None:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    exit.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener, ssl_context=tls).start()


async def serve_bare(exit: AsyncExitStack, handle: Serve, listener: socket.socket) -> None:
    """Without routing: a proxy has one handler, and shares two cores with its load."""
    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=1)
    await runner.setup()
    exit.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener).start()


def port_of(listener: socket.socket) -> int:
    port = listener.getsockname()[1]
    assert isinstance(port, int)
    return port
