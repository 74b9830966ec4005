"""A question to a Log Analytics workspace (azure-monitor-query; REST `POST /v1/workspaces/{id}/query`): are there rows?

The gate's own KQL is asked as it is written, with the names of the build in front as `let` statements.
"""

import json
from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain, explain_response, unreadable
from slipway.adapters.telemetry.logs import SERVER_S, logs_client
from slipway.promotion.gates.answer import GateAnswer
from slipway.promotion.gates.question import Question
from slipway.promotion.gates.rounds import GATE_UNMET
from slipway.promotion.outcomes import Outcome
from slipway.promotion.rights.catalogue import ALL_LOGS
from slipway.settings import Settings, settings

NONE = "none"


def ask(question: Question, settings_: Settings | None = None) -> GateAnswer:
    """Passed or failed (GATE_UNMET) by how many rows there are; broken KQL_REFUSED for a query that the workspace does
    not take. Raises AzureProblem for what may pass, or what we may not do."""
    chosen, told = settings_ or settings(), question.gate.settings
    try:
        rows = _counted(question, told.get("workspace") or chosen.needed("workspace"), chosen)
    except AzureProblem as problem:
        if problem.fault.kind is not FaultKind.INVALID:
            raise
        return GateAnswer(Outcome.BROKEN, "KQL_REFUSED", f"the workspace does not take the query: {problem.fault.said}")
    met = (rows == 0) == (told["expect"] == NONE)
    words = f"{rows:,} rows of the last {told['over'] / 60:g} min, expected {told['expect']}"
    outcome, code = (Outcome.PASSED, "") if met else (Outcome.FAILED, GATE_UNMET)
    return GateAnswer(outcome, code, words, {"rows": rows, "expected": told["expect"]})


def _counted(question: Question, workspace: str, chosen: Settings) -> int:
    from azure.core.exceptions import AzureError

    told, ends = question.gate.settings, clock.now()
    answered: list[Any] = []
    try:
        answer = logs_client(chosen).query_workspace(
            workspace,
            f"{_names(question)}{told['query']}\n| count",
            timespan=(ends - timedelta(seconds=told["over"]), ends),
            server_timeout=SERVER_S,
            raw_response_hook=lambda response: answered.append(response.http_response),
        )
        return _count(answer)
    except (AzureError, KeyError, TypeError, ValueError) as error:
        # The SDK breaks over an error whose body is no JSON: its status says more.
        if answered and answered[-1].status_code >= 400:
            raise AzureProblem(explain_response(answered[-1], ALL_LOGS)) from error
        raise AzureProblem(explain(error, ALL_LOGS) if isinstance(error, AzureError) else _unreadable()) from error


def _names(question: Question) -> str:
    """The build and its place, for the query. None of them holds anything but letters, digits and . _ + -."""
    build = question.build
    names = {"service": build.service, "version": build.version, "environment": question.environment}
    return "".join(f"let {name} = {json.dumps(value)};\n" for name, value in names.items())


def _count(answer: Any) -> int:
    """The one number of a whole answer. Raises ValueError: part of an answer is none."""
    tables = getattr(answer, "tables", None)
    if getattr(answer, "partial_error", None) is not None or not tables or not tables[0].rows:
        raise ValueError("this is no whole answer")
    return int(tables[0].rows[0][0])


def _unreadable() -> AzureFault:
    return unreadable("NoWholeAnswer").fault
