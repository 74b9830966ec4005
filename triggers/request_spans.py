"""The span of a request to the API: below the host's own, which has the platform's view of it."""

from contextlib import AbstractContextManager
from typing import Any

import azure.functions as func

from slipway.adapters.insights import Kind, Span, span
from slipway.promotion.trace import well_formed

OUR_FAULT = 500


def request_span(
    req: func.HttpRequest, name: str, path: str, context: func.Context | None
) -> AbstractContextManager[Span]:
    """Of the request to `path` that the function `name` answers; `context` is the host's, where there is one."""
    told: Any = getattr(context, "trace_context", None)
    parent = well_formed(getattr(told, "trace_parent", "")) or well_formed(req.headers.get("traceparent"))
    method = str(req.method)
    about = {"http.request.method": method, "url.full": f"https://{req.headers.get('host', 'slipway')}{path}"}
    if path.startswith("/api/promotions/"):
        about["promotion"] = str(req.route_params.get("id", ""))
    return span(name, Kind.REQUEST, parent, **about)


def answered(seen: Span, req: func.HttpRequest, status: int) -> None:
    """How it was answered. A read that was answered is no row: boards and commands read every second."""
    seen.tell(**{"http.response.status_code": status})
    if status >= OUR_FAULT:
        seen.failed(f"HTTP {status}")
    elif req.method in ("GET", "HEAD"):
        seen.forget()
