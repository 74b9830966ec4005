"""`GET /api/health`: whether Slipway itself can do its work. Open to everyone, says nothing secret."""

import asyncio
import logging
from collections.abc import Callable

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.packages import newest_package
from slipway.adapters.pipelines import PipelineFolder
from slipway.adapters.rows import Rows
from slipway.settings import settings
from triggers.http import answer, api
from triggers.version import app_version, orchestrations_version

bp = df.Blueprint()

_log = logging.getLogger("slipway.health")


@bp.route(route="api/health", methods=["GET"])
@api(answers={200: "Health", 503: "Health"})
async def get_health(req: func.HttpRequest) -> func.HttpResponse:
    """200 when every check is `ok`, else 503 with what is wrong, check by check."""
    names = list(CHECKS)
    results = await asyncio.gather(*(asyncio.to_thread(_checked, name) for name in names))
    checks = dict(zip(names, results, strict=True))
    well = all(result == "ok" for result in results)
    status = "ok" if well else "ill"
    return answer({"status": status, "checks": checks, "version": app_version()}, 200 if well else 503)


def _tables() -> str:
    Rows("promotions").get("health", "health")
    return "ok"


def _pipelines() -> str:
    return "ok" if any(PipelineFolder(settings().pipelines).all()) else "no pipeline was found"


def _authentication() -> str:
    return "ok" if settings().auth_enabled else "the platform's authentication is off: every request is refused"


def _package() -> str:
    own = orchestrations_version()
    newest = newest_package(own)
    if newest == own:
        return "ok"
    return (
        f"orchestrations of {newest} wait: this package runs those up to {own}; "
        f"deploy one that runs {newest} (docs/upgrade.md)"
    )


CHECKS: dict[str, Callable[[], str]] = {
    "tables": _tables,
    "pipelines": _pipelines,
    "authentication": _authentication,
    "package": _package,
}


def _checked(name: str) -> str:
    try:
        return CHECKS[name]()
    except Exception as error:  # noqa: BLE001 - a health check reports whatever is wrong
        _log.warning("health check %s: %s", name, error)
        return f"{type(error).__name__}"
