"""Intake of 10,000 builds, one in twenty of them delivered twice: none is lost, and memory stays flat.

The real trigger's work on real tables (the stand-in's, over TLS), eight messages at a time as the host has it; only the
runtime that promotions are started in is left out: it notes what it was asked for. RSS is that of this process.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.figure import Figure
from slipway.settings import settings
from tests.laptop import run_standin

BUILDS, EARLY, COPIES_EVERY, AT_ONCE = 10_000, 1_000, 20, 8
SERVICES = 50
PIPELINE = """service: {service}
owner: team
artifact: {{zip: "https://artifacts.example/{service}/{{version}}.zip"}}
stages:
  - name: dev
    environment: dev
    targets:
      - {{name: dev, kind: app-service, resource: /subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Web/sites/{service}}}
"""  # noqa: E501


class Message:
    """What the trigger asks of a Service Bus message."""

    delivery_count = 1
    application_properties: dict[str, str] = {}  # noqa: RUF012 - nobody writes there

    def __init__(self, service: str, version: str) -> None:
        build = {"service": service, "version": version, "commit": "c0ffee1", "branch": "main", "author": "bob"}
        self._body = json.dumps({**build, "finished_at": "2026-11-24T12:00:00Z"}).encode()
        self.message_id = f"{service}-{version}"

    def get_body(self) -> bytes:
        return self._body


class Starts:
    """The durable client, as far as intake needs it. As the runtime does, it starts an instance once."""

    def __init__(self) -> None:
        self.of: set[str] = set()

    async def start_new(self, name: str, instance: str, given: Any) -> None:
        if instance in self.of:
            raise RuntimeError(f"An Orchestration instance with the status Pending already exists: {instance}")
        self.of.add(instance)


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder, run_standin(Path(folder)) as standin:
        pipelines = Path(folder) / "pipelines"
        pipelines.mkdir()
        for service in map(_service, range(SERVICES)):
            (pipelines / f"{service}.yaml").write_text(PIPELINE.format(service=service))
        url, ready = standin.ready["url"], standin.ready
        os.environ |= {"IDENTITY_ENDPOINT": ready["msi_endpoint"], "IDENTITY_HEADER": ready["msi_header"]}
        os.environ |= {"SLIPWAY_TABLES_ENDPOINT": f"{url}/tables", "SLIPWAY_BLOBS_ENDPOINT": f"{url}/blob"}
        os.environ |= {"SLIPWAY_CA_FILE": ready["ca"], "SLIPWAY_PIPELINES": str(pipelines)}
        settings.cache_clear()
        starts = Starts()
        seconds, early_mb, late_mb = asyncio.run(_take_in(starts))
    lost = BUILDS - len(starts.of)
    name = f"intake of {BUILDS:,} builds"
    yield Figure(f"{name}: lost", lost, None, "0", lost == 0)
    flat = late_mb <= 1.1 * early_mb
    yield Figure(f"{name}: RSS at the end; peer: after {EARLY:,} (MB)", late_mb, early_mb, "ratio <= 1.1", flat)
    yield Figure("  for information: builds a second", BUILDS / seconds)


async def _take_in(starts: Starts) -> tuple[float, float, float]:
    """Seconds, and RSS early and late in MB."""
    from triggers.builds_queue import _promote

    messages: asyncio.Queue[Message | None] = asyncio.Queue(AT_ONCE)

    async def worker() -> None:
        client: Any = starts
        while (message := await messages.get()) is not None:
            given: Any = message
            await _promote(given, client)

    workers = [asyncio.create_task(worker()) for _ in range(AT_ONCE)]
    began, early_mb = time.perf_counter(), 0.0
    for number in range(BUILDS):
        message = Message(_service(number % SERVICES), f"1.{number}.0")
        for _ in range(1 + (number % COPIES_EVERY == 0)):
            await messages.put(message)
        if number == EARLY:
            early_mb = _rss_mb()
    for _ in workers:
        await messages.put(None)
    await asyncio.gather(*workers)
    return time.perf_counter() - began, early_mb, _rss_mb()


def _service(number: int) -> str:
    return f"service-{number}"


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
