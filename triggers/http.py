"""What every HTTP route keeps: who may, what a body may be, and errors as problem+json (RFC 9457)."""

import functools
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import azure.functions as func

from slipway.adapters.azure_errors import AzureProblem
from slipway.promotion.approval import Person
from slipway.promotion.errors import BuildRejected, Forbidden, NotForPromotion, Refused, SlipwayError
from triggers.contract import Codes, Contract
from triggers.hook_keys import HookNotConfigured, HookRefused
from triggers.identity import NotSignedIn, person_of, require, require_somewhere
from triggers.request_spans import answered, request_span

if TYPE_CHECKING:
    from pydantic import BaseModel

PROBLEM = "application/problem+json"
LARGEST_BODY = 256 * 1024
LARGEST_MESSAGE = 240 * 1024  # a queue takes 256 KiB, what stands beside the body included
TYPE = "urn:slipway:problem:"
# The problems of every route that can come to have them, by status.
PROBLEMS: Codes = {
    400: ("NOT_JSON",),
    401: ("NOT_SIGNED_IN", "WRONG_TENANT", "WRONG_AUDIENCE", "AUTHENTICATION_OFF", "BEARER_NEEDED"),
    403: ("FORBIDDEN", "NOT_A_PERSON"),
    413: ("TOO_LARGE",),
    500: ("UNEXPECTED", "SETTING_MISSING", "SETTING_INVALID"),
    503: ("AZURE_UNAVAILABLE", "AZURE_THROTTLED", "AZURE_DENIED", "AZURE_UNKNOWN", "AZURE_CONFLICT"),
}

_log = logging.getLogger("slipway.http")
Model = TypeVar("Model", bound="BaseModel")
Route = Callable[..., Awaitable[func.HttpResponse]]


class NotFound(SlipwayError):
    """There is no such thing. Answered as 404."""


class BadRequest(SlipwayError):
    """The request itself cannot be read. Answered as 400, 413 or 422."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(code, words)
        self.status = status


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """A JSON answer."""
    text = json.dumps(body, separators=(",", ":"))
    return func.HttpResponse(text, status_code=status, headers=headers, mimetype="application/json")


def problem(status: int, code: str, detail: str, instance: str, challenge: str = "Bearer") -> func.HttpResponse:
    """An error as RFC 9457 has it, with the stable code beside it. `challenge` says how to prove who one is."""
    body = {
        "type": TYPE + code.lower().replace("_", "-"),
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "instance": instance,
    }
    headers = {"WWW-Authenticate": challenge} if status == 401 else None
    return func.HttpResponse(json.dumps(body), status_code=status, headers=headers, mimetype=PROBLEM)


def api(
    *roles: str,
    demands: str | tuple[str, ...] = (),
    answers: Mapping[int, str],
    body: str | None = None,
    query: str | None = None,
    refuses: Codes | None = None,
    key: str = "",
    place: str = "",
) -> Callable[[Route], Route]:
    """A route for people who hold one of `roles`, given the person as `person`; without roles, for everyone.

    `key` names the CI system whose key or signature the route itself checks (`triggers.hook_keys`), instead of roles.
    `demands` is the role that the route itself requires, or those of which it requires one, so that it can keep on
    record whom it refused. `place` says in words of what place a role has to be: the route asks for that itself, by
    `require` or `may_read`. Without one, only a role that holds everywhere opens the route. The rest is what the route
    promises (`Contract`), kept as the attribute `contract` of the function. What the route raises becomes a problem; an
    error that nobody foresaw becomes a 500 that says nothing of its insides, and is logged.
    """

    demanded = (demands,) if isinstance(demands, str) else demands

    def decorate(route: Route) -> Route:
        @functools.wraps(route)
        async def guarded(
            req: func.HttpRequest, context: func.Context | None = None, **bindings: Any
        ) -> func.HttpResponse:
            instance = _path(req)
            with request_span(req, route.__name__, instance, context) as seen:
                try:
                    if roles:
                        bindings["person"] = person_of(req)
                        _admit(bindings["person"], roles, demanded, place)
                    said = await route(req, **bindings)
                except SlipwayError as error:
                    seen.tell(code=error.code, words=error.words)
                    challenge = getattr(error, "challenge", "Bearer")
                    said = problem(_status_of(error), error.code, error.words, instance, challenge)
                except Exception:  # noqa: BLE001 - the boundary: whatever it is, it must become an answer
                    _log.exception("%s %s failed", req.method, instance)
                    said = problem(500, "UNEXPECTED", "Slipway failed on this request; its log says why", instance)
                answered(seen, req, said.status_code)
            return said

        del guarded.__wrapped__  # the bindings are found by the signature, which must not show `person`
        guarded.__signature__ = _as_bound(route)  # type: ignore[attr-defined]
        guarded.__annotations__.pop("person", None)
        guarded.__annotations__["context"] = func.Context
        words = inspect.getdoc(route) or ""
        needed = demanded or roles
        contract = Contract(route.__name__, words, needed, answers, body, query, refuses or {}, key, place)
        guarded.contract = contract  # type: ignore[attr-defined]
        return guarded

    return decorate


def _admit(person: Person, roles: tuple[str, ...], demands: tuple[str, ...], place: str) -> None:
    """Whoever may not use the route at all goes no further. Raises Forbidden."""
    if demands and person.application:
        require_somewhere(person, *demands)
    elif place:
        require_somewhere(person, *roles)
    else:
        require(person, *roles)


def body_of(req: func.HttpRequest, model: type[Model]) -> Model:
    """The request's JSON body as `model`. Raises BadRequest."""
    from pydantic import ValidationError

    raw = raw_body(req)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise BadRequest(400, "NOT_JSON", f"the body is not JSON: {first['msg']}") from error
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise BadRequest(422, "INVALID_BODY", f"{where}: {first['msg']}") from error


def query_of(req: func.HttpRequest, model: type[Model]) -> Model:
    """The request's query as `model`. Raises BadRequest."""
    from pydantic import ValidationError

    try:
        return model.model_validate(dict(req.params))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        words = f"{where}: {first['msg']}"
        if first["type"] == "extra_forbidden":
            words = f"{where} is not a parameter of this route; those are {', '.join(model.model_fields)}"
        raise BadRequest(422, "INVALID_QUERY", words) from error


def raw_body(req: func.HttpRequest, largest: int = LARGEST_BODY) -> bytes:
    """The request's body. Raises BadRequest (413) beyond so many bytes."""
    raw: bytes = req.get_body()
    if len(raw) > largest:
        raise BadRequest(413, "TOO_LARGE", f"the body has {len(raw)} bytes, allowed are {largest}")
    return raw


# Codes of a rejected build that say the same as another route's: the status is the same too.
_STATUS_BY_CODE = {"VERSION_REUSED": 409, "NOT_JSON": 400}


def _status_of(error: SlipwayError) -> int:
    if isinstance(error, BadRequest):
        return error.status
    if isinstance(error, AzureProblem):
        return 503
    if error.code in _STATUS_BY_CODE:
        return _STATUS_BY_CODE[error.code]
    by_type: list[tuple[type[SlipwayError], int]] = [
        (NotSignedIn, 401),
        (HookRefused, 401),
        (HookNotConfigured, 503),
        (Forbidden, 403),
        (NotFound, 404),
        (Refused, 409),
        (BuildRejected, 422),
        (NotForPromotion, 422),
    ]
    return next((status for type_, status in by_type if isinstance(error, type_)), 500)


def _path(req: func.HttpRequest) -> str:
    url: str = req.url
    return "/" + url.split("://", 1)[-1].partition("/")[2].partition("?")[0]


def _as_bound(route: Route) -> Any:
    """Its signature as the host sees it: without the person, and with the host's own context of the call."""
    signature = inspect.signature(route)
    kept = [parameter for name, parameter in signature.parameters.items() if name != "person"]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=func.Context)
    return signature.replace(parameters=[*kept, context])
