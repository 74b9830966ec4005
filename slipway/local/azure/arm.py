"""Azure Resource Manager's own part of every request: token, api-version, subscription; then the resource provider's.

Errors have its shape, `{"error": {"code", "message"}}`, or the flat one that App Service has for itself.
"""

import re
from typing import Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from slipway.local.azure.tokens import RESOURCE_MANAGER, TokenRefused, Tokens

SUBSCRIPTION = re.compile(r"/subscriptions/(?P<subscription>[^/]+)(?P<rest>/.*)?", re.IGNORECASE)
GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)", re.IGNORECASE)
# azure-core ignores `Retry-After: 0` (and then waits 30 s), so a whole second and milliseconds beside it.
POLL_AGAIN = {"Retry-After": "1", "retry-after-ms": "250"}

Model = TypeVar("Model", bound=BaseModel)


class ArmError(Exception):
    """ARM's own shape: `{"error": {"code", "message"}}`."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.response = web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


class AppServiceError(Exception):
    """App Service's own shape, flat and in capitals; the SDKs' `error` is empty for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        details = [{"Message": message}, {"Code": code}, {"ErrorEntity": {"Code": code, "Message": message}}]
        body = {"Code": code, "Message": message, "Target": None, "Details": details, "Innererror": None}
        self.response = web.json_response(body, status=status)


class Provider(Protocol):
    """A resource provider, such as Microsoft.Web."""

    async def answer(self, request: web.Request, rest: str) -> web.Response | None:
        """`rest` is the path below the subscription; None when it names nothing of this provider's. Raises
        ArmError or AppServiceError."""


class ResourceManager:
    """`groups` are the ids of the resource groups that there are, in small letters."""

    def __init__(self, groups: frozenset[str], tokens: Tokens, *providers: Provider) -> None:
        self._groups = groups
        self._subscriptions = {group.split("/")[2] for group in groups}
        self._tokens = tokens
        self._providers = providers

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/subscriptions/{tail:.*}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        try:
            return await self._route(request)
        except (ArmError, AppServiceError) as refusal:
            return refusal.response

    async def _route(self, request: web.Request) -> web.Response:
        self._authorise(request)
        if "api-version" not in request.query:
            raise ArmError(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        of_subscription = SUBSCRIPTION.fullmatch(request.path)
        if of_subscription is None:
            raise not_implemented(request)
        subscription = of_subscription["subscription"]
        if subscription.lower() not in self._subscriptions:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        if (group := GROUP.match(request.path)) and group[0].lower() not in self._groups:
            raise group_not_found(group["group"])
        for provider in self._providers:
            answer = await provider.answer(request, of_subscription["rest"] or "")
            if answer is not None:
                return answer
        raise not_implemented(request)

    def _authorise(self, request: web.Request) -> None:
        try:
            self._tokens.check(request.headers.get("Authorization"), RESOURCE_MANAGER)
        except TokenRefused as refusal:
            issuer = self._tokens.issuer
            challenge = f'Bearer authorization_uri="{issuer.base}/{issuer.tenant}", error="invalid_token"'
            raise ArmError(
                401,
                "AuthenticationFailed",
                f"Authentication failed: {refusal}.",
                {"WWW-Authenticate": challenge},
            ) from refusal


def parsed(model: type[Model], body: bytes) -> Model:
    """Raises ValueError with words that name the place."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"The request body is not valid: {where}: {first['msg']}") from error


def group_not_found(group: str) -> ArmError:
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def lies_in(request: web.Request, group: str) -> bool:
    """Whether the request is for the resource group with that id."""
    asked = GROUP.match(request.path)
    return asked is not None and asked[0].lower() == group.lower()


def resource_not_found(what: str, group: str) -> ArmError:
    return ArmError(404, "ResourceNotFound", f"The Resource '{what}' under resource group '{group}' was not found.")


def not_implemented(request: web.Request) -> ArmError:
    return ArmError(501, "NotImplemented", f"{request.method} {request.path} is not in this stand-in.")
