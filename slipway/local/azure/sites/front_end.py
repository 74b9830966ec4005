"""The front end of a slot: a reverse proxy on the slot's fixed port, whatever runs behind it."""

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from slipway.local.azure.sites.plant import Plant
from slipway.local.azure.sites.store import SiteStore, SlotName

# RFC 9110 §7.6.1: these belong to one connection. The last two are this server's to answer and the next one's to set.
NOT_PASSED_ON = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "content-length",
    }
)

STOPPED = "<html><body><h1>Error 403 - This web app is stopped.</h1></body></html>"
UNAVAILABLE = "<html><body><h1>503 Service Unavailable</h1></body></html>"


class FrontEnd:
    def __init__(self, name: SlotName, store: SiteStore, plant: Plant, http: aiohttp.ClientSession) -> None:
        self._name = name
        self._store = store
        self._plant = plant
        self._http = http

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Passes the request on and adds nothing: the app itself says which version it is."""
        worker = self._plant.worker(self._name)
        if worker is None or worker.port is None:
            if self._store.slot(self._name).state == "Stopped":
                return web.Response(status=403, text=STOPPED, content_type="text/html")
            return web.Response(status=503, text=UNAVAILABLE, content_type="text/html")
        with worker.busy():
            body = await request.read() if request.body_exists else None
            url = URL(f"http://127.0.0.1:{worker.port}{request.raw_path}", encoded=True)
            try:
                async with self._http.request(
                    request.method,
                    url,
                    headers=_end_to_end(request.headers),
                    data=body,
                    allow_redirects=False,
                ) as answer:
                    # Read whole: the answers of a laptop's apps are small, and a short copy is twice as fast.
                    return web.Response(
                        status=answer.status,
                        reason=answer.reason,
                        headers=_end_to_end(answer.headers),
                        body=await answer.read(),
                    )
            except aiohttp.ClientError:
                return web.Response(status=502, text="502 Bad Gateway: the app dropped the connection")


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in NOT_PASSED_ON)
