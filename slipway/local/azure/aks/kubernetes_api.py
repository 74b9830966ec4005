"""The API server of a cluster: what Kubernetes answers to GET, for a token of Entra ID."""

from aiohttp import web

from slipway.local.azure.aks.api import AKS_SERVER
from slipway.local.azure.aks.documents import Documents, NotThere
from slipway.local.azure.tokens import TokenRefused, Tokens


class KubernetesApi:
    def __init__(self, cluster: str, documents: Documents, tokens: Tokens) -> None:
        self._cluster = cluster
        self._documents = documents
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/{tail:api.*}", self.read)]

    async def read(self, request: web.Request) -> web.Response:
        try:
            self._tokens.check(request.headers.get("Authorization"), AKS_SERVER)
            found = await self._documents.at(self._cluster, request.path_qs)
        except TokenRefused:
            return _refused(401, "Unauthorized", "Unauthorized")
        except NotThere as missing:
            return _refused(404, "NotFound", str(missing))
        return web.Response(text=found) if isinstance(found, str) else web.json_response(found)


def _refused(status: int, reason: str, message: str) -> web.Response:
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
    return web.json_response({**told, "code": status}, status=status)
