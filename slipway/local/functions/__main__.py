"""`python -m slipway.local.functions start --app DIR --port N --state FILE` hosts a function app here."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from slipway.local.functions.app import load_app
from slipway.local.functions.clock import Clock, VirtualClock, WallClock
from slipway.local.functions.durable.engine import BACKENDS
from slipway.local.functions.host import App, Host
from slipway.local.functions.host_json import read_host_json
from slipway.local.functions.log_filter import WithoutRequests
from slipway.local.functions.refusal import AppRefused
from slipway.local.functions.sdk_warnings import tame
from slipway.local.functions.settings import load_settings
from slipway.local.functions.state_lock import only_host
from slipway.local.functions.tells_time import TellsTime

FAILED = 1
REFUSED = 2
QUIET = {  # the SDKs narrate, and some of it is headers; what Service Bus reports the triggers say themselves
    "azure": logging.WARNING,
    "azure.servicebus": logging.CRITICAL,
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.WARNING,
}


def main() -> int:
    """Runs until SIGINT or SIGTERM. 0: stopped; 1: could not start, or can no longer write; 2: the app is refused."""
    arguments = _arguments()
    ready_line = sys.stdout
    sys.stdout = sys.stderr  # what functions print must not mix with the one line that others parse
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("aiohttp.server").addFilter(WithoutRequests())
    tame()
    try:
        settings = load_settings(arguments.app)
        host_json = read_host_json(arguments.app)
        app = App(arguments.app, load_app(arguments.app, settings), host_json, settings)
        with only_host(arguments.state):
            asyncio.run(_serve(app, arguments, ready_line))
    except AppRefused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return FAILED
    return 0


async def _serve(app: App, arguments: argparse.Namespace, ready_line: TextIO) -> None:
    host = Host(
        app,
        arguments.state,
        port=arguments.port,
        check_keys=arguments.check_keys,
        clock=arguments.virtual_time or WallClock(),
        by_hand=arguments.by_hand,
        tells=TellsTime(arguments.tells_time, arguments.tells_ca) if arguments.tells_time else None,
        backend=arguments.backend,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await host.start()
    print(json.dumps({"ready": True, "url": host.url}), file=ready_line, flush=True)
    await _first_of(stop, host.engine.unwritable)
    if host.engine.unwritable.is_set():
        # Nothing more can be promised to anybody, and whatever still runs would only promise: as after a kill.
        print(f"cannot write the state: {host.engine.failure}", file=sys.stderr, flush=True)
        os._exit(FAILED)
    await host.stop()


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m slipway.local.functions", description=__doc__)
    start = parser.add_subparsers(required=True).add_parser("start", help="host an app")
    start.add_argument("--app", type=Path, required=True, help="folder of function_app.py and host.json")
    start.add_argument("--state", type=Path, required=True, help="SQLite file of the durable functions")
    start.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0: any free one")
    start.add_argument("--check-keys", action="store_true", help="ask function keys as Azure does")
    start.add_argument(
        "--backend", choices=sorted(BACKENDS), default="dts", help="whose ways to have (default: %(default)s)"
    )
    start.add_argument(
        "--virtual-time",
        metavar="START",
        nargs="?",
        type=_virtual_clock,
        const=_virtual_clock(""),
        help="the clock stands while anything can run, then jumps to the next timer; it starts at START, or now",
    )
    start.add_argument(
        "--by-hand", action="store_true", help="with --virtual-time: only POST /admin/clock moves the clock"
    )
    start.add_argument(
        "--tells-time",
        metavar="URL",
        help="with --virtual-time: POST each new time there first, and move when it is answered",
    )
    start.add_argument("--tells-ca", metavar="FILE", type=Path, help="the authority by which that address is known")
    arguments = parser.parse_args()
    for option in ("by_hand", "tells_time"):
        if getattr(arguments, option) and arguments.virtual_time is None:
            parser.error(f"--{option.replace('_', '-')} needs --virtual-time")
    return arguments


def _virtual_clock(start: str) -> Clock:
    """From an ISO time, in UTC where it says nothing else; empty: now."""
    at = datetime.fromisoformat(start) if start else datetime.now(UTC)
    return VirtualClock(at if at.tzinfo else at.replace(tzinfo=UTC))


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # a thread that a function keeps busy must not hold the process
