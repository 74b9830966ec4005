"""Listening on loopback, plain and over TLS."""

import asyncio
import logging
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

from slipway.local.servicebus.broker import Broker
from slipway.local.servicebus.connection import Connection
from slipway.local.servicebus.namespace import NamespaceConfig
from slipway.local.servicebus.store import Store

log = logging.getLogger(__name__)

HOST = "127.0.0.1"


class Server:
    """A running broker: `port` and `tls_port` say where, `failure` carries the error that stopped it."""

    def __init__(self, broker: Broker, store: Store) -> None:
        self.port = 0
        self.tls_port: int | None = None
        self.failure = broker.failure
        self._broker = broker
        self._store = store
        self._connections: set[Connection] = set()
        self._listeners: list[asyncio.Server] = []

    async def listen(self, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Take connections on a loopback port, 0 = any free one; gives the port. Raises OSError."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Connection(self._broker, self._connections), HOST, port, ssl=tls)
        self._listeners.append(listener)
        chosen: int = listener.sockets[0].getsockname()[1]
        return chosen

    async def stop(self) -> None:
        """Say goodbye to everybody and close the file."""
        for listener in self._listeners:
            listener.close()
        for connection in list(self._connections):
            connection.go_away()
        self._broker.end_turn()
        self._store.close()


async def start(
    config: NamespaceConfig,
    state: Path,
    *,
    port: int = 0,
    tls_port: int = 0,
    cert: Path | None = None,
    refusals: Sequence[tuple[str, str]] = (),
) -> Server:
    """Load the state and listen; TLS only with a certificate (a PEM file with key and chain). `refusals` are made on
    purpose, one a message: (queue or topic, AMQP condition).

    Raises StoreError, OSError.
    """
    tls = None
    if cert is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            tls.load_cert_chain(cert)
        except OSError as error:
            raise OSError(f"cannot use the certificate {cert}: {error}") from error
    store = Store(state)
    server = Server(Broker(config, store, wall_clock_ms, refusals), store)
    server.port = await server.listen(port)
    if tls is not None:
        server.tls_port = await server.listen(tls_port, tls)
    log.info("listening on %s:%d%s", HOST, server.port, f", TLS on {server.tls_port}" if tls else "")
    return server


def wall_clock_ms() -> int:
    """Clients compare the end of a lock with their own clocks, so nothing but the wall clock will do."""
    return time.time_ns() // 1_000_000
