"""Holds an answer of the API against the OpenAPI document, strictly: nothing may be said that is not described."""

import copy
import json
import re
from functools import cache, lru_cache
from typing import Any

import httpx
import jsonschema

from triggers.openapi import document


def check_answer(answer: httpx.Response) -> None:
    """Raises AssertionError when status, content type or body of an answer are not in the document."""
    method, path = answer.request.method, answer.request.url.raw_path.decode().partition("?")[0]
    operation = _operation(method, path)
    assert operation, f"{method} {path} is not in the document"
    name = f"{operation['operationId']}: {answer.status_code}"
    response = operation["responses"].get(str(answer.status_code))
    assert response, f"{name} is not in the document: {answer.text[:500]}"
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in response["content"], f"{name} comes as {kind}"
    if kind.endswith("json"):
        schema = response["content"][kind]["schema"]["$ref"]
        errors = _errors(schema, answer.content)
        assert not errors, f"{name} is not as {schema} says: {errors}"


def strict() -> dict[str, Any]:
    """The document with every object closed."""
    closed = copy.deepcopy(document())
    for schema in closed["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return closed


@cache
def _operation(method: str, path: str) -> dict[str, Any] | None:
    for template, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template)), path):
            found: dict[str, Any] | None = operations.get(method.lower())
            return found
    return None


@lru_cache(maxsize=256)  # whoever waits hears the same again and again
def _errors(schema: str, body: bytes) -> tuple[str, ...]:
    wrong = _validator(schema).iter_errors(json.loads(body))
    return tuple(f"{error.json_path}: {error.message[:300]}" for error in wrong)


@cache
def _validator(reference: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$ref": reference, "components": strict()["components"]})
