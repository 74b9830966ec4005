"""What both hosts have in common: bearer tokens, JSON bodies, and refusals with a `message`."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Refused(Exception):
    """The request, with the status that answers it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def refused_as(key: str, handler: Handler) -> Handler:
    """`handler` for whoever shows a bearer token; what it refuses is answered as a JSON object with that key."""

    async def guarded(request: web.Request) -> web.Response:
        try:
            if not request.headers.get("Authorization", "").lower().startswith("bearer "):
                raise Refused(401, "Requires authentication")
            return await handler(request)
        except Refused as refused:
            return web.json_response({key: str(refused)}, status=refused.status)

    return guarded


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
    if not isinstance(body, dict):
        raise Refused(422, "the body must be an object")
    return body


def required(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(422, f"{name} is missing")
    return value
