"""Sockets that listen on loopback, on a given port or on a free one."""

import random
import socket

# Below the range from which the system draws ports for outgoing connections: a port found here is still free
# when the stand-in comes back after it was killed.
FREE_PORTS = range(20_000, 32_000)


class PortInUse(Exception):
    def __init__(self, port: int, what: str) -> None:
        super().__init__(f"port {port} of {what} is in use: stop what listens there, or use --any-ports")


def listen(port: int, what: str) -> socket.socket:
    """A bound, not yet accepting socket on 127.0.0.1; raises PortInUse, which names `what`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # After a kill the port is full of dying connections; only a living listener may refuse us.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PortInUse(port, what) from error
    listener.setblocking(False)
    return listener


def listen_anywhere(what: str) -> socket.socket:
    """As `listen`, on some free port."""
    for port in random.sample(FREE_PORTS, 50):
        try:
            return listen(port, what)
        except PortInUse:
            continue
    return listen(0, what)
