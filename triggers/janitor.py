"""Timer trigger: the janitor's look, every minute, at what the runtime may have lost."""

import asyncio
import json
from datetime import UTC
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters import watched
from slipway.adapters.clock import now
from slipway.adapters.insights import Kind, span
from slipway.adapters.packages import is_behind
from slipway.adapters.read_model import environment_rows, promotion_rows
from slipway.promotion.audit import AuditRecord
from triggers.ages import tell_ages
from triggers.deciding import audited, nudge
from triggers.entities_read import decisions_of
from triggers.looking_after import Found, Janitor, Records
from triggers.rebuilding import Rows
from triggers.version import orchestrations_version

bp = df.Blueprint()


class Tables(Records):
    """The watched and the read model, in Azure Tables."""

    async def watched(self, after: str | None, top: int) -> list[watched.Watched]:
        return await asyncio.to_thread(watched.watched, after, top)

    async def rows(self, promotion: str) -> Rows:
        return await asyncio.to_thread(promotion_rows, promotion)

    async def locks(self) -> list[tuple[str, str, dict[str, Any]]]:
        return await asyncio.to_thread(environment_rows)

    async def behind(self) -> bool:
        return await asyncio.to_thread(is_behind, orchestrations_version())

    async def unwatch(self, instance: str) -> None:
        await asyncio.to_thread(watched.unwatch, instance)

    async def audit(self, promotion: str, record: AuditRecord) -> None:
        await audited(promotion, record)


class DurableRuntime:
    """The durable runtime, through its client."""

    def __init__(self, client: df.DurableOrchestrationClient) -> None:
        self._client = client

    async def found(self, instance: str) -> Found | None:
        shown = await self._client.get_status(instance)
        if not shown or shown.runtime_status is None:
            return None
        updated = shown.last_updated_time or now()
        return Found(shown.runtime_status.value, updated if updated.tzinfo else updated.replace(tzinfo=UTC))

    async def given(self, instance: str) -> Any:
        shown = await self._client.get_status(instance, show_input=True)
        given = shown.input_ if shown else None
        return json.loads(given) if isinstance(given, str) else given

    async def decisions(self, promotion: str) -> dict[str, Any]:
        return await decisions_of(self._client, promotion)

    async def start(self, orchestration: str, instance: str, given: dict[str, Any]) -> None:
        try:
            await self._client.start_new(orchestration, instance, given)
        except Exception as error:
            if "already exists" not in str(error):
                raise

    async def terminate(self, instance: str, reason: str) -> None:
        await self._client.terminate(instance, reason)

    async def nudge(self, waiters: list[str]) -> None:
        await nudge(self._client, waiters)


_janitors: list[Janitor] = []  # one for the life of the process, which remembers what it has seen


@bp.function_name("janitor")
@bp.timer_trigger(arg_name="tick", schedule="30 * * * * *")
@bp.durable_client_input(client_name="client")
async def janitor(tick: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Every minute: see `triggers.looking_after`."""
    if not _janitors:
        _janitors.append(Janitor(DurableRuntime(client), Tables()))
    _janitors[0].runtime = DurableRuntime(client)
    with span("janitor", Kind.MESSAGE, "") as looking:
        try:
            await _janitors[0].look(now())
            looking.tell(outcome="looked")
        finally:
            await tell_ages(_janitors[0].records, now())
