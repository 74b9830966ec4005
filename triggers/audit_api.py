"""`GET /api/audit/chains`, `GET /api/audit/chain`: the whole audit trail, for whoever takes it away to verify it."""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.audit_reading import AuditReading
from slipway.adapters.clock import now
from slipway.promotion.approval import Person
from slipway.promotion.outcomes import iso
from triggers.http import answer, api, query_of

bp = df.Blueprint()

PART = 2 * 1024 * 1024  # bytes of a chain in one answer


@bp.route(route="api/audit/chains", methods=["GET"])
@api("auditor", answers={200: "ChainPage"}, query="ChainsQuery")
async def get_chains(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Every chain of the audit trail by name, those of its checkpoints among them; `after` goes on there."""
    from triggers.bodies import ChainsQuery

    asked, at = query_of(req, ChainsQuery), now()
    seen, after = await asyncio.to_thread(AuditReading().page, asked.top, asked.after)
    chains = [{"name": each.name, "size": each.size, "grew_at": iso(each.grew_at)} for each in seen]
    return answer({"chains": chains, "after": after, "at": iso(at)})


@bp.route(route="api/audit/chain", methods=["GET"])
@api("auditor", answers={200: "ChainPart"}, query="ChainQuery")
async def get_chain(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """A part of one chain, byte for byte as it is stored. `next` is where the next one begins, null at the end."""
    from triggers.bodies import ChainQuery

    asked = query_of(req, ChainQuery)
    part, size = await asyncio.to_thread(AuditReading().part, asked.name, asked.offset, PART)
    goes_on = asked.offset + len(part)
    return answer({"text": part.decode("latin-1"), "next": goes_on if part and goes_on < size else None, "size": size})
