"""Passing a request on to a worker, and its answer back."""

from typing import NamedTuple
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from slipway.local.azure.door import Unanswered
from slipway.local.azure.process import Worker

# RFC 9110 §7.6.1: these belong to one connection. The last two are this server's to answer and the next one's to set.
NOT_PASSED_ON = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
        b"content-length",
    }
)
CPU_SO_FAR = b"x-cpu-s"
FEATURE = b"x-feature"  # what the application tells of a flag that it asked for this request
USER = "x-user"


class Passed(NamedTuple):
    """The answer, what the worker's process has used of the CPU so far, in seconds, and what its telemetry says: the
    user, and the flags that it asked for them, as `name;variant;on`."""

    response: web.Response
    cpu_s_so_far: float | None
    user: str = ""
    features: tuple[str, ...] = ()


async def pass_on(request: web.BaseRequest, worker: Worker) -> Passed:
    """Ask the worker, which must be up; 502 when it dies over it."""
    assert worker.door is not None
    with worker.busy():
        body = await request.read() if request.body_exists else b""
        door = worker.door
        if door is None:  # it died while the body came
            return _dropped()
        try:
            reply = await door.ask(request.method, head_of(request, len(body)), body)
        except Unanswered:
            return _dropped()
    headers, cpu_s_so_far, features = CIMultiDict[str](), None, list[str]()
    for name, value in reply.headers:
        if (lower := name.lower()) == CPU_SO_FAR:
            cpu_s_so_far = float(value)
        elif lower == FEATURE:
            features.append(value.decode("latin-1"))
        elif lower not in NOT_PASSED_ON:
            headers.add(name.decode("latin-1"), value.decode("latin-1"))
    response = web.Response(status=reply.status, reason=reply.reason, headers=headers, body=reply.body)
    user = request.headers.get(USER) or (unquote(request.cookies.get(USER, "")) if "Cookie" in request.headers else "")
    return Passed(response, cpu_s_so_far, user, tuple(features))


def head_of(request: web.BaseRequest, length: int) -> bytes:
    """The head with which a request is passed on, whose body has that length."""
    lines = [f"{request.method} {request.raw_path} HTTP/1.1".encode("latin-1")]
    lines += [name + b": " + value for name, value in request.raw_headers if name.lower() not in NOT_PASSED_ON]
    if length:
        lines.append(b"Content-Length: %d" % length)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _dropped() -> Passed:
    return Passed(web.Response(status=502, text="502 Bad Gateway: the app dropped the connection"), None)
