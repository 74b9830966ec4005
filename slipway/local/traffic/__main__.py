"""`python -m slipway.local.traffic --to URL`: users of a service on this machine, until SIGINT, SIGTERM or its parent's
end.

Prints what they met as a line of JSON: at the end, on SIGUSR1, and every so often.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

from slipway.local.traffic.generator import Generator

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
LOOK_FOR_PARENT_S = 0.5


def main() -> int:
    """0 after a clean end, 2 for arguments that cannot be."""
    arguments = _parser().parse_args()
    parent = os.getppid()
    asyncio.run(_run(arguments, parent))
    return 0


async def _run(arguments: argparse.Namespace, parent: int) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    generator = Generator(arguments.to, arguments.rate, arguments.seed, arguments.users)

    def tell() -> None:
        print(json.dumps(generator.tally.dump()), flush=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, tell)
    beside = [asyncio.create_task(_end_with(parent, stop))]
    if arguments.every:
        beside.append(asyncio.create_task(_every(arguments.every, tell)))
    await generator.run(stop, arguments.duration)
    for task in beside:
        task.cancel()
    with contextlib.suppress(BrokenPipeError):  # the parent may be gone
        tell()


async def _end_with(parent: int, stop: asyncio.Event) -> None:
    """An orphan is given another parent."""
    while os.getppid() == parent:
        await asyncio.sleep(LOOK_FOR_PARENT_S)
    stop.set()


async def _every(seconds: float, tell: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        tell()


def _on_loopback(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname not in LOOPBACK:
        raise argparse.ArgumentTypeError(f"{url} is not on this machine; users are made for loopback only")
    return url


def _above_zero(text: str) -> float:
    if not (value := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slipway.local.traffic", description=__doc__)
    parser.add_argument(
        "--to", action="append", type=_on_loopback, required=True, metavar="URL", help="may be repeated"
    )
    parser.add_argument("--rate", type=_above_zero, default=50.0, metavar="N", help="requests a second, in the mean")
    parser.add_argument("--for", dest="duration", type=_above_zero, metavar="SECONDS", help="without it: until stopped")
    parser.add_argument("--every", type=_above_zero, metavar="SECONDS", help="print what was met so often")
    parser.add_argument("--seed", type=int, help="of the moments at which requests come")
    parser.add_argument("--users", type=int, default=0, metavar="N", help="so many, who say who they are in x-user")
    return parser


if __name__ == "__main__":
    sys.exit(main())
