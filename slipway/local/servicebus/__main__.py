"""python -m slipway.local.servicebus --config Config.json --state broker.sqlite"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from slipway.local.servicebus.config import ConfigError, read_config
from slipway.local.servicebus.namespace import NamespaceConfig
from slipway.local.servicebus.server import start
from slipway.local.servicebus.store import StoreError

MISUSED = 2
FAILED = 1


def main() -> int:
    """Run until SIGINT or SIGTERM.

    Gives 0, or 2 if it cannot start as asked, or 1 if the state can no longer be written.
    """
    options = _options()
    logging.basicConfig(format="servicebus: %(message)s", level=logging.INFO, stream=sys.stderr)
    try:
        config = read_config(options.config)
        return asyncio.run(_serve(config, options))
    except (ConfigError, StoreError, OSError) as error:
        for line in str(error).splitlines():
            print(f"servicebus: {line}", file=sys.stderr)
        return MISUSED


async def _serve(config: NamespaceConfig, options: argparse.Namespace) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    refusals = [tuple(each.split("=", 1)) for each in options.refuse]
    server = await start(
        config, options.state, port=options.port, tls_port=options.tls_port, cert=options.cert, refusals=refusals
    )
    print(json.dumps({"ready": True, "port": server.port, "tls_port": server.tls_port}), flush=True)
    server.failure.add_done_callback(lambda _: stopped.set())
    await stopped.wait()
    if server.failure.done():
        print(f"servicebus: cannot write the state: {server.failure.exception()}", file=sys.stderr)
        return FAILED
    await server.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m slipway.local.servicebus", description="A Service Bus broker for the laptop."
    )
    parser.add_argument("--config", type=Path, required=True, help="the Service Bus emulator's Config.json")
    parser.add_argument("--state", type=Path, required=True, help="the SQLite file that keeps the messages")
    parser.add_argument("--port", type=int, default=0, help="plain AMQP; 0 = any free port")
    parser.add_argument("--tls-port", type=int, default=0, help="AMQP over TLS; 0 = any free port")
    parser.add_argument("--cert", type=Path, help="key and certificate chain in one PEM file; none = no TLS")
    parser.add_argument(
        "--refuse", metavar="ENTITY=CONDITION", action="append", default=[], help="refuse one message, on purpose"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
