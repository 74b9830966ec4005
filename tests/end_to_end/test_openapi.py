"""The running API against its own OpenAPI document: whatever is sent, by whomever, no 5xx and no surprise."""

from datetime import timedelta

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conformance import strict
from tests.end_to_end.system import System, a_message
from triggers.openapi import document

KNOWN = {"id": "checkout--6.0.0", "stage": "production", "environment": "test", "service": "checkout"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROLES = {"nobody": None, "reader": "erin", "approver": "carol", "operator": "alice", "admin": "dave"}
OPERATIONS = [(path, method) for path, each in document()["paths"].items() for method in each]
BOUNDED = settings(
    max_examples=6,
    deadline=timedelta(seconds=10),
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def begun(system: System) -> System:
    """With a promotion that is on its way, for those who guess its id."""
    system.send(a_message("6.0.0"))
    system.until(KNOWN["id"], lambda seen: bool(seen["stages"]))
    return system


def test_the_document_is_served_to_everyone(begun: System) -> None:
    answer = begun.call("GET", "/api/openapi.json", None)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == document()


@pytest.mark.parametrize("role", ROLES)
def test_whatever_is_sent_every_answer_is_in_the_document(begun: System, role: str) -> None:
    api = schemathesis.openapi.from_dict(strict())
    who = ROLES[role]
    headers = {"Authorization": f"Bearer {begun.token(who)}"} if who else {}
    statuses: set[int] = set()
    with requests.Session() as session:
        session.trust_env = False
        for path, method in OPERATIONS:
            operation = api[path][method.upper()]
            known = {name: value for name, value in KNOWN.items() if f"{{{name}}}" in path}
            cases = [operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
            cases += [operation.as_strategy(path_parameters=known)] if known else []

            @BOUNDED
            @given(case=st.one_of(cases))
            def holds(case: Case) -> None:
                response = case.call(begun.run.url, session, headers, timeout=20)
                statuses.add(response.status_code)
                case.validate_response(response, checks=CHECKS)

            holds()
    assert 200 in statuses and (401 if who is None else 404) in statuses
