"""`GET /api/openapi.json`: the HTTP API described by itself."""

import azure.durable_functions as df
import azure.functions as func

from triggers.http import answer, api

bp = df.Blueprint()


@bp.route(route="api/openapi.json", methods=["GET"])
@api(answers={200: "OpenApi"})
async def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    """This document."""
    from triggers.openapi import document

    return answer(document())
