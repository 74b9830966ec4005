"""Whatever Schemathesis can think of, sent to a running API. To import it takes most of a second, and each worker
imports every file of tests: so only the test that uses it does, when it runs."""

from collections.abc import Mapping
from datetime import timedelta

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
from triggers.openapi import document

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [(path, method) for path, each in document()["paths"].items() for method in each]
BOUNDED = settings(
    max_examples=6,
    deadline=timedelta(seconds=30),
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def statuses_of(url: str, headers: Mapping[str, str], parameters: Mapping[str, str]) -> set[int]:
    """The statuses of what every operation answers to good and bad requests, also to some for the `parameters` that are
    known to be there. Raises what Schemathesis raises when an answer is not in the document."""
    api = schemathesis.openapi.from_dict(strict())
    statuses: set[int] = set()
    with requests.Session() as session:
        session.trust_env = False
        for path, method in OPERATIONS:
            operation = api[path][method.upper()]
            known = {name: value for name, value in parameters.items() if f"{{{name}}}" in path}
            cases = [operation.as_strategy(mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
            cases += [operation.as_strategy(path_parameters=known)] if known else []

            @BOUNDED
            @given(case=st.one_of(cases))
            def holds(case: Case) -> None:
                response = case.call(url, session, dict(headers), timeout=30)
                statuses.add(response.status_code)
                case.validate_response(response, checks=CHECKS)

            holds()
    return statuses
