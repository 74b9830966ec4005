"""`GET /api/promotions…`: lists, one promotion with its live instances, its audit."""

import asyncio
import json
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.clock import now
from slipway.adapters.read_model import newest_promotions, promotion_rows
from slipway.promotion.approval import Person
from slipway.promotion.audit import verify
from slipway.promotion.ids import stage_id
from slipway.promotion.may_promote import may_promote
from slipway.promotion.orchestration_version import began_before
from slipway.promotion.outcomes import iso
from slipway.promotion.views import ENDS, cases, detail, open_stages, summary
from triggers.deciding import rows_of
from triggers.entities_read import decisions_of, locks_of, member_locks_of
from triggers.http import answer, api, query_of
from triggers.identity import READERS, may_read, require_for_service
from triggers.places import check_outcome, check_reading, service_of
from triggers.version import orchestrations_version

bp = df.Blueprint()

LOOKED_AT = 500
UNKNOWN = {404: ("UNKNOWN_PROMOTION",)}


@bp.route(route="api/promotions", methods=["GET"])
@api(*READERS, place="the service; others are left out", answers={200: "PromotionPage"}, query="PromotionsQuery")
async def get_promotions(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Promotions, newest first.

    A page has `top` of them while there are more. Where few are in that `state`, it ends after 500 that were looked
    at; `after` goes on there.
    """
    from triggers.bodies import PromotionsQuery

    query = query_of(req, PromotionsQuery)
    listed: list[dict[str, Any]] = []
    after, looked_at = query.after, 0
    while True:
        size = min(query.top, LOOKED_AT - looked_at)
        places = await asyncio.to_thread(newest_promotions, query.service, after, size + 1)
        found = await asyncio.gather(*(asyncio.to_thread(promotion_rows, id) for id, _ in places[:size]))
        for (id, place), rows in zip(places[:size], found, strict=True):
            if len(listed) == query.top:
                return answer({"promotions": listed, "after": after})
            after = place
            shown = summary(rows) if "promotion" in rows and may_read(person, service_of(id)) else None
            if shown and query.state in (None, shown["state"]):
                listed.append(shown)
        looked_at += size
        if len(places) <= size:
            return answer({"promotions": listed, "after": None})
        if len(listed) == query.top or looked_at >= LOOKED_AT:
            return answer({"promotions": listed, "after": after})


@bp.route(route="api/promotions/{id}", methods=["GET"])
@bp.durable_client_input(client_name="client")
@api(
    *READERS,
    "submitter",
    place="the service; a submitter reads what it submitted",
    answers={200: "PromotionShown"},
    refuses=UNKNOWN,
)
async def get_promotion(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, person: Person
) -> func.HttpResponse:
    """The promotion's rows, its decisions, and the runtime status of each of its live instances.

    Each stage that is not over says whether the build may go there now, with every reason.
    """
    promotion = req.route_params["id"]
    require_for_service(person, service_of(promotion), *READERS, "submitter")
    rows = await rows_of(promotion)
    check_outcome(person, promotion, rows)
    decisions = await decisions_of(client, promotion)
    instances = [promotion] + [
        stage["instance"] if stage else stage_id(promotion, name)
        for name, stage in ((each["name"], rows.get(f"stage:{each['name']}")) for each in _plan(rows))
    ]
    stages = open_stages(rows, decisions)
    locks, members, *statuses = await asyncio.gather(
        locks_of(client, (stage.environment for stage in stages), rows["intake"]["service"]),
        member_locks_of(client, stages),
        *(_runtime(client, instance) for instance in instances),
    )
    runtimes = dict(zip(instances, statuses, strict=True))
    suspended = [instance for instance, runtime in runtimes.items() if runtime == "Suspended"]
    found = cases(rows, decisions, locks, iso(now()), suspended, members)
    may = {case.stage.name: may_promote(case) for case in found}
    shown = detail(promotion, rows, decisions, runtimes, may)
    return answer({**shown, "waits_for_package": _newer_package(rows, shown["state"])})


@bp.route(route="api/promotions/{id}/audit", methods=["GET"])
@api(*READERS, place="the service", answers={200: "AuditChain"}, refuses=UNKNOWN)
async def get_audit(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Every audit record of the promotion in order, and whether the chain of hashes is whole."""
    promotion = req.route_params["id"]
    check_reading(person, service_of(promotion))
    await rows_of(promotion)
    lines = await asyncio.to_thread(AuditLog().lines, promotion)
    return answer({"records": [json.loads(line) for line in lines], "intact": verify(lines) is None})


async def _runtime(client: df.DurableOrchestrationClient, instance: str) -> str | None:
    status = await client.get_status(instance)
    return status.runtime_status.value if status and status.runtime_status else None


def _newer_package(rows: dict[str, dict[str, Any]], state: str) -> str:
    """The version of the orchestrations that the promotion began as, if this package is too old to run them."""
    package: str = rows["intake"].get("package", "")
    return package if package and state not in ENDS and began_before(orchestrations_version(), package) else ""


def _plan(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    plan: list[dict[str, Any]] = rows.get("promotion", {}).get("plan", [])
    return plan
