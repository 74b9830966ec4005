"""An HTTP request as the datum of an httpTrigger, and the datum of an http output as an HTTP answer."""

from collections.abc import Mapping

from aiohttp import web
from azure.functions.meta import Datum
from multidict import CIMultiDict, MultiMapping

from slipway.local.functions.context import TraceContext

OF_THE_SERVER = ("content-length", "transfer-encoding")  # it knows better than the function


async def request_datum(request: web.Request, route_values: Mapping[str, str], headers: Mapping[str, str]) -> Datum:
    """All that `func.HttpRequest` shows; `headers` are the ones that the app may see."""
    return Datum(
        {
            "method": _text(request.method),
            "url": _text(str(request.url)),
            "headers": {name: _text(value) for name, value in headers.items()},
            "query": {name: _text(value) for name, value in joined(request.query).items()},
            "params": {name: _text(value) for name, value in route_values.items()},
            "body": Datum(await request.read(), "bytes"),
        },
        "http",
    )


def trace_of(request: web.Request) -> TraceContext:
    return TraceContext(request.headers.get("traceparent", ""), request.headers.get("tracestate", ""))


def joined(values: MultiMapping[str]) -> dict[str, str]:
    """Repeated names become one value with commas, as the Functions host sends them to its worker."""
    return {name: ",".join(values.getall(name)) for name in values}


def response(datum: Datum | None) -> web.Response:
    """The answer: 204 when the function set none, text/plain for a string."""
    if datum is None:
        return web.Response(status=204)
    if datum.type != "http":
        return web.Response(text=datum.value)
    answer = datum.value
    headers = CIMultiDict(
        (name, value.value) for name, value in answer["headers"].items() if name.lower() not in OF_THE_SERVER
    )
    for cookie in answer["cookies"] or ():
        headers.extend(("Set-Cookie", morsel.OutputString()) for morsel in cookie.values())
    return web.Response(status=int(answer["status_code"].value), headers=headers, body=answer["body"].value)


def _text(value: str) -> Datum:
    return Datum(value, "string")
