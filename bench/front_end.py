"""The stand-in's front end with a routing rule, beside its worker asked directly: what does the proxy cost?

Load, front end and workers share the machine, as in a demo; the load keeps its connections and reads no more of an
answer than it must, so that it costs as little as it can.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from bench.figure import Figure

ROUNDS, SECONDS, CONNECTIONS = 5, 2.0, 32
LEAST_PER_S = 1000
PEOPLE = Path(__file__).parents[1] / "examples" / "people.yaml"
CONFIG = """
subscription: s
resource_group: bench
router_delay_s: 0
sites:
  - {name: shop, port: 1, live: {service: shop, version: 1.0.0}, slots: [{name: staging, port: 2}]}
"""


def figures() -> Iterable[Figure]:
    direct, through = [], []
    with tempfile.TemporaryDirectory() as folder, _a_site(Path(folder)) as site, _a_worker(Path(folder)) as worker:
        for _ in range(ROUNDS):
            direct.append(asyncio.run(_rate(worker)))
            through.append(asyncio.run(_rate(site)))
    mine, other = statistics.median(through), statistics.median(direct)
    name = f"stand-in's front end (requests/s, {CONNECTIONS} connections), beside a worker asked directly"
    yield Figure(name, mine, other, f">= {LEAST_PER_S:g}/s", mine >= LEAST_PER_S)


@contextmanager
def _a_site(folder: Path) -> Iterator[int]:
    """The port of a site's front end, with a rule that draws for every request."""
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    files = {"--state": folder / "state", "--config": config, "--people": PEOPLE}
    arguments = [str(part) for pair in files.items() for part in pair]
    with _process("slipway.local.azure", *arguments, "--any-ports", "--everything-allowed") as told:
        _set_rule(told, {"name": "staging", "actionHostName": _host(told, "shop(staging)"), "reroutePercentage": 0})
        yield int(_host(told, "shop").rpartition(":")[2])


@contextmanager
def _a_worker(folder: Path) -> Iterator[int]:
    """The port of a worker by itself."""
    package = folder / "package"
    package.mkdir()
    (package / "release.json").write_text('{"service": "shop", "version": "1.0.0"}')
    with _process("slipway.local.azure.worker", "--package", str(package)) as told:
        yield told["port"]


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Yields what it says when it is ready."""
    command, pipe = [sys.executable, "-m", module, *arguments], subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def _set_rule(told: dict[str, Any], rule: dict[str, Any]) -> None:
    asked = {"resource": "https://management.azure.com", "api-version": "2019-08-01"}
    identity = {"X-IDENTITY-HEADER": told["msi_header"]}
    token = requests.get(told["msi_endpoint"], asked, headers=identity, timeout=10).json()["access_token"]
    site = f"{told['url']}/subscriptions/s/resourceGroups/bench/providers/Microsoft.Web/sites/shop"
    requests.patch(
        f"{site}/config/web?api-version=2025-05-01",
        json={"properties": {"experiments": {"rampUpRules": [rule]}}},
        headers={"Authorization": f"Bearer {token}"},
        verify=told["ca"],
        timeout=10,
    ).raise_for_status()


def _host(told: dict[str, Any], name: str) -> str:
    return str(told["sites"][name]).removeprefix("http://")


async def _rate(port: int) -> float:
    """Requests a second that were answered 200."""
    ends = time.perf_counter() + SECONDS
    return sum(await asyncio.gather(*(_ask_until(ends, port) for _ in range(CONNECTIONS)))) / SECONDS


async def _ask_until(ends: float, port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    while time.perf_counter() < ends:
        writer.write(b"GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        answered += head.startswith(b"HTTP/1.1 200")
    writer.close()
    return answered
