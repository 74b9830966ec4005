"""`python -m slipway.local.azure`: the stand-in as a process, until SIGINT or SIGTERM."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from slipway.local.azure.config import ConfigError, People, StandinConfig, read
from slipway.local.azure.ports import PortInUse
from slipway.local.azure.rights.given import GivenRights
from slipway.local.azure.server import Options, Standin


def main() -> int:
    """0 after a clean stop, 2 when it cannot start with what it was given."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="azure: %(message)s")
    try:
        options = Options(
            state=arguments.state.resolve(),
            config=read(StandinConfig, arguments.config),
            people=read(People, arguments.people),
            rights=None if arguments.everything_allowed else read(GivenRights, arguments.rights),
            port=arguments.port,
            msi_port=arguments.msi_port,
            any_ports=arguments.any_ports,
            virtual_time=arguments.virtual_time is not None,
            starts_at=arguments.virtual_time,
        )
        asyncio.run(_run(options))
    except (ConfigError, PortInUse) as error:
        print(f"azure: {error}", file=sys.stderr)
        return 2
    return 0


async def _run(options: Options) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Standin(options) as standin:
        print(json.dumps(standin.ready_line()), flush=True)
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slipway.local.azure", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="what must survive a restart")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="sites and slots (YAML)")
    parser.add_argument("--people", type=Path, required=True, metavar="FILE", help="who can log in (YAML)")
    rights = parser.add_mutually_exclusive_group(required=True)
    words = "what Slipway's identity may do, as `slipway roles --format json` prints it"
    rights.add_argument("--rights", type=Path, metavar="FILE", help=words)
    rights.add_argument("--everything-allowed", action="store_true", help="it may do everything")
    parser.add_argument("--port", type=int, default=0, help="of the TLS server; 0: some free port, kept")
    parser.add_argument("--msi-port", type=int, default=0, help="of the managed-identity endpoint")
    parser.add_argument("--any-ports", action="store_true", help="free ports for the sites, not the configured ones")
    parser.add_argument(
        "--virtual-time",
        metavar="START",
        nargs="?",
        type=_moment,
        const=_moment(""),
        help="the clock stands from START, or now, until `POST /standin/clock` moves it; traffic is drawn from a seed",
    )
    return parser


def _moment(written: str) -> datetime:
    """From an ISO time, in UTC where it says nothing else; empty: now."""
    at = datetime.fromisoformat(written) if written else datetime.now(UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
