"""The OpenID issuer that people log in to, and the managed-identity endpoint that apps ask."""

import hmac
from collections.abc import Mapping

from aiohttp import web

from slipway.local.azure.config import People
from slipway.local.azure.tokens import LIFETIME_S, RESOURCE_LIFETIME_S, Tokens


class OpenIdIssuer:
    """Discovery, keys and a token endpoint that asks for no passwords, no secrets: it is a laptop. People come by the
    password grant, applications by client credentials."""

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
                "grant_types_supported": ["password", "client_credentials"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._tokens.jwks())

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        grant = form.get("grant_type")
        if grant not in ("password", "client_credentials"):
            return _refused("unsupported_grant_type", "grant_type is password or client_credentials here")
        client = form.get("client_id")
        if not isinstance(client, str) or not client:
            return _refused("invalid_request", "client_id is missing")
        if grant == "client_credentials":
            return self._for_application(client, str(form.get("scope", "")))
        person = self._people.named(str(form.get("username", "")))
        if person is None:
            return _refused("invalid_grant", "nobody of that name is known here")
        return _granted(self._tokens.for_person(person, client))

    def _for_application(self, client: str, scope: str) -> web.Response:
        application, (resource, default, more) = self._people.application(client), scope.partition("/.default")
        if application is None:
            return _refused("unauthorized_client", "no application of that id is known here")
        if not resource or not default or more:
            return _refused("invalid_scope", "the scope of client credentials is a resource and /.default")
        return _granted(self._tokens.for_application(application, resource))


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


def _granted(token: str) -> web.Response:
    return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S})


def _refused(error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=400)
