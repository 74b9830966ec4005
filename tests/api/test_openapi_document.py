"""The OpenAPI document says what the app registers, and says it in valid JSON Schema."""

import json
from dataclasses import fields

import jsonschema
import pytest

from slipway.local.functions.bindings import HttpTrigger
from slipway.promotion.plan import StagePlan
from tests.workflow.virtual import app_functions
from triggers.http import PROBLEMS
from triggers.openapi import SCHEME, document

METHODS = {"get", "put", "post", "delete", "patch"}


def registered() -> set[tuple[str, str]]:
    """(path, method) of every HTTP route as the Functions host finds it in the app."""
    triggers = [function.bindings.trigger for function in app_functions()]
    routes = [trigger for trigger in triggers if isinstance(trigger, HttpTrigger)]
    return {(f"/{route.route}", method.lower()) for route in routes for method in route.methods or ("any",)}


def described() -> dict[tuple[str, str], dict[str, object]]:
    paths = document()["paths"].items()
    return {(path, method): operation for path, each in paths for method, operation in each.items()}


def test_every_registered_route_is_in_the_document_and_no_other() -> None:
    assert set(described()) == registered()
    assert len(registered()) >= 10 and all(method in METHODS for _, method in registered())


def test_only_health_and_the_document_itself_need_no_sign_in() -> None:
    opened = {path for (path, _), operation in described().items() if operation["security"] == []}
    assert opened == {"/api/health", "/api/openapi.json"}
    hooks = ([{"hook-basic": []}, {"hook-key": []}], [{"hook-signature": []}], [{"gate-token": []}])
    ways = ([], [{SCHEME: []}], *hooks)
    assert all(each["security"] in ways for each in described().values())
    schemes = {name for each in described().values() for way in each["security"] for name in way}
    assert schemes == set(document()["components"]["securitySchemes"])


@pytest.mark.parametrize("route", sorted(described()))
def test_a_route_says_what_it_does_who_may_and_how_it_refuses(route: tuple[str, str]) -> None:
    operation = json.loads(json.dumps(described()[route]))
    assert operation["summary"] and operation["operationId"]
    assert any(status.startswith("2") for status in operation["responses"])
    for status, response in operation["responses"].items():
        assert response["description"]
        kind = "application/json" if "application/json" in response["content"] else "application/problem+json"
        assert kind == "application/json" or int(status) >= 400
    if operation["security"] and ("/hooks/" in route[0] or route[0] == "/api/gates"):
        assert "own key or signature" in operation["description"] and {"401", "503"} <= set(operation["responses"])
    elif operation["security"]:
        assert "role" in operation["description"] and {"401", "403", "503"} <= set(operation["responses"])
    if "requestBody" in operation:
        assert {"400", "413", "422"} <= set(operation["responses"])
    in_path = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
    assert all(f"{{{name}}}" in route[0] for name in in_path) and len(in_path) == route[0].count("{")


def test_every_schema_is_valid_and_every_reference_leads_somewhere() -> None:
    schemas = document()["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(document())
    referred = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred == set(schemas)


def test_general_problems_have_a_status_that_is_an_error() -> None:
    assert all(400 <= status < 600 and codes for status, codes in PROBLEMS.items())


def test_a_planned_stage_is_described_with_all_that_a_stage_has() -> None:
    there = {each.name for each in fields(StagePlan)} | {"may_promote"}
    assert set(document()["components"]["schemas"]["PlannedStage"]["properties"]) == there
