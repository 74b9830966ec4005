"""A small HTTP server that answers what a test says, on a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Reply = tuple[int, Any]


@dataclass
class ApiServer:
    """`replies` holds for each "METHOD /path" the answers in turn; the last one stays. `heard` is what was asked.
    `date` is what its answers say of the time, where that is not the machine's."""

    url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    heard: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    date: str = ""

    def on(self, request: str, *replies: Reply) -> None:
        self.replies[request] = list(replies)

    async def answer(self, request: web.Request) -> web.Response:
        answer = await self._answered(request)
        if self.date:
            answer.headers["Date"] = self.date
        return answer

    async def _answered(self, request: web.Request) -> web.Response:
        asked = f"{request.method} {request.raw_path.partition('?')[0]}"
        form = request.content_type == "application/x-www-form-urlencoded"
        body = dict(await request.post()) if form else (await request.json() if request.can_read_body else None)
        self.heard.append((asked, dict(request.query), body))
        self.headers.append(dict(request.headers))
        if asked not in self.replies:
            return web.Response(status=404, text="no such page")
        waiting = self.replies[asked]
        status, document = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(document, str):
            return web.Response(status=status, text=document)
        kind = "application/json" if status < 400 else "application/problem+json"
        return web.json_response(document, status=status, content_type=kind)


@contextmanager
def serving() -> Iterator[ApiServer]:
    """The server, on a free port of this machine, until the block ends."""
    server, loop = ApiServer(), asyncio.new_event_loop()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.answer)
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(runner.cleanup())
        loop.close()
