"""`GET /api/environments…`: what is live where, what is on its way, and who waits."""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.clock import now
from slipway.adapters.pipelines import PipelineFolder
from slipway.adapters.read_model import environment_row, environment_rows, newest_releases
from slipway.promotion.approval import Person
from slipway.promotion.ids import is_name
from slipway.promotion.outcomes import iso
from slipway.promotion.views import environment_service, environments, release
from slipway.settings import settings
from triggers.http import NotFound, answer, api, query_of
from triggers.identity import READERS, may_read
from triggers.known_places import require_known
from triggers.places import check_reading

bp = df.Blueprint()


@bp.route(route="api/environments", methods=["GET"])
@api(*READERS, place="the service; others are left out", answers={200: "Environments"})
async def get_environments(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Every environment with its services."""
    rows = [each for each in await asyncio.to_thread(environment_rows) if may_read(person, each[1])]
    order = await asyncio.to_thread(_order)
    return answer({"environments": environments(rows, order, iso(now()))})


@bp.route(route="api/environments/{environment}/services/{service}", methods=["GET"])
@api(
    *READERS,
    place="the service",
    answers={200: "ServiceInEnvironment"},
    query="ReleasesQuery",
    refuses={404: ("UNKNOWN_SERVICE", "UNKNOWN_ENVIRONMENT")},
)
async def get_environment_service(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """One service in one environment, and its ledger: every release that was live there, newest first."""
    from triggers.bodies import ReleasesQuery

    query = query_of(req, ReleasesQuery)
    environment, service = req.route_params["environment"], req.route_params["service"]
    check_reading(person, service)
    known = is_name(environment) and is_name(service)
    row = await asyncio.to_thread(environment_row, environment, service) if known else None
    if row is None:
        if known:
            await asyncio.to_thread(require_known, environment, service)
        raise NotFound("UNKNOWN_ENVIRONMENT", f"nothing of {service} has been promoted to {environment}")
    of_a_group = bool(row["live"] and (row["live"].get("group") or row["live"].get("members")))
    rows = await asyncio.to_thread(environment_rows, environment) if of_a_group else []
    beside = {name: state for _, name, state in rows}
    found, after = await asyncio.to_thread(newest_releases, environment, service, query.top, query.after)
    ledger = {"releases": [release(each) for each in found], "after": after}
    return answer({"environment": environment, **environment_service(service, row, iso(now()), beside), **ledger})


def _order() -> list[str]:
    """Environments in the order in which the pipelines' stages come."""
    from slipway.promotion.pipeline import compile_plan, read_pipeline

    found = PipelineFolder(settings().pipelines).all().values()
    plans = [compile_plan(read_pipeline(each.text, each.file), each.digest) for each in found]
    return list(dict.fromkeys(stage.environment for plan in plans for stage in plan.stages))
