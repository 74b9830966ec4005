"""The OpenID issuer that people log in to, and the managed-identity endpoint that apps ask."""

import hmac
from collections.abc import Mapping

from aiohttp import web

from slipway.local.azure.config import People
from slipway.local.azure.tokens import LIFETIME_S, RESOURCE_LIFETIME_S, Tokens


class OpenIdIssuer:
    """Discovery, keys and a token endpoint with the password grant, and no passwords: it is a laptop."""

    def __init__(self, tokens: Tokens, people: People) -> None:
        self._tokens = tokens
        self._people = people

    def routes(self) -> list[web.RouteDef]:
        tenant = f"/{self._people.tenant}"
        return [
            web.get(f"{tenant}/v2.0/.well-known/openid-configuration", self.discovery),
            web.get(f"{tenant}/discovery/v2.0/keys", self.keys),
            web.post(f"{tenant}/oauth2/v2.0/token", self.token),
            # The issuer's address and the same path, for clients that build it instead of discovering it.
            web.post(f"{tenant}/v2.0/oauth2/v2.0/token", self.token),
        ]

    async def discovery(self, _: web.Request) -> web.Response:
        issuer = self._tokens.issuer
        return web.json_response(
            {
                "issuer": issuer.issuer,
                "token_endpoint": issuer.token_endpoint,
                "jwks_uri": issuer.jwks,
                "grant_types_supported": ["password"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._tokens.jwks())

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "password":
            return _refused("unsupported_grant_type", "only grant_type=password is served here")
        client = form.get("client_id")
        if not isinstance(client, str) or not client:
            return _refused("invalid_request", "client_id is missing")
        person = self._people.named(str(form.get("username", "")))
        if person is None:
            return _refused("invalid_grant", "nobody of that name is known here")
        return web.json_response(
            {
                "access_token": self._tokens.for_person(person, client),
                "token_type": "Bearer",
                "expires_in": LIFETIME_S,
            }
        )


class ManagedIdentity:
    """App Service's identity endpoint (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`), api-version 2019-08-01. `headers`: by
    whose identity it is, the secret that it is asked for with."""

    PATH = "/msi/token"

    def __init__(self, tokens: Tokens, headers: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._headers = headers

    def routes(self) -> list[web.RouteDef]:
        return [web.get(self.PATH, self.token)]

    async def token(self, request: web.Request) -> web.Response:
        shown = request.headers.get("X-IDENTITY-HEADER", "")
        known = (whose for whose, each in self._headers.items() if hmac.compare_digest(shown.encode(), each.encode()))
        if (whose := next(known, None)) is None:
            return web.json_response(
                {"statusCode": 401, "message": "X-IDENTITY-HEADER is missing or wrong"}, status=401
            )
        resource = request.query.get("resource", "")
        if not resource:
            return web.json_response({"statusCode": 400, "message": "resource is missing"}, status=400)
        token, expires_on = self._tokens.for_resource(resource, whose)
        return web.json_response(
            {
                "access_token": token,
                "expires_on": str(expires_on),
                "expires_in": str(RESOURCE_LIFETIME_S),
                "resource": resource,
                "token_type": "Bearer",
            }
        )


def _refused(error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=400)
