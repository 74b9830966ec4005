"""Key Vault's REST for secrets (api-version 7.x, 2025-07-01 and later, which differ in nothing that is here).

The vault is at the server's root, because a secret's id has no room for a prefix. As in Azure a request without
a token hears where to get one, and expired secrets are handed out all the same.
"""

import re
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.clock import Now
from slipway.local.azure.tokens import Issuer, TokenRefused, Tokens
from slipway.local.azure.vault.store import Secret, VaultStore

AUDIENCE = "https://vault.azure.net"
NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
RECOVERABLE_DAYS = 90
LARGEST_BODY = 64 * 1024

Model = TypeVar("Model", bound=BaseModel)


class VaultRefused(Exception):
    """`inner` is the code that says more than `code` does."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"error": {"code": code, "message": message}}
        if inner:
            self.body["error"]["innererror"] = {"code": inner}


class Attributes(BaseModel):
    """Moments are epoch seconds."""

    model_config = ConfigDict(extra="ignore")
    enabled: bool = True
    nbf: int | None = None
    exp: int | None = None


class SetSecret(BaseModel):
    value: str = Field(max_length=25_000)
    attributes: Attributes = Attributes()
    content_type: str | None = Field(default=None, alias="contentType")
    tags: dict[str, str] = {}


class ChangeSecret(BaseModel):
    attributes: Attributes | None = None
    content_type: str | None = Field(default=None, alias="contentType")
    tags: dict[str, str] | None = None


class VaultApi:
    """`now` is the clock."""

    def __init__(self, store: VaultStore, tokens: Tokens, now: Now) -> None:
        self._store = store
        self._clock = now
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        """What is not here is answered 501, as everything that the stand-in lacks."""
        return [
            web.route("*", "/secrets/{name}", self.handle),
            web.route("*", "/secrets/{name}/{version:[^/]*}", self.handle),
        ]

    async def handle(self, request: web.Request) -> web.Response:
        try:
            self._tokens.check(request.headers.get("Authorization"), (AUDIENCE,))
            return await self._route(request)
        except TokenRefused as refusal:
            return missing_token(self._tokens.issuer, refusal)
        except VaultRefused as refusal:
            return web.json_response(refusal.body, status=refusal.status)

    async def _route(self, request: web.Request) -> web.Response:
        name, version = request.match_info["name"], request.match_info.get("version", "")
        if not NAME.fullmatch(name):
            raise VaultRefused(400, "BadParameter", "The name of a secret is 1-127 letters, digits and hyphens.")
        match request.method:
            case "GET":
                return self._answer(self._usable(name, version))
            case "PUT" if not version:
                return await self._set(name, request)
            case "PATCH":
                return await self._change(name, version, request)
            case "DELETE" if not version:
                return self._delete(name)
        raise VaultRefused(501, "NotImplemented", f"{request.method} {request.path} is not in this stand-in.")

    def _usable(self, name: str, version: str) -> Secret:
        secret = self._there(name, version)
        if not secret.enabled:
            message = "Operation get is not allowed on a disabled secret."
            raise VaultRefused(403, "Forbidden", message, "SecretDisabled")
        return secret

    def _there(self, name: str, version: str) -> Secret:
        secret = self._store.get(name, version)
        if secret is None or secret.deleted_at is not None:
            shown = f"{name}/{version}".rstrip("/")
            message = (
                f"A secret with (name/id) {shown} was not found in this key vault. If you recently deleted this "
                "secret you may be able to recover it using the correct recovery command."
            )
            raise VaultRefused(404, "SecretNotFound", message)
        return secret

    async def _set(self, name: str, request: web.Request) -> web.Response:
        asked = await _body(request, SetSecret)
        before = self._store.get(name)
        if before is not None and before.deleted_at is not None:
            message = f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused."
            raise VaultRefused(409, "Conflict", message, "ObjectIsDeletedButRecoverable")
        attributes = asked.attributes
        secret = self._store.add(
            name,
            asked.value,
            self._now(),
            enabled=attributes.enabled,
            not_before=attributes.nbf,
            expires_on=attributes.exp,
            content_type=asked.content_type,
            tags=asked.tags,
        )
        return self._answer(secret)

    async def _change(self, name: str, version: str, request: web.Request) -> web.Response:
        secret, asked = self._there(name, version), await _body(request, ChangeSecret)
        changes: dict[str, Any] = {}
        if asked.attributes is not None:
            given = asked.attributes.model_dump(exclude_unset=True)
            names = {"enabled": "enabled", "nbf": "not_before", "exp": "expires_on"}
            changes = {names[key]: value for key, value in given.items()}
        if asked.tags is not None:
            changes["tags"] = asked.tags
        if asked.content_type is not None:
            changes["content_type"] = asked.content_type
        return self._answer(self._store.change(secret, self._now(), **changes), with_value=False)

    def _delete(self, name: str) -> web.Response:
        secret, now = self._there(name, ""), self._now()
        self._store.delete(name, now)
        body = self._bundle(secret, with_value=False)
        body |= {"recoveryId": f"{self._tokens.issuer.base}/deletedsecrets/{name}", "deletedDate": now}
        return web.json_response(body | {"scheduledPurgeDate": now + RECOVERABLE_DAYS * 86_400})

    def _now(self) -> int:
        """In whole seconds since 1970."""
        return int(self._clock().timestamp())

    def _answer(self, secret: Secret, with_value: bool = True) -> web.Response:
        return web.json_response(self._bundle(secret, with_value))

    def _bundle(self, secret: Secret, with_value: bool) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            "enabled": secret.enabled,
            "nbf": secret.not_before,
            "exp": secret.expires_on,
            "created": secret.created_at,
            "updated": secret.updated_at,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": RECOVERABLE_DAYS,
        }
        body: dict[str, Any] = {
            "id": f"{self._tokens.issuer.base}/secrets/{secret.name}/{secret.version}",
            "attributes": {key: value for key, value in attributes.items() if value is not None},
        }
        if with_value:
            body["value"] = secret.value
        if secret.content_type is not None:
            body["contentType"] = secret.content_type
        return body | ({"tags": dict(secret.tags)} if secret.tags else {})


def missing_token(issuer: Issuer, refusal: TokenRefused) -> web.Response:
    """The challenge that says where to get a token."""
    challenge = f'Bearer authorization="{issuer.base}/{issuer.tenant}", resource="{AUDIENCE}"'
    said = VaultRefused(401, "Unauthorized", f"AKV10000: Request is missing a valid token: {refusal}.")
    return web.json_response(said.body, status=401, headers={"WWW-Authenticate": challenge})


async def _body(request: web.Request, model: type[Model]) -> Model:
    raw = await request.read()
    if len(raw) > LARGEST_BODY:
        raise VaultRefused(413, "RequestEntityTooLarge", "The request is larger than this service takes.")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise VaultRefused(400, "BadParameter", f"{where}: {first['msg']}") from error
