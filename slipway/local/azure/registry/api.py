"""The data plane of container registries: a challenge, tokens of their own, and manifests (OCI distribution 1.1).

`https://localhost/registry/{host}` stands for `https://{host}`. An Entra token for registries is changed into a
refresh token, that into one for a scope, and only this opens a manifest.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from slipway.local.azure.registry.images import MANIFEST, Images, ImageUnknown
from slipway.local.azure.tokens import TokenRefused, Tokens

REGISTRIES = ("https://containerregistry.azure.net",)
AZURES = ".azurecr.io"
PATH = "/registry/{host}"


class RegistryApi:
    def __init__(self, images: Images, tokens: Tokens) -> None:
        self._images = images
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{PATH}/v2/{{name:.+}}/manifests/{{reference}}", self.manifest),
            web.post(f"{PATH}/oauth2/exchange", self.exchange),
            web.post(f"{PATH}/oauth2/token", self.token),
        ]

    async def exchange(self, request: web.Request) -> web.Response:
        """An Entra token for a refresh token of the registry."""
        form, host = await request.post(), request.match_info["host"]
        if form.get("grant_type") != "access_token" or form.get("service") != host:
            return _error(400, "INVALID_REQUEST", "grant_type and service are not as they should be")
        try:
            self._tokens.check(_bearer(form, "access_token"), REGISTRIES)
        except TokenRefused as refusal:
            return _error(401, "UNAUTHORIZED", str(refusal))
        return web.json_response({"refresh_token": self._tokens.for_resource(refreshing(host))[0]})

    async def token(self, request: web.Request) -> web.Response:
        """A refresh token for one of a scope."""
        form, host = await request.post(), request.match_info["host"]
        try:
            self._tokens.check(_bearer(form, "refresh_token"), (refreshing(host),))
        except TokenRefused as refusal:
            return _error(401, "UNAUTHORIZED", str(refusal))
        asked: Mapping[str, Any] = form
        audience = f"registry/{host}/{asked.get('scope')}"
        return web.json_response({"access_token": self._tokens.for_resource(audience)[0]})

    async def manifest(self, request: web.Request) -> web.Response:
        host, name, reference = (request.match_info[part] for part in ("host", "name", "reference"))
        scope = f"repository:{name}:pull"
        try:
            self._tokens.check(request.headers.get("Authorization"), (f"registry/{host}/{scope}",))
        except TokenRefused as refusal:
            realm = f"{self._tokens.issuer.base}/registry/{host}/oauth2/token"
            challenge = f'Bearer realm="{realm}",service="{host}",scope="{scope}"'
            return _error(401, "UNAUTHORIZED", str(refusal), {"WWW-Authenticate": challenge})
        try:
            found = self._images.manifest(f"{host}/{name}", reference)
        except ImageUnknown as unknown:
            return _error(404, "MANIFEST_UNKNOWN", f"manifest {unknown} is not known")
        headers = {"Docker-Content-Digest": found.digest, "Content-Type": MANIFEST}
        return web.Response(body=found.body, headers=headers)


def _bearer(form: Mapping[str, Any], name: str) -> str:
    return f"Bearer {form[name]}" if name in form else ""


def refreshing(host: str) -> str:
    """The audience of a registry's refresh tokens."""
    return f"registry/{host}/refresh"


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"errors": [{"code": code, "message": message, "detail": None}]}
    return web.json_response(body, status=status, headers=headers)
