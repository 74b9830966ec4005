"""The Log Analytics workspace: what front ends served and what apps tell goes in, and KQL gets it out.

In real time its rows are those of the access log, and a healthy history from before the first start. In virtual time,
when nobody waits for traffic, rows are drawn when a query asks for them.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from slipway.local.azure.config import TelemetryConfig
from slipway.local.azure.logs.access_log import BufferedLog
from slipway.local.azure.logs.api import LogsApi
from slipway.local.azure.logs.drawing import drawn_rows, seed_of, service_of
from slipway.local.azure.logs.drawn_counts import DrawnCounts
from slipway.local.azure.logs.edge_drawing import as_edge_rows
from slipway.local.azure.logs.edge_log import Endpoint
from slipway.local.azure.logs.envelopes import Told
from slipway.local.azure.logs.ingestion import IngestionApi
from slipway.local.azure.logs.minutes import Phase, minutes_of
from slipway.local.azure.logs.mishaps import MishapsApi
from slipway.local.azure.logs.phases import ServedBetween
from slipway.local.azure.logs.places import asked_for, role_of, rows_in, traffic_of
from slipway.local.azure.logs.queries import Queries
from slipway.local.azure.logs.served import Served
from slipway.local.azure.logs.store import LogStore
from slipway.local.azure.logs.traffic_model import rows_of
from slipway.local.azure.tokens import Tokens

_rows = TypeAdapter(list[Served])


@dataclass(frozen=True)
class Sources:
    """What the workspace asks others: what time it is, and, in virtual time only, who served what. `endpoints` are
    those of Front Doors by their names."""

    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    served_between: ServedBetween | None = None
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)


class Workspace:
    """Use as an async context manager."""

    SERVED_PATH = "/standin/served"

    def __init__(self, folder: Path, config: TelemetryConfig, tokens: Tokens, sources: Sources = Sources()) -> None:
        self._config = config
        self._sources = sources
        # In virtual time a day's ticks follow each other at once, beside whoever asks.
        self._store = LogStore(folder / "logs.duckdb", threads=None if sources.served_between is None else 1)
        self._mishaps = MishapsApi()
        self.log = BufferedLog(self._store, sources.now)
        queries = Queries(self._store, self._rows, self._edge_rows)
        self._api = LogsApi(queries, self._ready, self._mishaps, tokens, config.workspaces, sources.now)
        self._ingestion = IngestionApi(self._store, tokens)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Workspace":
        self._filling = asyncio.create_task(self._fill())
        self._tasks = [self._filling, asyncio.create_task(self.log.run())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.log.flush()
        self._store.close()

    @property
    def counted(self) -> DrawnCounts | None:
        """What the platform counted of traffic that was drawn; None in real time, when its front ends count."""
        between = self._sources.served_between
        return DrawnCounts(self._config, self._store, between, frozenset(self._sources.endpoints)) if between else None

    async def tell(self, rows: Sequence[Told]) -> None:
        """Rows of any table that something else than a request brings. Raises OSError when the disk does not take
        them."""
        if rows:
            await asyncio.to_thread(self._store.tell, rows)

    def routes(self) -> list[web.RouteDef]:
        own = web.post(self.SERVED_PATH, self.served)
        return [*self._api.routes(), *self._ingestion.routes(), *self._mishaps.routes(), own]

    async def served(self, request: web.Request) -> web.Response:
        """Takes rows as a front end would tell them: for tests of what nobody can wait for."""
        try:
            rows = _rows.validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        for row in rows:
            self.log.served(row)
        return web.json_response({"rows": len(rows)}, status=201)

    async def _ready(self) -> None:
        """Back when a query sees everything that it should."""
        await asyncio.shield(self._filling)
        await self.log.flush()

    async def _fill(self) -> None:
        if self._sources.served_between is None and self._config.traffic:
            await asyncio.to_thread(self._fill_history)

    def _fill_history(self) -> None:
        if not self._store.is_empty():
            return
        ends = self._sources.now()
        for traffic in self._config.traffic:
            begins = ends - timedelta(hours=traffic.hours)
            instances = tuple(f"{traffic.site}-{number}" for number in range(traffic.instances))
            phase = Phase(role_of(traffic), begins, ends, traffic.version, 1.0, instances, traffic.per_second)
            seed = seed_of(self._config.seed, traffic)
            self._store.fill(rows_of(minutes_of([phase], service_of(traffic), seed, begins, ends)))

    def _edge_rows(self, stored: str, begins: datetime | None, ends: datetime | None) -> str:
        """SQL for the rows of AFDAccessLog: those that are stored, and in virtual time those that nobody sent."""
        now, endpoints = self._sources.now(), self._sources.endpoints
        found = [stored]
        if (served_between := self._sources.served_between) is not None:
            last = min(ends or now, now)
            first = begins or last - timedelta(hours=1)
            for each in (each for each in self._config.traffic if each.site in endpoints):
                drawn = drawn_rows([each], self._config.seed, served_between, first, last)
                found.append(as_edge_rows(drawn, endpoints[each.site], served_between(each.site, first, last)))
        numbered = f"(SELECT *, hash(TrackingReference) AS Number FROM ({' UNION ALL BY NAME '.join(found)}))"
        return f"SELECT * EXCLUDE Number FROM ({self._mishaps.now.seen(numbered, now)})"

    def _rows(self, kql: str, workspace: str, begins: datetime | None, ends: datetime | None) -> str:
        now, config = self._sources.now(), self._config
        if (served_between := self._sources.served_between) is None:
            return self._mishaps.now.seen(rows_in(workspace, config.traffic), now)
        ends = min(ends or now, now)
        begins = begins or ends - timedelta(hours=1)
        traffic = asked_for(kql, traffic_of(workspace, config.traffic))
        if config.traffic and not traffic:
            return rows_of(())
        drawn = drawn_rows(traffic, config.seed, served_between, begins, ends)
        return self._mishaps.now.seen(f"({drawn})", now)
