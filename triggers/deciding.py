"""How a person's decision reaches a promotion: signal its entity, read the answer back, nudge the waiters."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.read_model import promotion_rows
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.commands import REUSED, said_of
from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.ids import decisions_key, is_promotion_id
from triggers.http import NotFound, answer
from triggers.identity import require_for_service
from triggers.places import service_of

READ_BACK_S = 2.0
READ_BACK_EVERY_S = 0.05

Client: TypeAlias = df.DurableOrchestrationClient


async def rows_of(promotion: str) -> dict[str, dict[str, Any]]:
    """The promotion's rows. Raises NotFound."""
    rows = await _rows(promotion)
    if "intake" not in rows:
        raise NotFound("UNKNOWN_PROMOTION", f"there is no promotion {promotion}")
    return rows


async def rows_for(promotion: str, person: Person, *roles: str) -> dict[str, dict[str, Any]]:
    """The promotion's rows, for somebody who wants to change it. Whoever has none of `roles` learns nothing of one
    that is not there: raises Forbidden, else NotFound. Where it is there, the caller puts a refusal on record."""
    rows = await _rows(promotion)
    if "intake" not in rows:
        require_for_service(person, service_of(promotion), *roles)
        raise NotFound("UNKNOWN_PROMOTION", f"there is no promotion {promotion}")
    return rows


async def _rows(promotion: str) -> dict[str, dict[str, Any]]:
    return await asyncio.to_thread(promotion_rows, promotion) if is_promotion_id(promotion) else {}


@asynccontextmanager
async def on_record(promotion: str, said: AuditRecord) -> AsyncIterator[None]:
    """Keep what a person says before anything comes of it, and beside it a refusal, if that is what comes."""
    await audited(promotion, said)
    try:
        yield
    except Refused as refusal:
        refused = replace(
            said,
            id=f"{said.id}:refused",
            action=f"{said.action.partition('.')[0]}.refused",
            words=f"refused: {refusal.words}",
            evidence={"code": refusal.code, "said": said.id},
        )
        await audited(promotion, refused)
        raise


async def audited(promotion: str, record: AuditRecord) -> None:
    """Keep what a person said. The trigger keeps words; orchestrators keep deeds."""
    await asyncio.to_thread(AuditLog().append, promotion, record)


async def decide(client: Client, promotion: str, operation: str, given: dict[str, Any]) -> dict[str, Any] | None:
    """Signal the decision and read its answer back for up to 2 s; None when it does not show by then.

    The waiters are nudged in either case: the change is made, or will be, before they ask.
    """
    entity = df.EntityId("decisions", decisions_key(promotion))
    await client.signal_entity(entity, operation, given)
    deadline = time.monotonic() + READ_BACK_S
    state: dict[str, Any] = {}
    while True:
        found = await client.read_entity_state(entity)
        state = found.entity_state or {} if found.entity_exists else {}
        verdict: dict[str, Any] | None = state.get("answers", {}).get(given["command"])
        if verdict is not None or time.monotonic() > deadline:
            break
        await asyncio.sleep(READ_BACK_EVERY_S)
    if verdict is not None and verdict["said"] != said_of(operation, given):
        return REUSED
    await nudge(client, state.get("waiters", []))
    return verdict


async def nudge(client: Client, waiters: list[str]) -> None:
    """Wake waiters; one that has ended needs none."""
    for waiter in dict.fromkeys(waiters):
        try:
            await client.raise_event(waiter, "nudge", {"why": "a decision"})
        except Exception as error:
            if "404" not in str(error) and "410" not in str(error) and "nstance" not in str(error):
                raise


def as_response(verdict: dict[str, Any] | None, promotion: str) -> func.HttpResponse:
    """200 with the answer, 202 when it does not show yet. Raises Refused or Forbidden for a refusal."""
    if verdict is None:
        url = f"/api/promotions/{promotion}"
        return answer({"words": "taken; the answer will show in the promotion's status"}, 202, {"Location": url})
    if verdict["status"] == 403:
        raise Forbidden(verdict["code"], verdict["words"])
    if verdict["status"] != 200:
        raise Refused(verdict["code"], verdict["words"])
    return answer({key: value for key, value in verdict.items() if key not in ("status", "nudge", "said")})
