"""The HTTP API as an OpenAPI 3.1 document, made from what the code already knows.

Templates and methods come from the Functions SDK, descriptions from the routes' docstrings, everything else from
the `Contract` that `api` keeps with each route. Only what a parameter of a path may be is said here.
"""

import re
from functools import cache
from typing import Annotated, Any

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, Field, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from slipway.promotion.ids import PROMOTION_ID_PATTERN, PROMOTION_LIMIT
from slipway.promotion.pipeline.vocabulary import Name
from slipway.promotion.set_aside import MESSAGE_ID
from triggers import answers, bodies
from triggers.answers import Problem
from triggers.contract import Contract
from triggers.hook_keys import KEY_HEADER, SIGNATURE_HEADER
from triggers.http import PROBLEM, PROBLEMS
from triggers.routes import ROUTES
from triggers.version import app_version

SCHEME = "entra"
# How a CI system proves itself at its own hook, and nowhere else: by the contract's `key`.
KEY_SCHEMES: dict[str, dict[str, dict[str, str]]] = {
    "azure-devops": {
        "hook-basic": {
            "type": "http",
            "scheme": "basic",
            "description": "The hook's key as the password, with any name.",
        },
        "hook-key": {"type": "apiKey", "in": "header", "name": KEY_HEADER, "description": "The hook's key."},
    },
    "github": {
        "hook-signature": {
            "type": "apiKey",
            "in": "header",
            "name": SIGNATURE_HEADER,
            "description": "`sha256=` and the HMAC-SHA256 of the body under the hook's secret, in hex.",
        }
    },
    "gate": {
        "gate-token": {
            "type": "apiKey",
            "in": "query",
            "name": "token",
            "description": "What stands in the address that the gate's question gave: signed, for one answer.",
        }
    },
}
_REF = "#/components/schemas/{model}"
PATH_PARAMETERS: dict[str, tuple[str, Any]] = {
    "id": (
        "The promotion: `{service}--{version}`, with `~` for `+`; of a later run of the build `=2` and so on after it.",
        Annotated[str, Field(pattern=PROMOTION_ID_PATTERN, max_length=PROMOTION_LIMIT)],
    ),
    "stage": ("A stage of its pipeline.", Name),
    "environment": ("The environment.", Name),
    "intent": (
        "The intent: `{environment}.{service}.{8 hex digits}`, with `_` for all of them; "
        "`{environment}.{service}.broken` for a broken lock, or `{environment}.{service}.rejected-{version}`.",
        Annotated[str, Field(pattern=r"^[a-z0-9_-]+\.[a-z0-9_-]+\.[0-9A-Za-z][0-9A-Za-z._+-]*$", max_length=220)],
    ),
    "message": ("The message, as the list names it.", Annotated[str, Field(pattern=MESSAGE_ID)]),
    "service": ("The service.", Name),
    "delegation": ("The delegation, as the list names it.", Annotated[str, Field(pattern="^[0-9a-f]{12}$")]),
    "flag": ("The flag's name in App Configuration.", Annotated[str, Field(min_length=1, max_length=200)]),
}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of every HTTP route of the app."""
    routes = _routes()
    models = sorted({each for _, _, contract in routes for each in _models(contract)}, key=lambda each: str(each))
    _, schemas = models_json_schema([*models, (Problem, "serialization")], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, contract in routes:
        paths.setdefault(path, {})[method] = _operation(path, contract)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Slipway",
            "version": app_version(),
            "summary": "Promotes builds through environments, one gate at a time.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A token of Microsoft Entra ID for this app, whose app roles are the roles named "
                    "here. One that does not verify is refused by the platform: 401 without a problem document.",
                },
                **{name: scheme for schemes in KEY_SCHEMES.values() for name, scheme in schemes.items()},
            },
        },
    }


def _routes() -> list[tuple[str, str, Contract]]:
    """Path, method and contract of every HTTP route."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    for module in ROUTES:
        app.register_functions(module.bp)
    found = []
    for function in app.get_functions():
        trigger = function.get_trigger()
        if function.is_http_function():
            contract: Contract = function.get_user_function().contract
            found += [(f"/{trigger.route}", method.value.lower(), contract) for method in trigger.methods]
    return found


def _models(contract: Contract) -> set[tuple[type[BaseModel], JsonSchemaMode]]:
    answered: set[tuple[type[BaseModel], JsonSchemaMode]] = {
        (_answer(name), "serialization") for name in contract.answers.values()
    }
    return answered | ({(_body(contract.body), "validation")} if contract.body else set())


def _answer(name: str) -> type[BaseModel]:
    model: type[BaseModel] = getattr(answers, name)
    return model


def _body(name: str) -> type[BaseModel]:
    model: type[BaseModel] = getattr(bodies, name)
    return model


def _operation(path: str, contract: Contract) -> dict[str, Any]:
    names = re.findall(r"\{([^}]+)\}", path)
    summary, _, more = contract.words.partition("\n\n")
    described = f"{more}\n\n" if more else ""
    if contract.roles:
        described += f"Needs the role {' or '.join(contract.roles)}, for {contract.place or 'everything'}."
    if contract.key:
        described += "Needs the hook's own key or signature, which opens no other route; a person's token does not do."
    operation: dict[str, Any] = {
        "operationId": contract.name,
        "summary": " ".join(summary.split()),
        "description": " ".join(described.split()),
        "security": _security(contract),
        "x-slipway-roles": list(contract.roles),
        "parameters": [*map(_in_path, names), *_in_query(contract)],
        "responses": {
            **{str(status): _answered(status, _answer(name)) for status, name in contract.answers.items()},
            **{str(status): _refused(status, codes) for status, codes in _refusals(contract, names).items()},
        },
    }
    if contract.body:
        content = {"application/json": {"schema": {"$ref": _REF.format(model=contract.body)}}}
        operation["requestBody"] = {"required": True, "content": content}
    return {key: value for key, value in operation.items() if value or key == "security"}


def _security(contract: Contract) -> list[dict[str, list[str]]]:
    """Any one of these lets a caller in; none, and everyone may call."""
    return [{SCHEME: []}] if contract.roles else [{name: []} for name in KEY_SCHEMES.get(contract.key, ())]


def _in_path(name: str) -> dict[str, Any]:
    words, type_ = PATH_PARAMETERS[name]
    schema = TypeAdapter(type_).json_schema()
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}


def _in_query(contract: Contract) -> list[dict[str, Any]]:
    if contract.query is None:
        return []
    schema = _body(contract.query).model_json_schema(ref_template=_REF)
    return [
        {"name": name, "in": "query", "description": each.pop("description"), "schema": each}
        for name, each in schema["properties"].items()
    ]


def _refusals(contract: Contract, in_path: list[str]) -> dict[int, tuple[str, ...]]:
    """The codes of the problems that a route may answer, by status: everybody's, and its own."""
    everybodys = [500]
    everybodys += [401, 403, 503] if contract.roles else []
    everybodys += [503] if contract.key else []
    everybodys += [400, 413] if contract.body else []
    codes = {status: PROBLEMS[status] for status in everybodys}
    if contract.body and 422 not in contract.refuses:
        codes[422] = ("INVALID_BODY",)
    if contract.query:
        codes[422] = ("INVALID_QUERY",)
    for status, own in contract.refuses.items():
        codes[status] = tuple(dict.fromkeys(codes.get(status, ()) + own))
    return dict(sorted(codes.items()))


def _answered(status: int, model: type[BaseModel]) -> dict[str, Any]:
    words = " ".join((model.__doc__ or model.__name__).split())
    content = {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}
    # What was made, or is not finished yet, has a place to look at: RFC 9110 §15.3.2 and §15.3.3.
    located = {"Location": {"required": True, "schema": {"type": "string"}, "description": "Where it will show."}}
    return {"description": words, "content": content, **({"headers": located} if status in (201, 202) else {})}


def _refused(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    described = ", ".join(f"`{code}`" for code in codes)
    content: dict[str, Any] = {PROBLEM: {"schema": {"$ref": _REF.format(model="Problem")}}}
    if status == 401:
        described += "; as text, from the platform: the token does not verify"
        content["text/plain"] = {"schema": {"type": "string"}}
    return {"description": described, "content": content}
