"""The API server of a cluster: what Kubernetes answers to GET, merge patches and applies, for a token of Entra ID."""

import json

from aiohttp import web

from slipway.local.azure.aks.api import AKS_SERVER
from slipway.local.azure.aks.documents import NAMESPACED, Documents, NotThere
from slipway.local.azure.aks.patches import Conflict, Patches
from slipway.local.azure.aks.store import Key
from slipway.local.azure.tokens import TokenRefused, Tokens


class KubernetesApi:
    def __init__(self, cluster: str, documents: Documents, patches: Patches, tokens: Tokens) -> None:
        self._cluster = cluster
        self._documents = documents
        self._patches = patches
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/{tail:api.*}", self.answer), web.patch("/{tail:api.*}", self.answer)]

    async def answer(self, request: web.Request) -> web.Response:
        try:
            self._tokens.check(request.headers.get("Authorization"), AKS_SERVER)
            if request.method == "PATCH":
                await self._patch(request)
            found = await self._documents.at(self._cluster, request.path_qs)
        except TokenRefused:
            return _refused(401, "Unauthorized", "Unauthorized")
        except NotThere as missing:
            return _refused(404, "NotFound", str(missing))
        except Conflict as conflict:
            return _refused(409, "Conflict", str(conflict))
        except ValueError as error:
            return _refused(400, "BadRequest", str(error))
        return web.Response(text=found) if isinstance(found, str) else web.json_response(found)

    async def _patch(self, request: web.Request) -> None:
        named = NAMESPACED.fullmatch(request.path)
        kind, _, name = named["rest"].partition("/") if named else ("", "", "")
        key = Key(self._cluster, named["namespace"] if named else "", name)
        change = json.loads(await request.text())
        match request.content_type:
            case "application/merge-patch+json":
                await self._patches.apply(kind, key, change)
            case "application/apply-patch+yaml" if request.query.get("fieldManager"):
                self._patches.applied(kind, key, change)
            case other:
                raise ValueError(f"{other} is no patch that is known here")


def _refused(status: int, reason: str, message: str) -> web.Response:
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
    return web.json_response({**told, "code": status}, status=status)
